import { describe, expect, it } from 'vitest';
import { createAgent, type Agent } from '../../../src/agent/agent.ts';
import type { AgentOptions } from '../../../src/agent/agent-ports.ts';
import { reconcileOnce } from '../../../src/agent/once.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { Asked } from '../../../src/core/ports/turn-source.ts';
import { fingerprintOf } from '../../../src/core/status/fingerprint.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import type { Report } from '../../../src/core/ports/report-sink.ts';
import type { TurnRequest } from '../../../src/core/turns/turn-request.ts';
import { createSurroundings } from '../../support/agent-ports.ts';
import { digestOf, ENVIRONMENT, edgeSetting } from '../../support/world.ts';

const signal = new AbortController().signal;
const PACE = { pace: { maxParallel: 1 } };
const COMPOSE = 'services: { web: { image: org/web, restart: always } }';

const AWAY: Asked = { kind: 'failed', error: new AgentError('STORE', 'the hub is away') };

const refusing = (answer: 'wait' | 'halted'): Asked => ({
  kind: 'answered',
  answer: {
    apiVersion: 'supercargo/turn/v1',
    revision: 3,
    answer,
    services: [],
    refused: [{ service: 'web', answer, message: 'web-7 has the one place', holders: [], hosts: [] }],
    askAfterSeconds: 5,
    done: [],
  },
});

const granting = ({ services }: TurnRequest): Asked => ({
  kind: 'answered',
  answer: {
    apiVersion: 'supercargo/turn/v1',
    revision: 3,
    answer: 'granted',
    services: services.map((wish) => wish.service),
    refused: [],
    askAfterSeconds: 0,
    done: [],
  },
});

/** A host whose store answers as `set.answer` says. */
const createHost = (more: Partial<AgentOptions> = {}, compose = COMPOSE) => {
  const host = createSurroundings(compose);
  for (const tag of ['1', '2', '3']) host.engine.registry.push(`org/web:${tag}`);
  const requests: TurnRequest[] = [];
  const reports: Status[] = [];
  const set: { answer: (request: TurnRequest) => Asked } = { answer: granting };
  // Simulated time goes on with each look.
  const now = (): number => {
    host.engine.advance(200);
    return host.engine.now();
  };
  const ports = {
    ...host,
    now,
    reports: {
      url: () => 'https://hub/reports/test/host-1.json',
      send: async (report: Report) => {
        reports.push(JSON.parse(report.text()) as Status);
        return Promise.resolve({ kind: 'delivered' as const });
      },
    },
    turns: {
      ask: async (request: TurnRequest) => {
        requests.push(request);
        return Promise.resolve(set.answer(request));
      },
    },
  };
  const options = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting, ...more };
  const agentOf = (dryRun = false): Agent =>
    createAgent(ports, options, { running: false, version: '0', pid: null }, dryRun);
  return { host, agent: agentOf(), agentOf, requests, reports, set };
};

const once = async (agent: Agent): Promise<Status> => {
  await agent.open(signal);
  await reconcileOnce(agent, async () => Promise.resolve(), signal);
  return agent.status();
};

const webOf = (status: Status): unknown => {
  const [web] = status.services;
  return [web?.outcome, web?.reason, web?.containers[0]?.version];
};

const WITH_JOB = `
services:
  migrate: {image: org/job, restart: "no", x-supercargo: {once: fleet}}
  web:
    image: org/web
    restart: always
    depends_on: {migrate: {condition: service_completed_successfully}}
`;
const BOTH = { migrate: 'org/job:1', web: 'org/web:1' };
const JOB = { service: 'migrate', digest: digestOf('org/job:1'), attempt: 0 };

/** Jobs of the request have run elsewhere; the rest is granted. */
const doneElsewhere = ({ services }: TurnRequest): Asked => {
  const jobs = services.filter(({ kind }) => kind === 'job');
  const others = services.filter(({ kind }) => kind !== 'job');
  return {
    kind: 'answered',
    answer: {
      apiVersion: 'supercargo/turn/v1',
      revision: 3,
      answer: others.length > 0 ? 'granted' : 'wait',
      services: others.map((wish) => wish.service),
      refused: [],
      askAfterSeconds: 0,
      done: jobs.map(({ service, digest, attempt }) => ({ service, digest: digest ?? '', attempt })),
    },
  };
};

