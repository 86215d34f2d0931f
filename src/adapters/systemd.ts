import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import systemdNotify from 'systemd-notify';
import { messageOf } from '../core/errors.ts';

/**
 * What the service tells systemd (sd_notify(3)). Nothing here rejects; each promise is settled when systemd
 * was told. Calls are sent one after the other, 14 to 80 ms each.
 */
export interface Systemd {
  readonly ready: () => Promise<void>;
  /** The latest text wins: one that is overtaken while it waits is never sent. */
  readonly status: (text: string) => Promise<void>;
  readonly stopping: () => Promise<void>;
  /** Must be followed by `ready`. */
  readonly reloading: () => Promise<void>;
  readonly watchdog: () => Promise<void>;
  /** How often `watchdog` is to be called: half of what systemd accepts. Undefined: it does not watch us. */
  readonly watchdogIntervalMs: number | undefined;
}

export interface SystemdOptions {
  /** NOTIFY_SOCKET; undefined: every call does nothing. */
  readonly notifySocket: string | undefined;
  readonly watchdogUsec: number | undefined;
  readonly watchdogPid: number | undefined;
  /** The id of this process. */
  readonly pid: number;
  readonly path: string;
  /** Told once, at the first call that fails; the agent goes on. */
  readonly onFailure: (message: string) => void;
}

type Send = () => Promise<unknown>;

const run = promisify(execFile);
const CALL_LIMIT_MS = 5000;

/**
 * A text with a line break would become further assignments of the message; systemd shows one line anyway.
 * Cut to stay below the limit of one datagram.
 */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 1000);

/** The package cannot stop what it has started; a call that hangs must not hold up those behind it. */
const limited = async (sent: Promise<unknown>): Promise<unknown> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end within ${CALL_LIMIT_MS} ms`)), CALL_LIMIT_MS);
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

/**
 * One call at a time, in order. The first failure is told, the others are silent: it is the same one again.
 */
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

/** Calls of the same kind that wait are one call, which sends what is newest when its turn comes. */
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
 * READY and STATUS go through the npm package; it knows nothing else, so that the other messages call the
 * same program. The sender is a child of ours: the unit needs NotifyAccess=all. Without `--no-block` the
 * program waits until systemd has read the message, else systemd could no longer tell whose child it was.
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
    // systemd compares the time with its own clock, to tell this reload from an earlier one
    // (Type=notify-reload).
    reloading: () =>
      enqueue(() => variables('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)),
    watchdog: () => latestWatchdog('WATCHDOG=1'),
    watchdogIntervalMs,
  };
};
