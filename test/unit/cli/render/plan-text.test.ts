import { describe, expect, it } from 'vitest';
import {
  planDocument,
  renderPlan,
  type PlanDocument,
  type PlanStep,
} from '../../../../src/cli/render/plan-text.ts';
import { dryRun } from '../../../../src/core/plan/dry-run.ts';
import { edgeSetting } from '../../../support/world.ts';
import type { Screen } from '../../../../src/cli/streams.ts';
import { createPalette } from '../../../../src/cli/terminal/colour.ts';
import { deploy, web, type Scenario } from '../../core/plan/scenario.ts';
import { scene, startFirst } from '../../core/plan/edge/scenes.ts';

const screen: Screen = { colour: false, columns: undefined, palette: createPalette({ colour: false }) };

const behindBalancer = (leadMs: number): Scenario => {
  const s = scene(startFirst({ order: 'stop-first' }));
  const health = { hostAddress: '', hostPort: 9000, leadMs };
  s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, health } } };
  return s;
};

const answersIn = (edge: readonly PlanStep[]): readonly (readonly string[])[] =>
  edge.filter(({ action }) => action === 'edge-answer').map(({ subject, why }) => [subject, why]);

const plan = async (s: Scenario): Promise<PlanDocument> => {
  const input = await s.agent.observe();
  return planDocument('test', 2, input, dryRun(input));
};

describe('what a plan says of load balancers', () => {
  it.each([
    [10_000, 'they get 10 s to take notice'],
    [0, 'the edge and its files follow what runs'],
  ])('is each change that they hear, and the lead: %d ms', async (leadMs, why) => {
    const s = behindBalancer(leadMs);
    await deploy(s, web('1'));
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    const document = await plan(s);
    expect(answersIn(document.edge)).toEqual([
      ['load balancers hear: this host and web go out of service (503)', why],
      ['load balancers hear: this host and web are in service (200)', why],
    ]);
    expect(document.services[0]?.gap).not.toContain(' 0 s ');
    expect(renderPlan(document, screen)).toContain('this host and web go out of service (503)');
  });

  it('is what they hear of a new host at first', async () => {
    const s = behindBalancer(10_000);
    s.agent.wish = { ...s.agent.wish, versions: web('1'), published: { serial: 1 } };
    const [first, last] = answersIn((await plan(s)).edge).map(([subject]) => subject);
    expect([first, last]).toEqual([
      'load balancers hear: this host and web are out of service (503)',
      'load balancers hear: this host and web are in service (200)',
    ]);
  });

  it('is nothing where only the reason of an answer changes', async () => {
    const s = behindBalancer(10_000);
    await deploy(s, web('1'));
    const drain = { reason: 'kernel', owner: 'ops', sinceMs: s.engine.now(), untilMs: undefined };
    s.agent.ledger = { ...s.agent.ledger, drain };
    await s.agent.settle();
    s.agent.ledger = { ...s.agent.ledger, drain: { ...drain, reason: 'new disk' } };
    const input = await s.agent.observe();
    expect(dryRun(input).steps).toEqual([]);
  });
});
