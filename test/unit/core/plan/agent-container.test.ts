import { describe, expect, it } from 'vitest';
import { planHost } from '../../../../src/core/plan/plan-host.ts';
import type { Container } from '../../../../src/core/state/actual.ts';
import { planInput } from '../../../support/world.ts';
import { deployed, WEB } from './scenario.ts';

const asSelf = (c: Container): Container => ({ ...c, isSelf: true });
const foreign = (c: Container): Container => ({ ...asSelf(c), name: 'agent', owner: undefined });

/** What is decided about `web` when the only container there is the agent's own. */
const decisionAbout = async (compose: string, disguise = asSelf): Promise<unknown> => {
  const s = await deployed();
  const seen = s.engine.actual();
  const actual = { ...seen, containers: seen.containers.map(disguise) };
  const wish = { ...s.agent.wish, compose, versions: { web: 'org/web:2' }, published: { serial: 2 } };
  const plan = planHost(planInput({ ...wish, actual, ledger: s.agent.ledger }));
  return plan.services.find((service) => service.service === 'web')?.decision;
};

describe('the container that the agent runs in', () => {
  const left = expect.objectContaining({ kind: 'blocked', reason: 'self' }) as unknown;

  it('is not replaced by another version, whatever its labels say', async () => {
    expect(await decisionAbout(WEB)).toEqual(left);
  });

  it('is not removed when its service leaves the compose files', async () => {
    expect(await decisionAbout('services: {}\nx-supercargo: {allow-empty: true}')).toEqual(left);
  });

  it('is not taken over by `replaces`', async () => {
    const compose = `${WEB}    x-supercargo: {replaces: agent}\n`;
    expect(await decisionAbout(compose, foreign)).toEqual(left);
  });

  it('would be all of that if it were not the own one', async () => {
    const decision = await decisionAbout(WEB, (c) => c);
    expect(decision).not.toEqual(left);
  });
});
