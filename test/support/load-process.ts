/**
 * The clients of `load.ts`, in a process of their own: `load-process.ts HOST PORT PAUSE_MS`. Says `{"begun":…}` once every client has
 * its first answers, and the report when its input ends, which it also does when whoever started it is killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type OpenStream, openEvents, openWebSocket, startLoad } from './edge-load.ts';

/** One stream that was open, in milliseconds since 1970. */
export interface Cut {
  readonly kind: 'websocket' | 'events';
  readonly openedMs: number;
  readonly cutMs: number;
  /** 0: it was refused, or never answered. */
  readonly bytes: number;
}

const [host = '', port = '', pauseMs = ''] = process.argv.slice(2);
const over = new AbortController();
const cuts: Cut[] = [];
const open = new Map<Cut['kind'], OpenStream>();

/** Always one open: a cut one is opened again. */
const keepOpen = async (kind: Cut['kind'], connect: () => OpenStream): Promise<void> => {
  while (!over.signal.aborted) {
    const openedMs = Date.now();
    const stream = connect();
    open.set(kind, stream);
    const chatter = setInterval(() => stream.send('x'), 100);
    await stream.ended;
    clearInterval(chatter);
    stream.close();
    if (!over.signal.aborted) cuts.push({ kind, openedMs, cutMs: Date.now(), bytes: stream.received() });
    await sleep(20);
  }
};

const load = startLoad(Number(port), { host, pauseMs: Number(pauseMs) });
const streams = [
  keepOpen('websocket', () => openWebSocket(Number(port), host)),
  keepOpen('events', () => openEvents(Number(port), host)),
];

const isBegun = (): boolean => load.answered() > 20 && [...open.values()].every((s) => s.received() > 0);

const begin = async (): Promise<void> => {
  while (!isBegun() && !over.signal.aborted) await sleep(10);
  console.log(JSON.stringify({ begun: true }));
};

const end = async (): Promise<void> => {
  over.abort();
  for (const stream of open.values()) stream.close();
  const result = await load.stop();
  await Promise.all(streams);
  console.log(JSON.stringify({ ...result, cuts }));
};

process.stdin.on('end', () => void end()).resume();
await begin();
