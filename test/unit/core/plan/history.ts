import * as fc from 'fast-check';
import { expect } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import type { Action } from '../../../../src/core/plan/action.ts';
import type { PlanInput } from '../../../../src/core/plan/plan-input.ts';
import type { HostPlan } from '../../../../src/core/plan/host-plan.ts';
import type { EngineAction } from '../../../../src/core/ports/engine.ts';
import { createSimulatedAgent, type SimulatedAgent, type Wish } from '../../../support/simulated-agent.ts';
import { createSimulatedEngine, type SimulatedEngine } from '../../../support/simulated-engine.ts';

const COMPOSE = `
services:
  api:
    image: org/api
    restart: always
    container_name: the-api
    ports: ['80:8888']
    volumes: [/cache]
    depends_on: {migrate: {condition: service_completed_successfully}, worker: {condition: service_started}}
  migrate:
    image: org/migrate:1
    restart: "no"
  worker:
    image: org/worker
    restart: unless-stopped
    networks: [back]
    deploy: {replicas: 2, update_config: {parallelism: 1}}
networks:
  back: {}
`;

/** Versions that never become good. */
export const BAD = ['3', '4'];
const VERSIONS = ['1', '2', ...BAD];
const SERVICES = ['api', 'worker'] as const;

class Killed extends Error {}

type Command =
  | { readonly kind: 'publish'; readonly service: (typeof SERVICES)[number]; readonly version: string }
  | {
      readonly kind: 'drift';
      readonly how: 'stop' | 'remove' | 'rename' | 'pause' | 'disarm' | 'disconnect' | 'reconnect' | 'break';
      readonly pick: number;
    }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'fault'; readonly action: EngineAction['kind']; readonly times: number }
  | { readonly kind: 'offline' }
  | { readonly kind: 'ticks'; readonly count: number }
  | { readonly kind: 'kill'; readonly at: number; readonly when: 'before' | 'after' };

export const publish = fc.record({
  kind: fc.constant('publish' as const),
  service: fc.constantFrom(...SERVICES),
  version: fc.constantFrom(...VERSIONS),
});
export const kill = fc.record({
  kind: fc.constant('kill' as const),
  at: fc.integer({ min: 0, max: 12 }),
  when: fc.constantFrom('before' as const, 'after' as const),
});
const kinds: readonly EngineAction['kind'][] = [
  'pull',
  'create',
  'create-network',
  'disarm',
  'arm',
  'rename',
  'start',
  'stop',
  'remove',
  'tag-image',
  'remove-image',
];
export const disturbance: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('drift' as const),
    how: fc.constantFrom(
      'stop' as const,
      'remove' as const,
      'rename' as const,
      'pause' as const,
      'disarm' as const,
      'disconnect' as const,
      'reconnect' as const,
      'break' as const,
    ),
    pick: fc.nat(9),
  }),
  fc.record({ kind: fc.constant('reboot' as const) }),
  fc.record({
    kind: fc.constant('fault' as const),
    action: fc.constantFrom(...kinds),
    times: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant('offline' as const) }),
  fc.record({ kind: fc.constant('ticks' as const), count: fc.integer({ min: 1, max: 25 }) }),
);

export interface Run {
  readonly engine: SimulatedEngine;
  readonly agent: () => SimulatedAgent;
  readonly apply: (command: Command) => Promise<void>;
  readonly settle: () => Promise<HostPlan>;
  /** The agent ends and starts again: it tries anew what it had given up, as after `supercargo retry`. */
  readonly restart: () => void;
}

export interface Watch {
  /** Before each action. */
  readonly before?: (engine: SimulatedEngine, action: Action, agent: SimulatedAgent) => void;
  /** After each action. */
  readonly after?: (engine: SimulatedEngine) => void;
  readonly onPlan?: (plan: HostPlan, input: PlanInput) => void;
}

/** A host with a foreign container on it, and an agent that can be killed between any two actions. */
export const start = (watch: Watch): Run => {
  const engine = createSimulatedEngine();
  for (const name of ['org/api', 'org/worker']) {
    engine.registry.push(`${name}:1`, { health: 'healthy', afterMs: 50 });
    engine.registry.push(`${name}:2`, { volumes: ['/state'] });
    engine.registry.push(`${name}:3`, { health: 'unhealthy' });
    engine.registry.push(`${name}:4`, { exits: 1 });
  }
  engine.registry.push('org/migrate:1', { exits: 0, afterMs: 100 });
  engine.byHand.run({ name: 'foreign', image: 'org/api:1', restart: 'always' });
  let wish: Wish = {
    compose: COMPOSE,
    versions: { api: 'org/api:1', worker: 'org/worker:1' },
    published: { serial: 1 },
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
        watch.before?.(engine, action, agent);
      },
      after: () => {
        watch.after?.(engine);
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
  const apply = async (command: Command): Promise<void> => {
    switch (command.kind) {
      case 'publish':
        wish = {
          ...wish,
          versions: { ...wish.versions, [command.service]: `org/${command.service}:${command.version}` },
          published: { serial: (wish.published?.serial ?? 0) + 1 },
        };
        agent.wish = wish;
        return;
      case 'drift':
        return drift(engine, command);
      case 'reboot':
        return engine.restartDaemon();
      case 'fault':
        return engine.fail({
          kind: command.action,
          times: command.times,
          error: new AgentError('ENGINE', 'it stumbles', { retry: 'later' }),
        });
      case 'offline':
        engine.setOffline(true);
        await agent.tick().catch((error: unknown) => expect(error).toMatchObject({ code: 'ENGINE_OFFLINE' }));
        return engine.setOffline(false);
      case 'kill':
        killAt = { left: command.at, when: command.when };
        return;
      case 'ticks':
        for (let n = 0; n < command.count; n += 1) await alive(() => agent.tick());
    }
  };
  return {
    engine,
    agent: () => agent,
    apply,
    settle: () => alive(() => agent.outlast()),
    restart: () => {
      agent = born(agent.ledger);
    },
  };
};

const drift = (engine: SimulatedEngine, { how, pick }: Extract<Command, { kind: 'drift' }>): void => {
  // A job that somebody stops has failed: that is no drift.
  const own = engine.actual().containers.filter((c) => c.owner && c.owner.service !== 'migrate');
  const container = own[pick % Math.max(1, own.length)];
  if (!container) return;
  const { byHand } = engine;
  switch (how) {
    case 'stop':
    case 'remove':
    case 'pause':
      return byHand[how](container.name);
    case 'rename':
      return byHand.rename(container.name, `renamed-${container.id.slice(0, 6)}`);
    case 'disarm':
      return byHand.update(container.name, 'no');
    case 'disconnect':
      return byHand.disconnect(container.name, container.detail?.networks[0]?.network ?? '');
    case 'reconnect':
      return byHand.reconnect(container.name, container.detail?.networks[0]?.network ?? 'test_default');
    // Its removal has failed.
    case 'break':
      return byHand.change(container.name, { state: 'dead' });
  }
};
