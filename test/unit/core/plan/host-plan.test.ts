import { describe, expect, it } from 'vitest';
import { containerName } from '../../../../src/core/docker-names.ts';
import { planHost } from '../../../../src/core/plan/plan-host.ts';
import type { Ledger } from '../../../../src/core/state/ledger.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import { ENVIRONMENT, planInput } from '../../../support/world.ts';
import { deployed, running, web, WEB } from './scenario.ts';

describe('a plan', () => {
  it('is plain JSON, and the same for the same input', () => {
    const input = planInput({ compose: WEB, versions: web('1') });
    const plan = planHost(input);
    expect(planHost(structuredClone(input))).toEqual(plan);
    expect(JSON.parse(JSON.stringify(plan))).toMatchObject({
      services: [{ service: 'web', declared: true }],
    });
  });

  it('does not fail on a label that names an absurd replica', async () => {
    const s = await deployed();
    const [c] = s.engine.actual().containers;
    const replica = Number.MAX_SAFE_INTEGER;
    const name = containerName(ENVIRONMENT, 'web', replica, c?.owner?.release ?? '');
    s.engine.byHand.run({ name });
    s.engine.byHand.change(name, { owner: c?.owner && { ...c.owner, replica } });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 1']);
  });

  it('restores service although the ledger can not be written', async () => {
    const s = await deployed();
    const { services }: Ledger = s.agent.ledger;
    s.engine.byHand.remove(s.engine.actual().containers[0]?.name ?? '');
    await s.agent.settle();
    expect(running(s)).toEqual(['web 1']);
    expect(s.agent.ledger.services).toBe(services);
  });
});
