import { messageOf } from '../../core/errors.ts';
import type { HubContext } from '../hub-context.ts';

const EVERY_MS = 60_000;
/** A store that heard no host first lets every host report again. */
const GRACE_MS = 3_600_000;

type Context = Pick<HubContext, 'reports' | 'log' | 'now'>;

/** Removes the reports of hosts that have been silent for longer than `afterMs`. @throws AgentError STORE */
export const forgetSilent = async ({ reports, log, now }: Context, afterMs: number): Promise<void> => {
  for (const environment of reports.environments()) {
    // A host may have reported to another hub.
    await reports.refresh(environment);
    if (now() - reports.hearing(environment).runBeganMs < Math.min(GRACE_MS, afterMs)) continue;
    const silent = reports.all(environment).filter(({ receivedAtMs }) => receivedAtMs < now() - afterMs);
    for (const { host } of silent)
      if (await reports.remove(environment, host))
        log.write('info', 'report.removed', { environment, host, reason: 'silent' });
  }
};

/** Does so every minute. Returns what ends it. */
export const forgetSilentHosts = (context: Context, afterMs: number | undefined): (() => void) => {
  if (afterMs === undefined) return () => undefined;
  const timer = setInterval(() => {
    forgetSilent(context, afterMs).catch((error: unknown) =>
      context.log.write('error', 'hub.warned', {
        message: `a silent host is not forgotten: ${messageOf(error)}`,
      }),
    );
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};
