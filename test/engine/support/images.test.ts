import { afterAll, describe, expect, inject, it } from 'vitest';
import { untilAnswers } from '../../support/answer.ts';
import { sharedDocker } from '../../support/context.ts';
import { type Flavour, flavours, job } from '../../support/flavours.ts';
import { runForeign } from '../../support/foreign.ts';
import { createImagePusher, pullImage } from '../../support/images.ts';
import { removeEnvironment } from '../../support/leftovers.ts';
import { eventually } from '../../support/poll.ts';
import { freePort } from '../../support/ports.ts';
import { startRegistry } from '../../support/registry.ts';

const docker = sharedDocker();
const environment = `images${String(process.pid)}`;
const { push, load } = createImagePusher();

afterAll(async () => {
  await removeEnvironment(docker, environment);
});

const started = async (name: string, flavour: Flavour): Promise<ReturnType<typeof docker.getContainer>> => {
  const { pinned } = await push(inject('registry'), `support/${name}`, '1.0.0', flavour);
  await pullImage(docker, pinned);
  const image = pinned.replace(/:[^:/]*@/, '@');
  return runForeign(docker, environment, { name: `${environment}-${name}`, image });
};

describe('an image of the tests', () => {
  it('is pulled by digest, has the id that was computed, and answers its version', async () => {
    const port = await freePort();
    const pushed = await push(inject('registry'), 'support/web', '1.2.3', flavours.web);
    await pullImage(docker, pushed.ref);
    await runForeign(docker, environment, {
      name: `${environment}-web`,
      image: pushed.ref,
      ports: { '8888/tcp': port },
    });
    await untilAnswers(port, '1.2.3');
    const { Id, RepoDigests } = await docker.getImage(pushed.ref).inspect();
    expect({ Id, RepoDigests }).toEqual({
      Id: pushed.imageId,
      RepoDigests: [`${pushed.repository}@${pushed.digest}`],
    });
  });

  it('is loaded from an archive under any name', async () => {
    const name = `${environment}/foreign:1`;
    const id = await load(docker, [name], '1', flavours.web);
    expect((await docker.getImage(name).inspect()).Id).toBe(id);
    await docker.getImage(name).remove();
  });

  it.each([
    ['crash', flavours.crash, 1],
    ['job', job(0), 0],
    ['failing-job', job(3), 3],
  ])('ends at once: %s', async (name, flavour, code) => {
    const container = await started(name, flavour);
    expect(await container.wait()).toMatchObject({ StatusCode: code });
  });

  it.each([
    ['healthy', flavours.healthy, 'healthy'],
    ['unhealthy', flavours.unhealthy, 'unhealthy'],
  ])('becomes %s', async (name, flavour, wanted) => {
    const container = await started(name, flavour);
    const health = async (): Promise<string> => (await container.inspect()).State.Health?.Status ?? 'none';
    await eventually(async () => (await health()) !== 'starting', { describe: health });
    expect(await health()).toBe(wanted);
    await container.remove({ force: true });
  });

  it.each([
    ['polite', flavours.web, 0],
    ['deaf', flavours.deaf, 0],
    ['stubborn', flavours.stubborn, 137],
  ])('is stopped: %s', async (name, flavour, code) => {
    const container = await started(name, flavour);
    // The trap is set before the first line of output; `stubborn` and `deaf` write none and need only their start.
    const isReady = async (): Promise<boolean> => {
      const { Processes } = (await container.top()) as { Processes: string[][] };
      return Processes.some((words) => /httpd|sleep/.test(words.join(' ')));
    };
    await eventually(isReady, { describe: () => `${name} runs` });
    await container.stop({ t: 2 });
    expect((await container.inspect()).State.ExitCode).toBe(code);
  });
});

describe('a registry of the tests', () => {
  it('with a password refuses a pull without, and with a wrong one', async () => {
    const registry = inject('lockedRegistry');
    const { ref } = await push(registry, 'support/locked', '1.0.0', flavours.web);
    await expect(pullImage(docker, ref)).rejects.toThrow(/no basic auth credentials|unauthorized/);
    await expect(pullImage(docker, ref, { username: 'deploy', password: 'wrong' })).rejects.toThrow(
      /unauthorized/,
    );
    await pullImage(docker, ref, registry.credentials);
    expect((await docker.getImage(ref).inspect()).RepoTags).toContain(ref);
  });

  it('stops, and starts again with its content on the same port', async () => {
    const registry = await startRegistry();
    try {
      const { ref } = await push(registry, 'support/web', '1.0.0', flavours.web);
      await registry.stop();
      await expect(pullImage(docker, ref)).rejects.toThrow(/refused/);
      await registry.start();
      await pullImage(docker, ref);
      await docker.getImage(ref).remove();
    } finally {
      await registry.remove();
    }
  });
});
