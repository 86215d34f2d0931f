import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flavours } from '../../support/flavours.ts';
import { untilReported } from '../../support/fleet.ts';
import {
  createFleetScene,
  everywhere,
  type Ground,
  prepareGround,
  published,
  stored,
} from './fleet-scene.ts';
import { assertCode } from './scene.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround(2);
});
afterAll(async () => {
  await ground.remove();
});

describe('three hosts of one environment', () => {
  it('with one agent down: the publish ends with 5 and names that host', async () => {
    const scene = await createFleetScene(ground, { hosts: 3 });
    await scene.deploy('1.0.0');
    await scene.hosts[2]?.daemon.kill();
    await scene.push('1.1.0');
    const late = await scene.publish('web=1.1.0', '--wait', '--timeout', '12s');
    assertCode(late, 5);
    expect(late.stderr).toMatch(/on all hosts yet: 2 converged, 1 pending\nweb-3: it is at serial 1/);
    expect(late.stderr).not.toMatch(/^web-[12]:/m);
    expect(await scene.running()).toEqual([...everywhere('1.1.0').slice(0, 2), 'web-3: web 1.0.0 running']);
  });
});

describe('a publish', () => {
  it('that fails puts the versions before back, if that is wanted', async () => {
    const scene = await createFleetScene(ground);
    await scene.deploy('1.0.0');
    const good = await published(scene);
    await scene.push('1.1.0', flavours.crash);
    assertCode(await scene.publish('web=1.1.0', '--wait', '--timeout', '60s', '--on-failure', 'rollback'), 3);
    expect(await published(scene)).toMatchObject({ serial: 3, services: good?.services });
    await untilReported(
      scene.hub,
      scene.environment,
      ['web-1'],
      (status) => status.manifest.serial === 3 && status.outcome === 'converged',
    );
    expect(await scene.running()).toEqual(['web-1: web 1.0.0 running']);
  });
});

describe('a hub that is killed', () => {
  it('has kept all that it acknowledged; hosts go on, and report again', async () => {
    const scene = await createFleetScene(ground);
    await scene.deploy('1.0.0');
    const before = await stored(scene);
    await scene.hub.kill();
    const away = await scene.publish('web=1.0.0');
    expect(away.code).toBe(1);
    expect(away.stderr).toMatch(/→ /);
    await scene.hub.start();
    expect(await stored(scene)).toEqual(before);
    await scene.deploy('1.1.0');
    expect(await scene.running()).toEqual(['web-1: web 1.1.0 running']);
  });
});
