import type { ServerResponse } from 'node:http';

/** Open streams of server-sent events (HTML standard), for the page. */
export interface Watchers {
  /** The largest number of open streams. */
  readonly most: number;
  readonly add: (response: ServerResponse) => void;
  readonly notify: (environment: string) => void;
  readonly count: () => number;
  /** Ends the streams that are open. */
  readonly close: () => void;
}

const MOST = 256;
/** Most proxies close a silent connection after a minute. */
const KEEP_ALIVE_MS = 25_000;
/** A slower reader is disconnected and connects again. */
const MOST_UNREAD_BYTES = 64 * 1024;

export const createWatchers = (): Watchers => {
  const open = new Set<ServerResponse>();
  const state: { timer: NodeJS.Timeout | undefined } = { timer: undefined };
  const write = (text: string): void => {
    for (const response of open) {
      if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
      else response.write(text);
    }
  };
  const drop = (response: ServerResponse): void => {
    open.delete(response);
    if (open.size > 0) return;
    clearInterval(state.timer);
    state.timer = undefined;
  };
  return {
    most: MOST,
    add: (response) => {
      open.add(response);
      response.once('close', () => drop(response));
      state.timer ??= setInterval(() => write(': still here\n\n'), KEEP_ALIVE_MS);
      response.write('retry: 2000\n\n');
    },
    notify: (environment) => write(`event: change\ndata: ${JSON.stringify({ environment })}\n\n`),
    count: () => open.size,
    close: () => {
      for (const response of open) response.end();
    },
  };
};