const withJob = (): ReturnType<typeof createHost> => {
  const set = createHost({}, WITH_JOB);
  set.host.engine.registry.push('org/job:1', { exits: 0 });
  set.host.publish(1, BOTH, PACE);
  return set;
};
const created = ({ host }: ReturnType<typeof createHost>): readonly string[] =>
  host.engine
    .actual()
    .containers.flatMap((c) => c.owner?.service ?? [])
    .toSorted();

describe('a job that runs once in the fleet', () => {
  it('runs here by a turn of its own, and is reported as done', async () => {
    const set = withJob();
    const status = await once(set.agent);
    expect(set.requests.map((r) => r.services.map((w) => [w.service, w.kind, w.dependents]))).toEqual([
      [['migrate', 'job', ['web']]],
      [['web', 'first', undefined]],
    ]);
    expect(created(set)).toEqual(['migrate', 'web']);
    expect(status.turns?.jobs).toEqual([JOB]);
    expect(set.reports.at(-1)?.turns?.jobs).toEqual([JOB]);
  });

  it('does not run where the store says that it is done; the ledger keeps it', async () => {
    const set = withJob();
    set.set.answer = doneElsewhere;
    const status = await once(set.agent);
    expect(created(set)).toEqual(['web']);
    expect(status.services.map((s) => [s.outcome, s.message])).toEqual([
      ['converged', 'version 1 ran once in the fleet'],
      ['converged', null],
    ]);
    const next = set.agentOf();
    set.set.answer = () => AWAY;
    expect((await once(next)).turns?.jobs).toEqual([JOB]);
    expect(set.requests).toHaveLength(2);
  });

  it('never runs while no store answers', async () => {
    const set = withJob();
    set.set.answer = () => AWAY;
    const status = await once(set.agent);
    expect(created(set)).toEqual([]);
    expect(status.services.map((s) => [s.service, s.outcome, s.reason])).toEqual([
      ['migrate', 'waiting', 'turn'],
      ['web', 'waiting', 'dependency'],
    ]);
  });
});

describe('a single reconcile', () => {
  it('goes on with a turn that is granted at once', async () => {
    const { host, agent, requests, reports } = createHost();
    host.publish(1, { web: 'org/web:1' }, PACE);
    expect(webOf(await once(agent))).toEqual(['converged', null, '1']);
    expect(requests).toMatchObject([
      { seq: 2, serial: 1, engine: 'engine', services: [{ service: 'web', kind: 'first' }] },
    ]);
    expect(reports).toMatchObject([
      { turns: { store: 'unknown', asked: ['web'], seq: 1 }, services: [{ switching: { state: 'none' } }] },
      {
        turns: { mode: 'manifest', store: 'answers', asked: [], seq: 3, revision: 3 },
        services: [
          { switching: { entry: 'web', attempt: 0, state: 'good', unsettled: false, hasServed: true } },
        ],
      },
    ]);
    expect(host.entries.map((e) => e.event)).toContain('turn.granted');
  });

  it.each([
    ['wait', 'turn'],
    ['halted', 'halted'],
  ] as const)('ends after one refusal: %s', async (answer, reason) => {
    const { host, agentOf, requests, set } = createHost();
    host.publish(1, { web: 'org/web:1' }, PACE);
    await once(agentOf());
    set.answer = () => refusing(answer);
    host.publish(2, { web: 'org/web:2' }, PACE);
    const status = await once(agentOf());
    expect(webOf(status)).toEqual(['waiting', reason, '1']);
    expect(status.services[0]?.message).toBe('web-7 has the one place');
    expect(requests).toHaveLength(2);
    expect(new Set(requests.map((r) => r.life)).size).toBe(2);
  });

  it('asks nothing without a pace', async () => {
    const { host, agent, requests } = createHost();
    host.publish(1, { web: 'org/web:1' });
    expect(webOf(await once(agent))).toEqual(['converged', null, '1']);
    expect(requests).toEqual([]);
  });

  it('asks without a pace too with SUPERCARGO_TURNS=always', async () => {
    const { host, agent, requests } = createHost({ turns: 'always' });
    host.publish(1, { web: 'org/web:1' });
    expect(webOf(await once(agent))).toEqual(['converged', null, '1']);
    expect(requests).toHaveLength(1);
  });
});

