import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { AnswerMessage, OrderMessage, Orders } from './orders.ts';

/** Many hosts in a program of their own: their work is not the hub's. */
export interface HostProcess<O extends Orders> {
  readonly pid: number;
  readonly ask: <K extends keyof O & string>(name: K, order: O[K]['order']) => Promise<O[K]['answer']>;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

const hostProcess = <O extends Orders>(child: ChildProcess): HostProcess<O> => {
  const waiting = new Map<number, Waiting>();
  let count = 0;
  child.on('message', ({ id, value, failure }: AnswerMessage) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) asked?.resolve(value as never);
    else asked?.reject(new Error(failure));
  });
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the hosts ended'));
  });
  return {
    pid: child.pid ?? 0,
    ask: (name, order) =>
      new Promise((resolve, reject) => {
        count += 1;
        waiting.set(count, { resolve, reject });
        child.send({ id: count, name, order } satisfies OrderMessage);
      }),
  };
};

export interface HostPrograms {
  /** A file beside this one. */
  readonly program: string;
  readonly count: number;
  /** Ends them. */
  readonly signal: AbortSignal;
}

/** Runs so many processes of a program; each gets its number. They end with the work, and with us. */
export const withHostProcesses = async <O extends Orders, T>(
  { program, count, signal }: HostPrograms,
  work: (processes: readonly HostProcess<O>[]) => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted();
  const file = join(import.meta.dirname, program);
  const children = Array.from({ length: count }, (_, index) => fork(file, [String(index)]));
  const end = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  signal.addEventListener('abort', end);
  try {
    return await work(children.map((child) => hostProcess<O>(child)));
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
};

/** Which part of `total` the process with this index gets: the parts differ by one at most. */
export const shareOf = (total: number, index: number, count: number): readonly [from: number, to: number] => [
  Math.floor((total * index) / count),
  Math.floor((total * (index + 1)) / count),
];
