import { describe, expect, it } from 'vitest';
import { tryAnswer, untilAnswers } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import { oldDeploy } from './adoption-scene.ts';
import { assertCode, containersOf, createScene, type Scene } from './scene.ts';

const exists = async (scene: Scene, id: string): Promise<boolean> =>
  (await scene.docker.listContainers({ all: true })).some((c) => c.Id === id);

describe('a container that the old tool left', () => {
  it('is shown by plan, and taken over in one deploy', async () => {
    const scene = await createScene();
    const { name, container, image } = await oldDeploy(scene);
    await scene.publish({ web: (await scene.push('1.0.0')).pinned });
    const plan = await scene.run(['plan']);
    expect(plan.code).toBe(2);
    expect(plan.stdout).toMatch(
      new RegExp(
        `adopt +${name} [\\s\\S]*create [\\s\\S]*disarm +${name} [\\s\\S]*stop +${name} [\\s\\S]*start [\\s\\S]*remember[\\s\\S]*remove +${name} `,
      ),
    );
    expect(await tryAnswer(scene.port)).toBe('0.9.0');

    const once = await scene.once();
    assertCode(once, 0);
    expect(once.stdout).toMatch(new RegExp(`takes over ${name}`));
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    expect(await tryAnswer(scene.port, '/cgi-bin/env')).toMatch(/^NODE_ENV=staging$/m);
    expect(await exists(scene, container.id)).toBe(false);
    // The way back, should the new version turn out bad later.
    expect((await scene.docker.getImage(image.ref).inspect()).RepoTags).toEqual([image.ref]);
    expect((await scene.run(['plan'])).stdout).toBe('web: converged\n');
  });

  it('serves again, with its name and restart policy, when the first release is bad; a good one takes over later', async () => {
    const scene = await createScene();
    const { name, container } = await oldDeploy(scene);
    await scene.publish({ web: (await scene.push('1.0.0', flavours.crash)).pinned });
    const once = await scene.once();
    assertCode(once, 3);
    expect(once.stdout).toMatch(/web: 1\.0\.0 failed here[\s\S]*→ publish another version/);
    await untilAnswers(scene.port, '0.9.0');
    const { Name, HostConfig, State } = await container.inspect();
    expect({ Name, restart: HostConfig.RestartPolicy?.Name, state: State.Status }).toEqual({
      Name: `/${name}`,
      restart: 'always',
      state: 'running',
    });
    expect(await containersOf(scene)).toEqual([]);
    await scene.publish({ web: (await scene.push('1.0.1')).pinned });
    expect((await scene.once()).code).toBe(0);
    expect(await tryAnswer(scene.port)).toBe('1.0.1');
    expect(await exists(scene, container.id)).toBe(false);
  });
});

describe('a port that a foreign container has', () => {
  it('blocks the service, names that container and what to do, and stops nothing', async () => {
    const scene = await createScene();
    const { name, container } = await oldDeploy(scene);
    await scene.compose(scene.web());
    await scene.publish({ web: (await scene.push('1.0.0')).pinned });
    const before = (await container.inspect()).State.StartedAt;
    for (const command of ['plan', 'once', 'plan']) {
      const result = await scene.run([command]);
      assertCode(result, 3);
      expect(result.stdout).toMatch(
        new RegExp(`port ${String(scene.port)}/tcp is taken by the foreign container ${name}`),
      );
      expect(result.stdout).toMatch(
        new RegExp(
          `→ stop it \\(docker stop ${name}\\), or let this service take it over: .*replaces: ${name}`,
        ),
      );
    }
    expect((await container.inspect()).State.StartedAt).toBe(before);
    expect(await tryAnswer(scene.port)).toBe('0.9.0');
    await container.stop();
    expect((await scene.once()).code).toBe(0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });
});
