import { describe, expect, inject, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { registryFaults } from '../../support/faulty-registry.ts';
import { flavours } from '../../support/flavours.ts';
import { freePort } from '../../support/ports.ts';
import { faultyMirror, isSkipped, originIn, ownRegistry, through } from './mirror-scene.ts';
import { assertCode, createScene, deployed, everything, type Scene, told } from './scene.ts';

/** Every name of an image on the engine that has to do with this scene. */
const namesOf = async (scene: Scene): Promise<readonly string[]> =>
  ((await everything(scene)) as { images: readonly string[] }).images;

describe('mirrors', () => {
  it('stand in for a registry that is down: a dead and a lying one are skipped and told, and no name of theirs stays', async () => {
    const [registry, good] = [await ownRegistry(), await ownRegistry()];
    const lying = inject('registry');
    const scene = await createScene({ registry });
    const image = await scene.push('1.0.0');
    await scene.push('1.0.0', flavours.healthy, 'web', good);
    // Another image under the same name and tag.
    await scene.push('1.0.0', flavours.chatty, 'web', lying);
    const dead = { address: `127.0.0.1:${String(await freePort())}` };
    const env = through(registry, dead, lying, good);
    await registry.stop();
    await scene.compose(scene.web());
    await scene.publish({ web: image.pinned });
    const once = await scene.once(env);
    assertCode(once, 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');

    const origin = await originIn(scene);
    expect(origin).toMatchObject({
      kind: 'mirror',
      source: `http://${good.address}`,
      skipped: [
        { source: `http://${dead.address}`, code: 'REGISTRY' },
        { source: `http://${lying.address}`, code: 'IMAGE_NOT_FOUND' },
      ],
    });
    const status = told(await scene.run(['status']));
    expect(status).toContain(`web: its image came from http://${good.address}`);
    expect(status).toMatch(new RegExp(`skipped http://${dead.address}: .*refused`));
    expect(told(await scene.run(['explain', 'web']))).toContain(`http://${good.address}, fetched`);
    expect(told(await scene.run(['history']))).toMatch(/source\.skipped .*code=IMAGE_NOT_FOUND/);

    const doctor = (await scene.run(['doctor'], { env })).stdout;
    expect(doctor).toMatch(
      new RegExp(`ok +mirror \\(web\\): http://${good.address} has it, without a login`),
    );
    expect(doctor).toMatch(
      new RegExp(
        `hint +mirror \\(web\\): http://${dead.address}: .*refused.*\\n.*→ a pull skips this mirror`,
      ),
    );
    expect(doctor).toMatch(new RegExp(`hint +mirror \\(web\\): http://${lying.address}: .*unknown`));

    expect(await namesOf(scene)).toEqual([
      image.ref,
      expect.stringContaining(`supercargo-${scene.environment}:web-`),
    ]);
  });

  it('one that gives other bytes for a digest is skipped, and the registry asked', async () => {
    expect.hasAssertions();
    await isSkipped(() => registryFaults.lie('1.1.0'), 'IMAGE_MISMATCH');
  });

  it('get the login of their own address', async () => {
    const [registry, mirror] = [await ownRegistry(), inject('lockedRegistry')];
    const scene = await createScene({ registry });
    const image = await scene.push('1.0.0');
    await scene.push('1.0.0', flavours.healthy, 'web', mirror);
    await registry.stop();
    await scene.compose(scene.web());
    await scene.publish({ web: image.pinned });
    const env = through(registry, mirror);
    const refused = await scene.once(env);
    assertCode(refused, 2);
    expect(refused.stdout).toMatch(
      new RegExp(`web: cannot pull .*refused.*; http://${mirror.address}: .*(?:no basic auth|unauthorized)`),
    );
    await scene.login({ [mirror.address]: mirror.credentials ?? { username: '', password: '' } });
    const once = await scene.once(env);
    assertCode(once, 0);
    expect(told(once)).not.toMatch(/correct horse/);
  });

  it('are never asked what a tag means', async () => {
    const registry = await ownRegistry();
    const scene = await createScene({ registry });
    await deployed(scene);
    const before = await everything(scene);
    const mirror = await faultyMirror(inject('registry'), undefined);
    await scene.push('1.1.0', flavours.healthy, 'web', inject('registry'));
    const next = await scene.push('1.1.0');
    await registry.stop();
    await scene.publish({ web: next.ref });
    const once = await scene.once(through(registry, mirror));
    assertCode(once, 2);
    expect(once.stdout).toMatch(/web: cannot find out what .*1\.1\.0 is/);
    expect(mirror.requests).toEqual([]);
    expect(await everything(scene)).toEqual(before);
  });
});
