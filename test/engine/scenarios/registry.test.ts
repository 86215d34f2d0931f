import { inject, describe, expect, it, onTestFinished } from 'vitest';
import { tryAnswer, untilAnswers } from '../../support/answer.ts';
import { eventually } from '../../support/poll.ts';
import { startRegistry } from '../../support/registry.ts';
import { assertCode, createScene, deployed, everything, runningIn, service, told } from './scene.ts';

const DIGEST = `sha256:${'0'.repeat(63)}1`;

describe('a missing tag', () => {
  it('by tag or by digest blocks that service with advice, quarantines nothing, and stops nothing', async () => {
    const scene = await createScene();
    await deployed(scene);
    const before = await everything(scene);
    for (const digest of ['', `@${DIGEST}`]) {
      await scene.publish({ web: `${scene.repository()}:9.9.9${digest}` });
      const once = await scene.once();
      assertCode(once, 3);
      expect(once.stdout).toMatch(
        /web: cannot .*9\.9\.9.*[\s\S]*→ push the image, or publish a version that exists/,
      );
      expect(await everything(scene)).toEqual(before);
    }
    const image = await scene.push('1.1.0');
    await scene.publish({ web: image.pinned });
    expect((await scene.once()).code).toBe(0);
    expect(await tryAnswer(scene.port)).toBe('1.1.0');
  });
});

describe('a registry that is down', () => {
  it('stops nothing, is told, and the host converges when it is back', async () => {
    const registry = await startRegistry();
    onTestFinished(async () => registry.remove());
    const scene = await createScene({ registry });
    await deployed(scene);
    const before = await everything(scene);
    const next = await scene.push('1.1.0');
    await registry.stop();
    await scene.publish({ web: next.pinned });
    const once = await scene.once();
    assertCode(once, 2);
    expect(once.stdout).toMatch(/web +waiting/);
    expect(once.stdout).toMatch(/web: cannot pull .*1\.1\.0.*refused.*until /);
    expect(await everything(scene)).toEqual(before);

    await scene.agent();
    await eventually(async () => /waiting/.test((await scene.run(['status'])).stdout), {
      describe: async () => (await scene.run(['status'])).stdout,
    });
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    await registry.start();
    await untilAnswers(scene.port, '1.1.0');
  });

  it('does not keep another service from its version', async () => {
    const registry = await startRegistry();
    onTestFinished(async () => registry.remove());
    const scene = await createScene({ registry });
    const here = await createScene();
    const image = await here.push('1.0.0');
    const away = await scene.push('1.0.0', undefined, 'away');
    await registry.stop();
    const lines = [`image: ${here.repository()}`, scene.ports];
    await scene.compose(scene.web(lines, service('away', [`image: ${away.repository}`])));
    await scene.publish({ web: image.pinned, away: away.pinned });
    const once = await scene.once();
    // While "web" is proved, "away" is tried again: from its third failure on it is down (3) instead of waiting (2).
    if (once.code !== 3) assertCode(once, 2);
    expect(once.stdout).toMatch(/away +(waiting|blocked)/);
    expect(await runningIn(scene)).toEqual(['web 1.0.0 running']);
  });
});

describe('a registry that demands a password', () => {
  it('with none and a wrong one blocks with advice and changes nothing; with the right one deploys', async () => {
    const registry = inject('lockedRegistry');
    const scene = await createScene({ registry });
    const image = await scene.push('1.0.0');
    await scene.compose(scene.web());
    await scene.publish({ web: image.pinned });
    const refused = async (): Promise<void> => {
      const once = await scene.once();
      assertCode(once, 3);
      expect(once.stdout).toMatch(
        /web: cannot pull [\s\S]*→ check the login of this registry in DOCKER_CONFIG\/config\.json/,
      );
      const doctor = await scene.run(['doctor']);
      expect(doctor.code).toBe(1);
      expect(doctor.stdout).toMatch(/problem registry \(web\): [\s\S]*→ check the login/);
      expect(await runningIn(scene)).toEqual([]);
    };
    await refused();
    await scene.login({ [registry.address]: { username: 'deploy', password: 'wrong' } });
    await refused();
    await scene.login({ [registry.address]: registry.credentials ?? { username: '', password: '' } });
    const once = await scene.once();
    assertCode(once, 0);
    expect(told(once)).not.toMatch(/correct horse/);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    expect((await scene.run(['doctor'])).stdout).toMatch(/ok +registry \(web\): .* with a login/);
  });
});
