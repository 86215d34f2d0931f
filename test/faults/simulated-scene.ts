import { AgentError } from '../../src/core/errors.ts';
import { containerName, networkName, volumeName } from '../../src/core/docker-names.ts';
import type { Action } from '../../src/core/plan/action.ts';
import {
  brief,
  createSimulatedAgent,
  isBusy,
  outcomesOf,
  type SimulatedAgent,
  type Wish,
} from '../support/simulated-agent.ts';
import { createSimulatedEngine, type SimulatedEngine } from '../support/simulated-engine.ts';
import { ENVIRONMENT, releaseOf } from '../support/world.ts';
import { images, rotation, startFirst } from '../unit/core/plan/edge/scenes.ts';
import type { FaultName } from './table.ts';

/** With a log driver that has to reach a server: each switch tries beforehand whether the new container would start. */
const STOP_FIRST = startFirst({ order: 'stop-first', ports: '["80:8888"]' }).replace(
  '    restart: always\n',
  '    restart: always\n    logging: { driver: syslog }\n',
);
const START_FIRST = startFirst({ replicas: 2 });

/** `side` joins a namespace of `web`. */
const joined = (
  mode: string,
): string => `${STOP_FIRST.replace('restart: always', 'restart: always\n    container_name: web')}
  side:
    image: org/api:1
    restart: always
    ${mode}: container:web
    deploy: { update_config: { monitor: 1s } }
`;
/** With a network and a volume that version 1 did not need. */
const GROWN = `${STOP_FIRST.replace('restart: always', "restart: always\n    networks: [back]\n    volumes: ['data:/data']")}
networks: { back: {} }
volumes: { data: {} }
`;

export interface Scene {
  readonly compose: string;
  readonly version: string;
  /** The compose file of that version; absent: as before. */
  readonly next?: string;
  /** What it is there for; absent: every fault is tried in it. */
  readonly faults?: readonly FaultName[];
}

const HAND: readonly FaultName[] = [
  'agent-killed',
  'engine-killed',
  'clock-back',
  'hand-removed',
  'hand-stopped',
  'hand-restarted',
  'hand-renamed',
  'hand-pruned',
  'names-taken',
];

/** What is going on when a fault strikes: from version 1, which serves, to another one. */
export const SCENES = {
  'a stop-first deploy': { compose: STOP_FIRST, version: '2' },
  'a stop-first deploy with a new network and volume': {
    compose: STOP_FIRST,
    version: '2',
    next: GROWN,
    faults: ['names-taken'],
  },
  'a deploy of a container whose network another one joins': {
    compose: joined('network_mode'),
    version: '2',
    faults: HAND,
  },
  'a rollback of a container whose PID namespace another one joins': {
    compose: joined('pid'),
    version: 'unhealthy',
    faults: HAND,
  },
  'a stop-first rollback': { compose: STOP_FIRST, version: 'unhealthy' },
  'a start-first deploy': { compose: START_FIRST, version: '2' },
  'a start-first rollback': { compose: START_FIRST, version: 'crashing' },
} as const satisfies Readonly<Record<string, Scene>>;
export type SceneName = keyof typeof SCENES;

/** `during`: the action took effect, and its answer was lost. */
export type Position = 'before' | 'during' | 'after';

export interface Moment {
  readonly at: number;
  readonly position: Position;
}

/** What a fault does to a simulated host. */
export interface Strike {
  readonly begin: (world: World) => void;
  /** So long until it is over; absent: at once. */
  readonly lastsMs?: number;
  readonly end?: (world: World) => void;
  readonly killsAgent?: boolean;
}

export interface World {
  readonly engine: SimulatedEngine;
  /** Names of the containers of `web`; of the edges. */
  readonly own: () => readonly string[];
  readonly edges: () => readonly string[];
  /** Names that the new release of `web` gives to its containers, networks and volumes. */
  readonly names: {
    readonly containers: readonly string[];
    readonly networks: readonly string[];
    readonly volumes: readonly string[];
  };
}

/** What has to be the same with the fault and without it. */
export interface End {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  /** Running containers that nothing reaches: in a namespace whose owner has ended. */
  readonly cutOff: readonly string[];
  readonly edges: readonly string[];
  readonly rotation: readonly string[];
  readonly outcomes: Readonly<Record<string, string>>;
  readonly good: string | undefined;
  readonly blamed: string | undefined;
}

export interface Played {
  readonly end: End;
  /** The actions, in order: `start web 2`. */
  readonly steps: readonly string[];
  readonly foreign: unknown;
  /** The most containers of one replica that ran at the same time. */
  readonly mostOfOne: number;
}

class Killed extends Error {}

export const DAY_MS = 86_400_000;
const TICK_MS = 10;
const ENOUGH = 3_000;

/** A network gets a longer name where another one has its own. */
const nameOf = (network: string): string => network.replace(/-[0-9a-f]{8}(?:-\d+)?$/, '');

const namesOf = (compose: string, version: string): World['names'] => {
  const { id, spec } = releaseOf(compose, 'web', { web: `org/web:${version}` });
  return {
    containers: [1, 2].map((replica) => containerName(ENVIRONMENT, 'web', replica, id)),
    networks: Object.keys(spec.networks).map((name) => networkName(ENVIRONMENT, name)),
    volumes: Object.keys(spec.volumes).map((name) => volumeName(ENVIRONMENT, name)),
  };
};

