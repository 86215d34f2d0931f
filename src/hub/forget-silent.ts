import { messageOf } from '../core/errors.ts';
import type { EpochMs } from '../core/time.ts';
import type { HubContext } from './hub-context.ts';

const EVERY_MS = 60_000;
/** A hub that was away first lets every host report again. */
const GRACE_MS = 3_600_000;

type Context = Pick<HubContext, 'reports' | 'log' | 'now'>;

/** Removes the reports of hosts that have been silent for longer than `afterMs`. */
export const forgetSilent = async (
  { reports, log, now }: Context,
  afterMs: number,
  startedAtMs: EpochMs,
): Promise<void> => {
  if (now() - startedAtMs < Math.min(GRACE_MS, afterMs)) return;
  for (const { environment, host } of reports.before(now() - afterMs))
    if (await reports.remove(environment, host))
      log.write('info', 'report.removed', { environment, host, reason: 'silent' });
};

/** Does so every minute. Returns what ends it. */
export const forgetSilentHosts = (context: Context, afterMs: number | undefined): (() => void) => {
  if (afterMs === undefined) return () => undefined;
  const startedAtMs = context.now();
  const timer = setInterval(() => {
    forgetSilent(context, afterMs, startedAtMs).catch((error: unknown) =>
      context.log.write('error', 'hub.warned', {
        message: `a silent host is not forgotten: ${messageOf(error)}`,
      }),
    );
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};
