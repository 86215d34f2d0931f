import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../../../../support/simulated-agent.ts';
import { deployed, rotation, serving, startFirst } from './scenes.ts';

describe('a container behind the edge that another program made anew', () => {
  it('serves until the own container of the release is good, and is drained then', async () => {
    const s = await deployed(startFirst({ replicas: 1 }));
    const { engine } = s;
    const before = rotation(engine);
    const name = engine.actual().containers.find((c) => c.owner)?.name ?? '';
    engine.byHand.recreate(name, 'org/web:2');
    const served: number[] = [];
    for (let tick = 0; tick < 400 && outcomesOf(await s.agent.plan())['web'] !== 'converged'; tick += 1) {
      await s.agent.tick();
      served.push(serving(engine).size);
    }
    // The first step already lets the edge know it.
    expect(served.slice(0, 2)).toEqual([0, 1]);
    expect(served.slice(2).filter((count) => count === 0)).toEqual([]);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(rotation(engine)).toEqual(before);
    expect(
      engine
        .actual()
        .containers.filter((c) => c.owner)
        .map((c) => c.name),
    ).toEqual([name]);
  });

  it('is left alone beside ours under another name, and the edge never sends to it', async () => {
    const s = await deployed(startFirst({ replicas: 1 }));
    const { engine } = s;
    const before = rotation(engine);
    const name = engine.actual().containers.find((c) => c.owner)?.name ?? '';
    engine.byHand.imitate(name, 'org/web:2', 'debugging');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([]);
    expect(rotation(engine)).toEqual(before);
  });
});

describe('a container that bears the labels of an edge', () => {
  it('is no edge under another name: nothing is made or removed for it', async () => {
    const s = await deployed(startFirst({ replicas: 1 }));
    const { engine } = s;
    const edge = engine.actual().containers.find((c) => c.edge);
    engine.byHand.imitate(edge?.name ?? '', 'org/web:2', 'an-edge');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual([]);
    expect(engine.actual().containers.find((c) => c.name === 'an-edge')?.state).toBe('running');
  });
});
