import { createTurnSource } from '../../../src/adapters/report-store/turn-source.ts';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import { createHubs } from '../../../src/io/hub-failover.ts';
import { pause, startLightHost, type LightHost, type LightHostOptions, type Wanted } from './light-host.ts';
import type { TurnSpan } from './evidence.ts';

/** How long a switch takes, in ms. */
const WORK_MS = { least: 100, most: 800 };

export interface TurnTaker extends LightHost {
  /** The version that it runs. */
  readonly version: () => number;
}

/** A light host that asks for a turn before it switches, and says how far it is. */
export const startTurnTaker = (options: LightHostOptions): TurnTaker => {
  const host = startLightHost(options);
  const { signal, words, say } = host;
  const { environment, name, secret, evidence } = options;
  const source = createTurnSource({
    hubs: createHubs({ host: name }).list('turns', host.turnAddresses),
    token: { kind: 'value', value: hostToken(secret, environment, name) },
    readTls: async () => Promise.resolve({}),
  });
  const state = { version: 1 };

  const work = async ({ version }: Wanted, span: TurnSpan): Promise<void> => {
    await say(version, 'begun');
    await pause(signal, WORK_MS.least + Math.random() * (WORK_MS.most - WORK_MS.least));
    state.version = version;
    words.asked = [];
    span.toMs = performance.now();
    while (!signal.aborted && !(await say(version, 'good'))) await pause(signal);
  };

  const take = async (wanted: Wanted): Promise<void> => {
    words.asked = ['web'];
    await say(wanted.version, 'none');
    const { serial, version } = wanted;
    const asked = await source.ask(words.request(version, serial), signal);
    if (asked.kind !== 'answered') return pause(signal);
    const { answer, askAfterSeconds } = asked.answer;
    if (answer !== 'granted') return Promise.race([pause(signal, askAfterSeconds * 1_000), host.news()]);
    const span: TurnSpan = { host: name, serial, fromMs: performance.now(), toMs: Infinity };
    evidence.turns.push(span);
    await work(wanted, span);
  };

  const live = async (): Promise<void> => {
    while (!signal.aborted) {
      const news = host.news();
      const wanted = host.wanted();
      if (wanted === undefined || wanted.version === state.version) await news;
      else await take(wanted);
    }
  };
  const life = live().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    ...host,
    version: () => state.version,
    end: async () => {
      await host.end();
      await life;
    },
  };
};
