import { describe, expect, it } from 'vitest';
import { identify } from '../../../../src/core/plan/ownership.ts';
import type { Container } from '../../../../src/core/state/actual.ts';
import type { Ledger } from '../../../../src/core/state/ledger.ts';
import { outcomesOf } from '../../../support/simulated-agent.ts';
import type { Scenario } from './scenario.ts';
import { deploy, deployed, running, web } from './scenario.ts';

const nameOf = ({ engine }: Scenario): string => engine.actual().containers.find((c) => c.owner)?.name ?? '';

const find = ({ engine }: Scenario, name: string): Container | undefined =>
  engine.actual().containers.find((c) => c.name === name);

/** As an agent wrote it that recorded no ids. */
const withoutIds = ({ containers: _ids, ...ledger }: Ledger): Ledger => ledger;

describe('a container that another program made in the place of ours', () => {
  it('is replaced by the own container of the release, and is told as what it is', async () => {
    const s = await deployed();
    const name = nameOf(s);
    s.engine.byHand.recreate(name, 'org/web:2');
    const { actual } = await s.agent.observe();
    const [copy] = actual.containers;
    expect(copy).toMatchObject({
      owner: { service: 'web', version: 'copy of 1' },
      copyOf: { version: '1', differs: ['image', 'environment'] },
    });
    expect(outcomesOf(await s.agent.plan())).toEqual({ web: 'act create' });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(running(s)).toEqual(['web 1']);
    expect(find(s, name)?.imageId).not.toBe(copy?.imageId);
    expect(s.engine.actual().containers.map((c) => c.name)).toEqual([name]);
  });

  it('is ours where it is exactly what the release makes', async () => {
    const s = await deployed();
    const name = nameOf(s);
    const original = find(s, name);
    s.engine.byHand.recreate(name, 'org/web:1');
    s.engine.byHand.change(name, original ? { detail: original.detail } : {});
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([]);
    expect(s.agent.ledger.containers).toContain(find(s, name)?.id);
  });

  it('counts for no release: a new one is deployed over it, and a bad one goes back to the good one', async () => {
    const s = await deployed();
    s.engine.byHand.recreate(nameOf(s), 'org/web:2');
    await deploy(s, web('2'));
    expect(running(s)).toEqual(['web 2']);
    s.engine.byHand.recreate(nameOf(s), 'org/web:1');
    expect(outcomesOf(await deploy(s, web('9')))).toEqual({ web: 'rolled-back 9 → 2' });
    expect(running(s)).toEqual(['web 2']);
  });
});

describe('a container with our labels beside ours', () => {
  it('is foreign: it is left alone, and the own one is kept', async () => {
    const s = await deployed();
    s.engine.byHand.imitate(nameOf(s), 'org/web:2', 'debugging');
    const before = find(s, 'debugging');
    const { actual } = await s.agent.observe();
    const seen = actual.containers.find((c) => c.name === 'debugging');
    expect([seen?.owner, seen?.lookalike]).toEqual([
      undefined,
      { service: 'web', differs: ['name', 'image', 'environment'] },
    ]);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([]);
    expect(find(s, 'debugging')).toEqual(before);
  });

  it('is not used where ours is gone, and where it is the only one with our labels', async () => {
    const s = await deployed();
    const name = nameOf(s);
    s.engine.byHand.imitate(name, 'org/web:2', 'debugging');
    s.engine.byHand.stop('debugging');
    s.engine.byHand.remove(name);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(find(s, name)?.state).toBe('running');
    expect(find(s, 'debugging')?.state).toBe('exited');
  });

  it('is told as foreign where it has the port', async () => {
    const s = await deployed();
    const name = nameOf(s);
    s.engine.byHand.imitate(name, 'org/web:2', 'debugging');
    s.engine.byHand.change('debugging', { ports: [{ hostAddress: '', hostPort: 80, protocol: 'tcp' }] });
    s.engine.byHand.remove(name);
    const plan = await s.agent.settle();
    expect(plan.services.map((p) => p.decision)).toMatchObject([
      { kind: 'blocked', reason: 'port', message: 'port 80/tcp is taken by the foreign container debugging' },
    ]);
  });
});

describe('a container that the ledger does not know', () => {
  it('is recognised by what it was created with, and nothing is done to it', async () => {
    const s = await deployed();
    const ids = s.agent.ledger.containers;
    s.agent.ledger = withoutIds(s.agent.ledger);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([]);
    expect(s.agent.ledger.containers).toEqual(ids);
  });

  it('is recognised while it is a candidate, under the name that it gets when another has its own, and renamed aside', async () => {
    const s = await deployed();
    s.agent.ledger = withoutIds(s.agent.ledger);
    const steps = s.agent.steps.length;
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    while (s.agent.steps.length < steps + 3) {
      await s.agent.tick();
      s.agent.ledger = withoutIds(s.agent.ledger);
    }
    const { actual } = await s.agent.observe();
    expect(actual.containers.filter((c) => c.copyOf ?? c.lookalike)).toEqual([]);
    await s.agent.settle();
    expect(running(s)).toEqual(['web 2']);
  });

  it('is ours by its name where nobody knows its release, unless the tag that keeps its image says another one', async () => {
    const s = await deployed();
    const input = await s.agent.observe();
    const ledger = { ...withoutIds(input.ledger), services: {} };
    const unknown = { ...input, ledger, desired: {} };
    expect(identify(unknown).recognised).toHaveLength(1);
    const [container] = input.actual.containers;
    const other = { ...container, imageId: input.actual.images.find((i) => i.id !== container?.imageId)?.id };
    const copied = { ...unknown, actual: { ...input.actual, containers: [{ ...container, ...other }] } };
    expect(identify(copied as typeof unknown).actual.containers).toMatchObject([
      { copyOf: { differs: ['image'] } },
    ]);
  });
});

describe('ids in the ledger', () => {
  it('are dropped when their containers are long gone', async () => {
    const s = await deployed();
    for (let serial = 2; serial < 300; serial += 1) {
      s.engine.byHand.remove(nameOf(s));
      await s.agent.settle();
    }
    expect(s.agent.ledger.containers?.length).toBeLessThanOrEqual(201);
    expect(s.agent.ledger.containers).toContain(find(s, nameOf(s))?.id);
  });
});
