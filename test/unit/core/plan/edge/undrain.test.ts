import { describe, expect, it } from 'vitest';
import type { HealthSetting } from '../../../../../src/core/plan/plan-input.ts';
import type { HostPlan } from '../../../../../src/core/plan/host-plan.ts';
import { outcomesOf, type AgentOptions } from '../../../../support/simulated-agent.ts';
import { edgeSetting } from '../../../../support/world.ts';
import { deploy, running, web, type Scenario } from '../scenario.ts';
import { byName, scene, startFirst } from './scenes.ts';

const HEALTH: HealthSetting = { hostAddress: '', hostPort: 9000, leadMs: 10_000 };
const STOP_FIRST = startFirst({ order: 'stop-first' });

const behindBalancer = (compose: string, options: AgentOptions = {}): Scenario => {
  const s = scene(compose, options);
  s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, health: HEALTH } } };
  return s;
};

const drain = (s: Scenario, untilMs?: number): void => {
  const drained = { reason: 'kernel', owner: 'ops', sinceMs: s.engine.now(), untilMs };
  s.agent.ledger = { ...s.agent.ledger, drain: drained };
};

const undrain = (s: Scenario): void => {
  s.agent.ledger = { ...s.agent.ledger, drain: undefined };
};

const stateOf = ({ services }: HostPlan): string => {
  const plan = services.find((p) => p.service === 'web');
  const roles = plan?.running.map(({ role }) => role).join(' ') ?? '';
  return `${roles}: ${plan?.readiness?.reason ?? ''}`;
};

const untilDraining = async (s: Scenario): Promise<void> => {
  for (let n = 0; n < 200; n += 1) {
    await s.agent.tick();
    if (Object.keys(s.agent.ledger.services['web']?.drains ?? {}).length > 0) return;
    s.engine.advance(200);
  }
  throw new Error('nothing drains');
};

/** Notes why each action is taken. */
const noting = (whys: Set<string>): AgentOptions => ({
  onPlan: ({ services }) => {
    for (const { decision: d } of services)
      if (d.kind === 'act') for (const { kind } of d.actions) whys.add(`${kind}: ${d.why}`);
  },
});

describe('a host back in service', () => {
  it.each([
    ['stop-first', STOP_FIRST],
    ['start-first', startFirst()],
    ['by name', byName()],
  ])('blames nobody for what its drain changed: %s', async (_, compose) => {
    const whys = new Set<string>();
    const s = behindBalancer(compose, noting(whys));
    await deploy(s, web('1'));
    drain(s);
    await s.agent.settle();
    expect(running(s)).not.toContain('web 1');
    undrain(s);
    whys.clear();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    const told = [...whys].filter((text) => /^(arm|start): /.test(text));
    expect(told).toEqual(['arm: it comes back into service', 'start: it comes back into service']);
  });

  it('still says what was changed by hand meanwhile', async () => {
    const whys = new Set<string>();
    const s = behindBalancer(STOP_FIRST, noting(whys));
    await deploy(s, web('1'));
    drain(s);
    await s.agent.settle();
    const name = s.engine.actual().containers.find((c) => c.owner)?.name ?? '';
    s.engine.byHand.disconnect(name, 'test_default');
    undrain(s);
    await s.agent.settle();
    expect([...whys]).toContain('connect: put back what was changed by hand');
    expect([...whys]).toContain('arm: it comes back into service');
  });

  it('does not take the old health of a stopped container for that of a running one', async () => {
    const seen: string[] = [];
    const s = behindBalancer(STOP_FIRST, { onPlan: (plan) => seen.push(stateOf(plan)) });
    await deploy(s, web('1'));
    drain(s);
    await s.agent.settle();
    const web1 = s.engine.actual().containers.find((c) => c.owner);
    if (!web1?.detail) throw new Error('there is no container');
    s.engine.byHand.change(web1.name, { detail: { ...web1.detail, health: 'unhealthy' } });
    undrain(s);
    seen.length = 0;
    await s.agent.tick();
    expect(seen).toEqual(['serving: no container of it serves']);
  });

  it('says of load balancers only what is true whether or not an edge answers', async () => {
    const told = new Set<string>();
    const s = behindBalancer(STOP_FIRST, {
      onPlan: ({ services }) => {
        for (const { decision: d } of services)
          if (d.kind === 'wait' && d.reason === 'edge') told.add(d.message);
      },
    });
    await deploy(s, web('1'));
    drain(s);
    await s.agent.settle();
    undrain(s);
    await s.agent.settle();
    expect([...told]).toEqual(['web serves; load balancers hear of it next']);
  });
});

describe('a drain that ends midway', () => {
  it.each([
    ['stop-first', STOP_FIRST],
    ['start-first', startFirst()],
    ['by name', byName()],
  ])('leaves the service as it serves: %s', async (_, compose) => {
    const seen = new Set<string>();
    const s = behindBalancer(compose, { onPlan: (plan) => seen.add(stateOf(plan)) });
    await deploy(s, web('1'));
    drain(s);
    await untilDraining(s);
    undrain(s);
    seen.clear();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect([...seen]).toEqual(['serving: serves 1']);
    expect(s.agent.ledger.services['web']?.drains).toEqual({});
  });

  it.each([
    ['stop-first', STOP_FIRST],
    ['start-first', startFirst()],
    ['by name', byName()],
  ])('lets it serve until the next release takes over: %s', async (_, compose) => {
    const seen: string[] = [];
    const s = behindBalancer(compose, { onPlan: (plan) => seen.push(stateOf(plan)) });
    await deploy(s, web('1'));
    drain(s);
    await untilDraining(s);
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    await s.agent.tick();
    undrain(s);
    seen.length = 0;
    s.since();
    await s.agent.settle();
    expect(running(s)).toContain('web 2');
    expect(seen[0]).toBe('serving: serves 1');
    const steps = s.since();
    expect(steps.indexOf('drain ends web 1')).toBeGreaterThanOrEqual(0);
    expect(steps.indexOf('drain ends web 1')).toBeLessThan(
      steps.findIndex((step) => step.startsWith('create web 2')),
    );
  });
});
