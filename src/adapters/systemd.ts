import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import systemdNotify from 'systemd-notify';
import { messageOf } from '../core/errors.ts';

/**
 * The notifications to systemd (sd_notify(3)), sent one after the other, 14 to 80 ms each. No promise
 * rejects; each settles once its call has ended.
 */
export interface Systemd {
  readonly ready: () => Promise<void>;
  /** Sends only the latest of several waiting texts. */
  readonly status: (text: string) => Promise<void>;
  readonly stopping: () => Promise<void>;
  /** Must be followed by `ready`. */
  readonly reloading: () => Promise<void>;
  readonly watchdog: () => Promise<void>;
  /** How often to call `watchdog`: half of systemd's limit; undefined if systemd does not watch us. */
  readonly watchdogIntervalMs: number | undefined;
}

export interface SystemdOptions {
  /** NOTIFY_SOCKET; without it every call does nothing. */
  readonly notifySocket: string | undefined;
  readonly watchdogUsec: number | undefined;
  readonly watchdogPid: number | undefined;
  /** The id of this process. */
  readonly pid: number;
  readonly path: string;
  /** Called once, at the first call that fails; the agent goes on. */
  readonly onFailure: (message: string) => void;
}

type Send = () => Promise<unknown>;

const run = promisify(execFile);
const CALL_LIMIT_MS = 5000;

/**
 * A line break would start another assignment of the message. The limit keeps the message within one
 * datagram.
 */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 1000);

/** The package cannot cancel a call, and a hanging call must not block the later ones. */
const limited = async (sent: Promise<unknown>): Promise<unknown> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end within ${CALL_LIMIT_MS / 1000} s`)), CALL_LIMIT_MS);
  try {
    return await Promise.race([sent, promise]);
  } finally {
    clearTimeout(timer);
  }
};

const intervalOf = ({ notifySocket, watchdogUsec, watchdogPid, pid }: SystemdOptions): number | undefined => {
  const isOurs = watchdogPid === undefined || watchdogPid === pid;
  return notifySocket === undefined || watchdogUsec === undefined || !isOurs
    ? undefined
    : Math.floor(watchdogUsec / 2000);
};

/** Runs calls one at a time, in order. Reports only the first failure, because the others repeat it. */
const createQueue = (onFailure: (message: string) => void): ((send: Send) => Promise<void>) => {
  const state = { last: Promise.resolve(), hasFailed: false };
  return (send) => {
    state.last = state.last.then(send).then(
      () => undefined,
      (error: unknown) => {
        if (state.hasFailed) return;
        state.hasFailed = true;
        onFailure(`systemd-notify failed: ${messageOf(error)}`);
      },
    );
    return state.last;
  };
};

/** Merges waiting calls of one kind into one call, which sends the newest text. */
const createLatest = (enqueue: (send: Send) => Promise<void>, send: (text: string) => Promise<unknown>) => {
  const waiting = new Map<'next', { text: string; sent: Promise<void> }>();
  return (text: string): Promise<void> => {
    const next = waiting.get('next');
    if (next !== undefined) {
      next.text = text;
      return next.sent;
    }
    const sent = enqueue(() => {
      const newest = waiting.get('next')?.text ?? text;
      waiting.delete('next');
      return send(newest);
    });
    waiting.set('next', { text, sent });
    return sent;
  };
};

const SILENT: Omit<Systemd, 'watchdogIntervalMs'> = {
  ready: async () => undefined,
  status: async () => undefined,
  stopping: async () => undefined,
  reloading: async () => undefined,
  watchdog: async () => undefined,
};

/**
 * READY and STATUS go through the npm package; the other messages, which it lacks, call the same program. The
 * program is a child of the agent, so the unit needs NotifyAccess=all. Without `--no-block` it waits until
 * systemd has read the message; otherwise systemd could not find the unit of an ended process.
 */
export const createSystemd = (options: SystemdOptions): Systemd => {
  const { notifySocket, path } = options;
  const watchdogIntervalMs = intervalOf(options);
  if (notifySocket === undefined) return { ...SILENT, watchdogIntervalMs };
  const enqueue = createQueue(options.onFailure);
  const variables = (...assignments: readonly string[]): Promise<unknown> =>
    run('systemd-notify', [...assignments], {
      env: { PATH: path, NOTIFY_SOCKET: notifySocket },
      timeout: CALL_LIMIT_MS,
      killSignal: 'SIGKILL',
    });
  const latestStatus = createLatest(enqueue, (text) =>
    limited(systemdNotify({ pid: options.pid, status: oneLine(text) })),
  );
  const latestWatchdog = createLatest(enqueue, (assignment) => variables(assignment));
  return {
    ready: () => enqueue(() => limited(systemdNotify({ pid: options.pid, ready: true }))),
    status: latestStatus,
    stopping: () => enqueue(() => variables('STOPPING=1')),
    // Type=notify-reload: systemd tells this reload from an earlier one by the time.
    reloading: () =>
      enqueue(() => variables('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)),
    watchdog: () => latestWatchdog('WATCHDOG=1'),
    watchdogIntervalMs,
  };
};
