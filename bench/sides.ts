import { timed } from './answering.ts';

/** How each side deploys what was pushed for it. */
export type Sides<S extends string, Pushed> = Readonly<
  Record<S, (pushed: Pushed, version: string) => Promise<void>>
>;

/**
 * Every side deploys, in the order of its keys, so often and once before: the first deploy of a side replaces
 * nothing, and does not count. `tidy` is called after each round: what follows the answer (health gate,
 * clean-up) is no part of the next one. Resolves to milliseconds.
 */
export const takeTurns = async <S extends string, Pushed>(
  rounds: number,
  sides: Sides<S, Pushed>,
  push: (side: S, version: string) => Promise<Pushed>,
  tidy: () => Promise<unknown>,
): Promise<Readonly<Record<S, readonly number[]>>> => {
  const names = Object.keys(sides) as S[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<S, number[]>;
  for (let round = 0; round <= rounds; round += 1) {
    const version = `1.${String(round)}.0`;
    for (const name of names) {
      const pushed = await push(name, version);
      const tookMs = await timed(() => sides[name](pushed, version));
      if (round > 0) times[name].push(tookMs);
    }
    await tidy();
  }
  return times;
};
