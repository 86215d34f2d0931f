import type { AgentOptions } from '../../../../support/simulated-agent.ts';
import type { SimulatedEngine } from '../../../../support/simulated-engine.ts';
import { serverName } from '../../../../../src/core/edge/haproxy-names.ts';
import type { Container } from '../../../../../src/core/state/actual.ts';
import { deploy, scenario, web, type Scenario } from '../scenario.ts';

export const EDGE_IMAGE = 'docker.io/library/haproxy:3.2';

export interface Shape {
  readonly replicas?: number;
  /** Entries of `update_config`. */
  readonly update?: string;
  readonly ports?: string;
  readonly order?: string;
  readonly drain?: string;
  readonly more?: string;
}

/** Service `web`, behind the edge on port 80 unless told otherwise. */
export const startFirst = (shape: Shape = {}): string => `
services:
  web:
    image: org/web
    restart: always
    ports: ${shape.ports ?? '[{ target: 8888, published: 80, app_protocol: http }]'}
    deploy: { replicas: ${String(shape.replicas ?? 1)}, update_config: { order: ${shape.order ?? 'start-first'}, monitor: 1s${shape.update === undefined ? '' : `, ${shape.update}`} } }
    x-supercargo: { drain: ${shape.drain ?? '2s'}, healthy-within: 5s }
${shape.more ?? ''}
`;

/** No published port: found by its name. */
export const byName = (order = 'start-first'): string => startFirst({ ports: '[]', order });

export const images = {
  [EDGE_IMAGE]: {},
  'org/web:1': { health: 'healthy' },
  'org/web:2': { health: 'healthy' },
  'org/web:3': { health: 'healthy' },
  'org/api:1': { health: 'healthy' },
  'org/api:2': { health: 'healthy' },
  'org/web:slow': { health: 'healthy', afterMs: 200 },
  'org/web:late': { health: 'healthy', afterMs: 75_000 },
  'org/web:crashing': { exits: 1 },
  'org/web:deaf': { deaf: true },
  'org/web:unhealthy': { health: 'unhealthy' },
  'org/web:dies': { health: 'healthy', diesAfterMs: 300 },
  'org/web:sickens': { health: 'healthy', sickAfterMs: 300 },
} as const;

export const scene = (compose = startFirst(), options: AgentOptions = {}): Scenario =>
  scenario(compose, images, options);

/** Version 1 already runs; nothing is told of how it came there. */
export const deployed = async (
  compose = startFirst(),
  versions: Readonly<Record<string, string>> = web('1'),
): Promise<Scenario> => {
  const s = scene(compose);
  await deploy(s, versions);
  s.since();
  return s;
};

/** A changed compose file, settled. */
export const recompose = async (s: Scenario, compose: string): ReturnType<typeof deploy> => {
  s.agent.wish = { ...s.agent.wish, compose };
  return s.agent.settle();
};

const isRunning = (c: Container | undefined): c is Container => c?.state === 'running';

/** Ids of containers that a request can meet an answer from, by the edges that take requests now. */
export const serving = (engine: SimulatedEngine, backend = 'web:8888'): ReadonlySet<string> => {
  const { containers, edges } = engine.actual();
  const taking = containers.flatMap((c) => {
    const state = isRunning(c) && edges.find((e) => e.instance === c.edge?.instance)?.state;
    return state && !state.isLeaving && state.frontends.length > 0 ? [state] : [];
  });
  const lists = taking.map((state) =>
    state.servers
      .filter((s) => s.backend === backend && s.admin === 'ready' && s.check === 'L4OK')
      .flatMap((s) => containers.find((c) => serverName(c.id) === s.name) ?? [])
      .filter((c) => isRunning(c) && ['healthy', 'none'].includes(c.detail?.health ?? ''))
      .map((c) => c.id),
  );
  // Two edges share the port: a request may meet either.
  const [least] = lists.toSorted((a, b) => a.length - b.length);
  return new Set(least);
};

/** `web 1 ready, web 2 drain`, of the edges that run; the file of each in brackets. */
export const rotation = (engine: SimulatedEngine): readonly string[] => {
  const { containers, edges } = engine.actual();
  const subject = (name: string): string => {
    const owner = containers.find((c) => serverName(c.id) === name)?.owner;
    return owner
      ? `${owner.service}${owner.replica === 1 ? '' : `.${String(owner.replica)}`} ${owner.version}`
      : name;
  };
  return containers.flatMap((c) => {
    const seen = isRunning(c) && c.edge ? edges.find((e) => e.instance === c.edge?.instance) : undefined;
    if (!seen) return [];
    const state = (seen.state?.servers ?? []).map((s) => `${s.backend} ${subject(s.name)} ${s.admin}`);
    const file = seen.written === undefined ? [] : seen.written.servers;
    return [
      `${state.toSorted().join(', ')} [${file
        .map((s) => subject(s.name))
        .toSorted()
        .join(', ')}]`,
    ];
  });
};

/** Containers that an edge which takes requests, or may come back by itself, sends to. */
export const named = (engine: SimulatedEngine): ReadonlySet<string> => {
  const { containers, edges } = engine.actual();
  return new Set(
    containers.flatMap((c) => {
      const seen = edges.find((e) => e.instance === c.edge?.instance);
      if (!seen) return [];
      const mayReturn = c.detail?.restart.name !== 'no';
      const file = mayReturn && seen.written !== undefined ? seen.written.servers : [];
      const state =
        seen.state && !seen.state.isLeaving ? seen.state.servers.filter((s) => s.admin === 'ready') : [];
      return [...file, ...state].map((s) => s.name);
    }),
  );
};