/** A host that runs version 1, and waits for a turn for version 2 of a store that is away. */
const waiting = async () => {
  const made = createHost();
  made.host.publish(1, { web: 'org/web:1' }, PACE);
  await once(made.agentOf());
  made.set.answer = () => AWAY;
  made.host.publish(2, { web: 'org/web:2' }, PACE);
  const agent = made.agentOf();
  expect(webOf(await once(agent))).toEqual(['waiting', 'turn', '1']);
  return { ...made, agent };
};

describe('switch-now', () => {
  const NOW = { kind: 'switch-now', reason: 'the hub is gone', owner: 'ann' } as const;

  it('lets the accepted manifest begin without a turn, and no later one', async () => {
    const { host, agent, agentOf, requests } = await waiting();
    expect(agent.status().services[0]?.message).toBe(
      'the hub is away; root can begin without a turn: supercargo switch-now --reason R',
    );
    const { lines } = await agent.operate(NOW);
    expect(lines).toEqual([
      'the switches of manifest 2 begin without a turn, also if they are halted; the next manifest needs turns',
    ]);
    const asked = requests.length;
    const status = await once(agentOf());
    expect(webOf(status)).toEqual(['converged', null, '2']);
    expect(status.switchNow).toMatchObject({ reason: 'the hub is gone', owner: 'ann' });
    expect(requests).toHaveLength(asked);
    expect(host.entries.map((e) => e.event)).toContain('switch.forced');
    host.publish(3, { web: 'org/web:3' }, PACE);
    const later = await once(agentOf());
    expect([webOf(later), later.switchNow]).toEqual([['waiting', 'turn', '2'], null]);
  });

  it('opens no hold, and says so', async () => {
    const { agent, agentOf } = await waiting();
    await agent.operate({ kind: 'pause', reason: 'Friday', owner: 'bob', untilMs: null, all: false });
    const { lines } = await agent.operate(NOW);
    expect(lines[1]).toBe('but the hold of bob (Friday) until `supercargo resume` lets none begin');
    expect(webOf(await once(agentOf()))).toEqual(['waiting', 'hold', '1']);
  });

  it('is refused without a reason, and says where no turn is needed', async () => {
    const { host, agent } = createHost();
    host.publish(1, { web: 'org/web:1' });
    await once(agent);
    await expect(agent.operate({ ...NOW, reason: ' \n' })).rejects.toMatchObject({ code: 'USAGE' });
    const { lines } = await agent.operate(NOW);
    expect(lines).toEqual(['no switch here needs a turn: manifest 1 has no pace']);
  });
});

describe('the status of an agent', () => {
  it('that only observes asks nothing', async () => {
    const { host, agentOf, requests } = createHost();
    host.publish(1, { web: 'org/web:1' }, PACE);
    await once(agentOf());
    host.publish(2, { web: 'org/web:2' }, PACE);
    const observer = agentOf(true);
    await observer.open(signal);
    await observer.intake.fetch(signal);
    const before = requests.length;
    await observer.observe(signal);
    expect(observer.status().turns).toBeUndefined();
    expect(requests).toHaveLength(before);
  });

  it('names each service of an engine that does not answer: no turn is given back by it', async () => {
    const { host, agentOf } = createHost();
    host.publish(1, { web: 'org/web:1' }, PACE);
    await once(agentOf());
    host.engine.setOffline(true);
    const status = await once(agentOf());
    expect(status).toMatchObject({ outcome: 'offline', turns: { asked: ['web'] } });
    expect(status.services[0]).not.toHaveProperty('switching');
  });

  it('is no news by its numbers alone', async () => {
    const { host, agent } = createHost();
    host.publish(1, { web: 'org/web:1' }, PACE);
    const status = await once(agent);
    const { turns } = status;
    if (!turns) throw new Error('an agent that runs says how it takes turns');
    const later = { ...status, turns: { ...turns, seq: 99, revision: 99 } };
    expect(fingerprintOf(later)).toBe(fingerprintOf(status));
    const asking = { ...status, turns: { ...turns, asked: ['web'] } };
    expect(fingerprintOf(asking)).not.toBe(fingerprintOf(status));
  });
});
