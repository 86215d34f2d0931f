import { messageOf } from '../../src/core/errors.ts';

/** What a program of hosts can be asked for: each name with its order and its answer. */
export type Orders = Readonly<Record<string, { readonly order: unknown; readonly answer: unknown }>>;

export interface OrderMessage {
  readonly id: number;
  readonly name: string;
  readonly order: unknown;
}

export interface AnswerMessage {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: string;
}

const answer = (message: AnswerMessage): void => void process.send?.(message);

/** Obeys the parent, which forked this process, until the parent is gone. */
export const obeyOrders = <O extends Orders>(work: {
  readonly [K in keyof O & string]: (order: O[K]['order']) => Promise<O[K]['answer']>;
}): void => {
  process.on('message', ({ id, name, order }: OrderMessage) => {
    const obey = work[name];
    if (obey === undefined) throw new Error(`no such order: ${name}`);
    obey(order).then(
      (value) => answer({ id, value }),
      (error: unknown) => answer({ id, failure: messageOf(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
};

/** Of the monotonic clock that all processes of a machine share. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Settles after all have; each of `width` lanes takes the next one. */
export const inLanes = async <T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> => {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (;;) {
      const item = items[next];
      if (item === undefined) return;
      next += 1;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
};
