import { describe, expect, it } from 'vitest';
import { parseImage } from '../../../../src/core/image/reference.ts';
import { planHost } from '../../../../src/core/plan/plan-host.ts';
import type { Image } from '../../../../src/core/state/actual.ts';
import { createSimulatedAgent, outcomesOf } from '../../../support/simulated-agent.ts';
import { createSimulatedEngine, type SimulatedEngine } from '../../../support/simulated-engine.ts';
import { digestOf, emptyActual, ENVIRONMENT, imageIdOf, planInput } from '../../../support/world.ts';
import { deploy, deployed, web, WEB, type Scenario } from './scenario.ts';
import { DEFAULT_NETWORK } from '../../../../src/core/compose/project-model.ts';

const version = async (s: Scenario, tag: string): Promise<void> => {
  s.engine.registry.push(`org/web:${tag}`, {});
  await deploy(s, web(tag));
};

const tags = (s: Scenario): readonly string[] => tagsOf(s.engine);

const tagsOf = (engine: SimulatedEngine): readonly string[] =>
  engine
    .actual()
    .images.flatMap((i) => i.tags.filter((t) => t.repository.endsWith('org/web')).map((t) => t.tag))
    .toSorted();

describe('housekeeping', () => {
  it('keeps the images of the last good releases, each under a tag of our own, and removes older ones', async () => {
    const s = await deployed();
    for (const tag of ['2', '3', '4']) await version(s, tag);
    expect(tags(s)).toEqual(['3', '4']);
    const kept = s.engine
      .actual()
      .images.flatMap((i) => i.tags.filter((t) => t.repository.includes(`supercargo-${ENVIRONMENT}`)));
    expect(kept).toHaveLength(2);
  });

  it('invariant 2: never removes an image that has a name of somebody else, or that a container uses', async () => {
    const s = await deployed();
    s.engine.byHand.run({ name: 'old', image: 'org/web:1' });
    await version(s, '2');
    const two = s.engine.actual().images.find((i) => i.tags.some((t) => t.tag === '2'));
    if (two) {
      const action = {
        kind: 'tag-image',
        imageId: two.id,
        repository: 'supercargo-production',
        tag: 'web-1',
      } as const;
      await s.engine.apply(action, ENVIRONMENT, () => undefined, new AbortController().signal);
    }
    for (const tag of ['3', '4', '5']) await version(s, tag);
    expect(tags(s)).toEqual(['1', '2', '4', '5']);
    expect(s.agent.steps.filter((step) => step.includes('✗'))).toEqual([]);
  });

  it('leaves what somebody has loaded for a service that may not fetch its images', () => {
    const { repository } = parseImage('org/web');
    const ours = { repository: parseImage(`supercargo-${ENVIRONMENT}`).repository, tag: 'web-1' };
    const loaded: Image = {
      id: imageIdOf('org/web:1'),
      tags: [{ repository, tag: '1' }, ours],
      digests: [],
    };
    const actual = { ...emptyActual, images: [loaded] };
    const upkeep = (compose: string) => planHost(planInput({ compose, actual })).housekeeping;
    const references = [`${repository}:1`, `${ours.repository}:web-1`];
    expect(upkeep(WEB)).toEqual([{ kind: 'remove-image', imageId: loaded.id, references }]);
    const never = upkeep(WEB.replace('image: org/web', 'image: org/web\n    pull_policy: never'));
    expect(never).toEqual([
      { kind: 'remove-image', imageId: loaded.id, references: [`supercargo-${ENVIRONMENT}:web-1`] },
    ]);
  });

  it('invariant 2: keeps images of our repositories that were there before us, as after an adoption', async () => {
    const { repository } = parseImage('org/web');
    const before = ['0.8', '0.9', '1.0'].map((tag) => ({
      id: imageIdOf(`org/web:${tag}`),
      tags: [{ repository, tag }],
      digests: [{ repository, digest: digestOf(`org/web:${tag}`) }],
    }));
    const engine = createSimulatedEngine({ actual: { ...emptyActual, images: before } });
    engine.byHand.run({ name: 'web', image: 'org/web:1.0', port: 80 });
    for (const tag of ['2', '3', '4']) engine.registry.push(`org/web:${tag}`);
    const compose = `${WEB}    x-supercargo: {replaces: web}\n`;
    const agent = createSimulatedAgent(engine, { compose });
    for (const tag of ['2', '3', '4']) {
      agent.wish = { ...agent.wish, versions: web(tag) };
      expect(outcomesOf(await agent.settle())).toEqual({ web: 'converged' });
    }
    expect(tagsOf(engine)).toEqual(['0.8', '0.9', '1.0', '3', '4']);
  });

  it('removes an image of ours once the container of another program that used it is gone', async () => {
    const s = await deployed();
    s.engine.byHand.run({ name: 'old', image: 'org/web:1' });
    for (const tag of ['2', '3', '4']) await version(s, tag);
    expect(tags(s)).toEqual(['1', '3', '4']);
    s.engine.byHand.remove('old');
    await s.agent.settle();
    expect(tags(s)).toEqual(['3', '4']);
  });

  it('rests after a failure instead of asking again at once', async () => {
    const s = await deployed();
    const signal = new AbortController().signal;
    await s.engine.apply(
      {
        kind: 'create-network',
        name: 'test_stale',
        network: 'stale',
        hash: 'x',
        definition: DEFAULT_NETWORK,
      },
      ENVIRONMENT,
      () => undefined,
      signal,
    );
    s.engine.byHand.run({ name: 'guest', networks: ['test_stale'] });
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['remove-network test_stale ✗ ENGINE']);
    s.engine.byHand.remove('guest');
    await s.agent.outlast();
    expect(s.since()).toEqual(['remove-network test_stale']);
  });
});
