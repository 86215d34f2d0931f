import { describe, expect, it } from 'vitest';
import { parseImage, type Repository } from '../../../../src/core/image/reference.ts';
import { createSimulatedAgent, outcomesOf } from '../../../support/simulated-agent.ts';
import { createSimulatedEngine } from '../../../support/simulated-engine.ts';
import { digestOf, edgeSetting, emptyActual, imageIdOf, mirrorsIn } from '../../../support/world.ts';
import { scene } from './edge/scenes.ts';
import { deploy, running, scenario, WEB, web } from './scenario.ts';

const images = { 'org/web:1': {}, 'org/web:2': {}, 'org/web:bad': { exits: 1 } } as const;

describe('an image that came from a mirror', () => {
  it('is deployed, kept, repaired and rolled back to like any other, and fetched once', async () => {
    const s = scenario(WEB, images);
    s.engine.registry.setState('mirrored');
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'converged' });
    expect(outcomesOf(await deploy(s, web('bad')))).toEqual({ web: 'rolled-back bad → 1' });
    s.engine.registry.setState('down');
    const [container] = s.engine.actual().containers;
    s.engine.byHand.remove(container?.name ?? '');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'rolled-back bad → 1' });
    expect(running(s)).toEqual(['web 1']);
    expect(s.agent.steps.filter((step) => step.startsWith('pull'))).toHaveLength(2);
  });

  it('of the edge, pinned by its digest, is known again too', async () => {
    const s = scene();
    const reference = parseImage('docker.io/library/haproxy:3.2');
    const digest = digestOf('docker.io/library/haproxy:3.2');
    const image = { ...edgeSetting.image, reference: { ...reference, digest }, digest };
    s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, image } } };
    s.engine.registry.setState('mirrored');
    expect(outcomesOf(await deploy(s, web('1')))).toEqual({ web: 'converged' });
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'converged' });
    expect(s.agent.steps.filter((step) => step.startsWith('pull'))).toHaveLength(3);
  });

  it.each([
    ['is removed where nothing needs it', 'docker.io=https://m.example.com', []],
    ['stays where that is nobody’s mirror', '', ['m.example.com/org/web']],
  ])(
    'and bears only the name of that mirror, since a pull died half way, %s',
    async (_what, mirrors, expected) => {
      const repository = 'm.example.com/org/web' as Repository;
      const left = { id: imageIdOf('half'), tags: [], digests: [{ repository, digest: digestOf('half') }] };
      const engine = createSimulatedEngine({ actual: { ...emptyActual, images: [left] } });
      engine.registry.push('org/web:1');
      const more = { mirrors: mirrorsIn(mirrors) };
      const agent = createSimulatedAgent(engine, { compose: WEB, versions: web('1'), more });
      expect(outcomesOf(await agent.settle())).toEqual({ web: 'converged' });
      const names = engine.actual().images.flatMap((i) => i.digests.map((d) => d.repository));
      expect(names.filter((n) => n === repository)).toEqual(expected);
    },
  );
});