const endOf = async (engine: SimulatedEngine, agent: SimulatedAgent): Promise<End> => {
  const { containers, networks } = engine.actual();
  const record = agent.ledger.services['web'];
  const own = containers.filter((c) => c.owner);
  return {
    containers: own
      .map((c) =>
        [
          c.name,
          c.owner?.version,
          c.state,
          c.detail?.restart.name,
          c.detail?.networks
            .map((n) => nameOf(n.network))
            .toSorted()
            .join('+'),
        ].join(' '),
      )
      .toSorted(),
    networks: networks.map((n) => nameOf(n.name)).toSorted(),
    cutOff: own.filter((c) => c.state === 'running' && !engine.answers(c.id)).map((c) => c.name),
    edges: containers.flatMap((c) => (c.edge ? [`${c.state} ${c.edge.shape}`] : [])),
    rotation: rotation(engine),
    outcomes: outcomesOf(await agent.plan()),
    good: record?.good[0]?.release.version,
    blamed: record?.failure?.version,
  };
};

const foreignOf = (engine: SimulatedEngine): unknown =>
  engine
    .actual()
    .containers.filter((c) => !c.owner && !c.edge)
    .map(({ id, name, state, detail }) => ({ id, name, state, restart: detail?.restart }));

const mostOfOneIn = (engine: SimulatedEngine): number => {
  const running = engine.actual().containers.filter((c) => c.owner && c.state === 'running');
  const counts = Map.groupBy(running, (c) => c.owner?.replica);
  return Math.max(0, ...[...counts.values()].map((list) => list.length));
};

const prepare = (): SimulatedEngine => {
  const engine = createSimulatedEngine();
  // Not so near to 1970 that a day before is before it.
  engine.advance(10 * DAY_MS);
  for (const [image, behaviour] of Object.entries(images)) engine.registry.push(image, behaviour);
  engine.byHand.run({ name: 'foreign', image: 'org/api:1', restart: 'always', port: 8080 });
  return engine;
};

/** Lets a scene happen on a host of its own, with a fault at one moment of it; without one undisturbed. */
export const play = async (name: SceneName, strike?: Strike, moment?: Moment): Promise<Played> => {
  const { compose, version, next = compose }: Scene = SCENES[name];
  const engine = prepare();
  const world: World = {
    engine,
    own: () => engine.actual().containers.flatMap((c) => (c.owner?.service === 'web' ? [c.name] : [])),
    edges: () => engine.actual().containers.flatMap((c) => (c.edge ? [c.name] : [])),
    names: namesOf(next, version),
  };
  const steps: string[] = [];
  const state = { isOn: false, count: 0, healAtMs: Number.POSITIVE_INFINITY, mostOfOne: 0 };
  const isNow = (position: Position): boolean =>
    state.isOn && moment?.at === state.count && moment.position === position;
  const hit = (): void => {
    if (!strike) return;
    state.isOn = false;
    strike.begin(world);
    if (strike.end) state.healAtMs = engine.now() + (strike.lastsMs ?? 0);
    if (strike.killsAgent === true) throw new Killed();
  };
  const losing =
    <Args extends readonly unknown[], Answer>(apply: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      const answer = await apply(...args);
      if (!isNow('during')) return answer;
      hit();
      throw new AgentError('ENGINE', 'the answer was lost', { retry: 'later' });
    };
  const ports = {
    ...engine,
    apply: losing(engine.apply),
    edges: { ...engine.edges, apply: losing(engine.edges.apply) },
  };
  const before = (action: Action): void => {
    if (state.isOn) steps.push(brief(action, engine.actual()));
    if (isNow('before')) hit();
  };
  const after = (): void => {
    state.mostOfOne = Math.max(state.mostOfOne, mostOfOneIn(engine));
    if (isNow('after')) hit();
    state.count += state.isOn ? 1 : 0;
  };
  const born = (wish: Wish, ledger?: SimulatedAgent['ledger']): SimulatedAgent =>
    createSimulatedAgent(ports, wish, { before, after, ...(ledger && { ledger }) });
  let agent = born({ compose, versions: { web: 'org/web:1' }, published: { serial: 1 } });
  await agent.settle();
  agent.wish = { compose: next, versions: { web: `org/web:${version}` }, published: { serial: 2 } };
  state.isOn = true;
  state.mostOfOne = 0;

  /** One look and its steps; an agent that died is followed by another, one whose engine is away waits for it. */
  const tick = async (): Promise<boolean> => {
    if (engine.now() >= state.healAtMs) {
      state.healAtMs = Number.POSITIVE_INFINITY;
      strike?.end?.(world);
    }
    try {
      return isBusy(await agent.tick());
    } catch (error) {
      if (error instanceof Killed) agent = born(agent.wish, agent.ledger);
      else if (!(error instanceof AgentError) || error.code !== 'ENGINE_OFFLINE') throw error;
      else engine.advance(1_000);
      return true;
    }
  };
  const outlast = async (): Promise<void> => {
    try {
      await agent.outlast(40);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      agent = born(agent.wish, agent.ledger);
      await outlast();
    }
  };
  const isWaiting = (): boolean => state.isOn || Number.isFinite(state.healAtMs);
  if (moment !== undefined) {
    for (let count = 0; count < ENOUGH && isWaiting(); count += 1)
      if (!(await tick())) engine.advance(TICK_MS * 10);
    if (isWaiting()) throw new Error(`nothing struck, or it did not end: ${steps.join(', ')}`);
  }
  await outlast();
  return { end: await endOf(engine, agent), steps, foreign: foreignOf(engine), mostOfOne: state.mostOfOne };
};

/** Every moment of a scene. */
export const momentsOf = (steps: readonly string[]): readonly (Moment & { readonly step: string })[] =>
  steps.flatMap((step, at) =>
    (['before', 'during', 'after'] as const)
      // What only the ledger takes has no answer that could be lost.
      .filter(
        (position) => position !== 'during' || !/^(?:remember|quarantine|forget|drain|adopt)/.test(step),
      )
      .map((position) => ({ at, position, step })),
  );
