import {
  createSimulatedAgent,
  type AgentOptions,
  type SimulatedAgent,
} from '../../../support/simulated-agent.ts';
import { createSimulatedEngine, type SimulatedEngine } from '../../../support/simulated-engine.ts';
import type { Behaviour } from '../../../support/simulated-registry.ts';

export interface Scenario {
  readonly engine: SimulatedEngine;
  readonly agent: SimulatedAgent;
  /** What was done since the last time it was asked, but for the upkeep of images. */
  readonly since: () => readonly string[];
}

/** A simulated host with an agent, and a registry that serves these images. */
export const scenario = (
  compose: string,
  images: Readonly<Record<string, Behaviour>>,
  options: AgentOptions = {},
): Scenario => {
  const engine = createSimulatedEngine();
  for (const [image, behaviour] of Object.entries(images)) engine.registry.push(image, behaviour);
  const agent = createSimulatedAgent(engine, { compose }, options);
  let told = 0;
  return {
    engine,
    agent,
    since: () => {
      const steps = agent.steps.slice(told);
      told = agent.steps.length;
      return steps.filter((step) => !isUpkeep(step));
    },
  };
};

export const isUpkeep = (step: string): boolean => /^(tag|remove)-image /.test(step);

/** Makes these versions desired and settles. */
export const deploy = async (
  { agent }: Scenario,
  versions: Readonly<Record<string, string>>,
  serial = (agent.wish.published?.serial ?? 0) + 1,
): ReturnType<SimulatedAgent['settle']> => {
  agent.wish = { ...agent.wish, versions, published: { ...agent.wish.published, serial } };
  return agent.settle();
};

/** The running containers, `web 1.0.0`, sorted. */
export const running = ({ engine }: Scenario): readonly string[] =>
  engine
    .actual()
    .containers.filter((c) => c.state === 'running')
    .map((c) =>
      c.owner
        ? `${c.owner.service}${c.owner.replica === 1 ? '' : `.${String(c.owner.replica)}`} ${c.owner.version}`
        : c.name,
    )
    .toSorted();

export const WEB = `
services:
  web:
    image: org/web
    restart: always
    ports: ['80:8888']
`;

/** `{ web: 'org/web:VERSION' }` */
export const web = (version: string): Readonly<Record<string, string>> => ({ web: `org/web:${version}` });

export const images = {
  'org/web:1': {},
  'org/web:2': {},
  'org/web:9': { health: 'unhealthy' },
  'org/api:1': {},
  'org/api:2': {},
} as const;

/** Already runs these versions; nothing is told of how it came there. */
export const deployed = async (compose = WEB, versions = web('1')): Promise<Scenario> => {
  const s = scenario(compose, images);
  await deploy(s, versions);
  s.since();
  return s;
};
