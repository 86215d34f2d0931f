import * as fc from 'fast-check';
import { AgentError } from '../../../../../src/core/errors.ts';
import type { Action } from '../../../../../src/core/plan/action.ts';
import type { HealthSetting, PlanInput } from '../../../../../src/core/plan/plan-input.ts';
import type { HostPlan } from '../../../../../src/core/plan/host-plan.ts';
import { createSimulatedAgent, type SimulatedAgent, type Wish } from '../../../../support/simulated-agent.ts';
import { createSimulatedEngine, type SimulatedEngine } from '../../../../support/simulated-engine.ts';
import { parseImage } from '../../../../../src/core/image/reference.ts';
import { edgeSetting } from '../../../../support/world.ts';
import { EDGE_IMAGE } from './scenes.ts';

class Killed extends Error {}

/** Never good, or not for long. */
export const BAD = ['crashing', 'unhealthy', 'dies', 'sickens'];

const BEHAVIOURS = {
  '1': { health: 'healthy', afterMs: 30 },
  '2': { health: 'healthy' },
  '3': {},
  crashing: { exits: 1 },
  unhealthy: { health: 'unhealthy' },
  dies: { health: 'healthy', diesAfterMs: 300 },
  sickens: { health: 'healthy', sickAfterMs: 300 },
} as const;

export interface Layout {
  readonly order: 'start-first' | 'stop-first';
  readonly replicas: number;
  readonly parallelism: number;
  readonly port: 80 | 81 | undefined;
  readonly target: 8888 | 9999;
}

const CALM: Layout = { order: 'start-first', replicas: 2, parallelism: 1, port: 80, target: 8888 };

/** What publishes a port by itself can be there once. */
export const replicasOf = (l: Layout): number =>
  l.order === 'stop-first' && l.port !== undefined ? 1 : l.replicas;

/** `web` as laid out, `api` behind the same edge and never touched, `old` that publishes by itself. */
const composeOf = (l: Layout): string => `
services:
  web:
    image: org/web
    restart: always
    ${l.port === undefined ? '' : `ports: [{ target: ${String(l.target)}, published: ${String(l.port)} }]`}
    deploy:
      replicas: ${String(replicasOf(l))}
      update_config: { order: ${l.order}, parallelism: ${String(l.parallelism)}, monitor: 1s }
    x-supercargo: { drain: 2s, healthy-within: 3s }
  api:
    image: org/api:1
    restart: unless-stopped
    ports: [{ target: 7000, published: 70, app_protocol: http }]
    deploy: { update_config: { order: start-first, monitor: 500ms } }
    x-supercargo: { drain: 1s }
`;

export type Command =
  | { readonly kind: 'publish'; readonly version: string }
  | { readonly kind: 'lay out'; readonly change: Partial<Layout> }
  | { readonly kind: 'connect'; readonly pick: number; readonly sessions: number }
  | { readonly kind: 'fault'; readonly action: Action['kind']; readonly times: number }
  | { readonly kind: 'silence'; readonly ticks: number }
  | { readonly kind: 'new edge image' }
  | { readonly kind: 'ticks'; readonly count: number }
  | { readonly kind: 'kill'; readonly at: number; readonly when: 'before' | 'after' }
  | { readonly kind: 'drain'; readonly forMs: number | undefined }
  | { readonly kind: 'undrain' }
  // Those take away what serves.
  | { readonly kind: 'kill edge' }
  | { readonly kind: 'remove edge' }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'lose'; readonly what: 'Folder' | 'Sockets' | 'File' }
  | { readonly kind: 'stop' | 'remove'; readonly pick: number };

export const publish = fc.record({
  kind: fc.constant('publish' as const),
  version: fc.constantFrom(...Object.keys(BEHAVIOURS)),
});
export const kill = fc.record({
  kind: fc.constant('kill' as const),
  at: fc.integer({ min: 0, max: 14 }),
  when: fc.constantFrom('before' as const, 'after' as const),
});
/** The host goes out of service and comes back. */
export const turn: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('drain' as const),
    forMs: fc.constantFrom(undefined, 20_000, 100),
  }),
  fc.constant({ kind: 'undrain' } as const),
);
export const scale = fc.record({
  kind: fc.constant('lay out' as const),
  change: fc.record({
    replicas: fc.integer({ min: 1, max: 3 }),
    parallelism: fc.integer({ min: 0, max: 2 }),
  }),
});
export const relay = fc.record({
  kind: fc.constant('lay out' as const),
  change: fc.record(
    {
      order: fc.constantFrom('start-first' as const, 'stop-first' as const),
      port: fc.constantFrom(80 as const, 81 as const, undefined),
      target: fc.constantFrom(8888 as const, 9999 as const),
    },
    { requiredKeys: [] },
  ),
});
const kinds: readonly Action['kind'][] = [
  'pull',
  'create',
  'start',
  'stop',
  'remove',
  'disarm',
  'create-network',
  'create-edge',
  'leave-edge',
  'edge-write',
  'edge-add-server',
  'edge-set-state',
  'edge-remove-server',
  'edge-cut-sessions',
  'edge-close-port',
];
/** What goes wrong beside the containers: nobody loses what serves. */
export const mishap: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('fault' as const),
    action: fc.constantFrom(...kinds),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    kind: fc.constant('connect' as const),
    pick: fc.nat(5),
    sessions: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({ kind: fc.constant('silence' as const), ticks: fc.integer({ min: 1, max: 10 }) }),
  fc.record({ kind: fc.constant('new edge image' as const) }),
  fc.record({ kind: fc.constant('ticks' as const), count: fc.integer({ min: 1, max: 25 }) }),
);
export const blow: fc.Arbitrary<Command> = fc.oneof(
  fc.constant({ kind: 'kill edge' } as const),
  fc.constant({ kind: 'remove edge' } as const),
  fc.constant({ kind: 'reboot' } as const),
  fc.record({ kind: fc.constant('lose' as const), what: fc.constantFrom('Folder', 'Sockets', 'File') }),
  fc.record({ kind: fc.constantFrom('stop' as const, 'remove' as const), pick: fc.nat(5) }),
);

