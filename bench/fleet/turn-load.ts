import { createBusyHost, createHostAgent, perSecond, turnManifest } from '../busy-host.ts';
import type { Side, SideName } from './sides.ts';

export interface TurnFigures {
  readonly side: SideName;
  /** A second, one figure for each round. */
  readonly free: readonly number[];
  readonly contended: readonly number[];
}

export interface TurnLoadOptions {
  readonly rounds: number;
  readonly hosts: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const BUSY = 64;
/** So that the other busy hosts wait. */
export const SLOTS = 8;

const prepare = async ({ name, hubs }: Side, { hosts, signal }: TurnLoadOptions) => {
  const agent = createHostAgent(BUSY);
  const all = Array.from({ length: hosts }, (_, index) => {
    const hub = hubs[index % hubs.length] ?? hubs[0];
    return createBusyHost(hub, `web-${String(index)}`, agent, signal);
  });
  await hubs[0].publish(turnManifest(1, null));
  for (let at = 0; at < all.length; at += BUSY)
    await Promise.all(all.slice(at, at + BUSY).map(({ report }) => report()));
  const busy = all.slice(0, BUSY).map(({ turn }) => turn);
  return { side: name, hub: hubs[0], busy, agent, free: [] as number[], contended: [] as number[] };
};

/** 64 hosts, spread over the hubs, take turns: once as many as there are slots, once eight times as many. */
export const measureTurns = async (
  sides: readonly [Side, Side],
  options: TurnLoadOptions,
): Promise<readonly TurnFigures[]> => {
  const { rounds, seconds, signal } = options;
  const scenes = [await prepare(sides[0], options), await prepare(sides[1], options)];
  let serial = 1;
  for (let round = 0; round < rounds; round += 1)
    for (const [kind, slots] of [
      ['free', BUSY],
      ['contended', SLOTS],
    ] as const) {
      serial += 1;
      for (const { hub, busy, ...figures } of scenes) {
        await hub.publish(turnManifest(serial, slots));
        figures[kind].push(await perSecond(busy, seconds, signal));
      }
    }
  for (const { agent } of scenes) agent.destroy();
  return scenes.map(({ side, free, contended }) => ({ side, free, contended }));
};