export interface Watch {
  readonly before?: (engine: SimulatedEngine, action: Action, floor: number) => void;
  readonly after?: (engine: SimulatedEngine, action: Action, floor: number) => void;
  readonly onPlan?: (plan: HostPlan, input: PlanInput) => void;
}

export interface Run {
  readonly engine: SimulatedEngine;
  readonly agent: () => SimulatedAgent;
  readonly replicas: () => number;
  readonly apply: (command: Command) => Promise<void>;
  readonly settle: () => Promise<HostPlan>;
}

/** A host with a foreign container on it, and an agent that can be killed between any two actions. */
export const start = (watch: Watch, health?: HealthSetting): Run => {
  const engine = createSimulatedEngine();
  engine.registry.push(EDGE_IMAGE);
  engine.registry.push('docker.io/library/haproxy:3.3');
  engine.registry.push('org/api:1', { health: 'healthy' });
  for (const [version, behaviour] of Object.entries(BEHAVIOURS))
    engine.registry.push(`org/web:${version}`, behaviour);
  engine.byHand.run({ name: 'foreign', image: 'org/api:1', restart: 'always', port: 8080 });
  let layout = CALM;
  /** The fewest replicas that were ever wanted. */
  let floor = replicasOf(layout);
  let wish: Wish = {
    compose: composeOf(layout),
    versions: { web: 'org/web:1' },
    published: { serial: 1 },
    ...(health && { more: { edge: edgeOf('3.2', health) } }),
  };
  let killAt: { left: number; when: 'before' | 'after' } | undefined;
  const dieIf = (when: 'before' | 'after'): void => {
    if (killAt?.when !== when) return;
    killAt.left -= 1;
    if (killAt.left >= 0) return;
    killAt = undefined;
    throw new Killed();
  };
  const born = (ledger?: SimulatedAgent['ledger']): SimulatedAgent =>
    createSimulatedAgent(engine, wish, {
      before: (action) => {
        dieIf('before');
        watch.before?.(engine, action, floor);
      },
      after: (action) => {
        watch.after?.(engine, action, floor);
        dieIf('after');
      },
      ...(watch.onPlan && { onPlan: watch.onPlan }),
      ...(ledger && { ledger }),
    });
  let agent = born();
  const alive = async <T>(use: () => Promise<T>): Promise<T> => {
    try {
      return await use();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      agent = born(agent.ledger);
      return alive(use);
    }
  };
  const want = (change: Partial<Wish>): void => {
    wish = { ...wish, ...change };
    agent.wish = wish;
  };
  const own = (pick: number): string => {
    const list = engine.actual().containers.filter((c) => c.owner?.service === 'web');
    return list[pick % Math.max(1, list.length)]?.name ?? '';
  };
  const edges = (): readonly string[] => engine.actual().containers.flatMap((c) => (c.edge ? [c.name] : []));
  const ticks = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) await alive(() => agent.tick());
  };
  const apply = async (command: Command): Promise<void> => {
    switch (command.kind) {
      case 'publish':
        return want({
          versions: { web: `org/web:${command.version}` },
          published: { serial: (wish.published?.serial ?? 0) + 1 },
        });
      case 'lay out':
        layout = { ...layout, ...command.change };
        floor = Math.min(floor, replicasOf(layout));
        return want({ compose: composeOf(layout) });
      case 'new edge image': {
        const tag = wish.more?.edge?.image.reference.tag === '3.3' ? '3.2' : '3.3';
        return want({ more: { edge: edgeOf(tag, health) } });
      }
      case 'connect':
        return engine.byHand.connect(own(command.pick), command.sessions);
      case 'fault':
        return engine.fail({
          kind: command.action,
          times: command.times,
          error: new AgentError('ENGINE', 'it stumbles', { retry: 'later' }),
        } as Parameters<SimulatedEngine['fail']>[0]);
      case 'silence':
        engine.byHand.silence(true);
        await ticks(command.ticks);
        return engine.byHand.silence(false);
      case 'kill edge':
        for (const name of edges()) engine.byHand.kill(name);
        return;
      case 'remove edge':
        for (const name of edges()) engine.byHand.remove(name);
        return;
      case 'reboot':
        return engine.restartDaemon();
      case 'lose':
        return engine.byHand[`lose${command.what}`]();
      case 'stop':
      case 'remove':
        return engine.byHand[command.kind](own(command.pick));
      case 'kill':
        killAt = { left: command.at, when: command.when };
        return;
      case 'ticks':
        return ticks(command.count);
      case 'drain': {
        const sinceMs = engine.now();
        const untilMs = command.forMs === undefined ? undefined : sinceMs + command.forMs;
        agent.ledger = { ...agent.ledger, drain: { reason: 'kernel', owner: 'ops', sinceMs, untilMs } };
        return;
      }
      case 'undrain':
        agent.ledger = { ...agent.ledger, drain: undefined };
        return;
    }
  };
  return {
    engine,
    agent: () => agent,
    replicas: () => replicasOf(layout),
    apply,
    settle: () => alive(() => agent.outlast()),
  };
};

const edgeOf = (tag: string, health: HealthSetting | undefined) => ({
  ...edgeSetting,
  ...(health && { health }),
  image: { ...edgeSetting.image, reference: parseImage(`docker.io/library/haproxy:${tag}`) },
});
