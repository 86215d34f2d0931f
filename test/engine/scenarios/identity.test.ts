import type Docker from 'dockerode';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import { pullImage } from '../../support/images.ts';
import { eventually } from '../../support/poll.ts';
import { recreate } from '../../support/recreate.ts';
import {
  assertCode,
  createScene,
  deployed,
  loadImage,
  onlyContainer,
  type Scene,
  statusOf,
  told,
} from './scene.ts';
import { appsOf, createEdgeScene, deployedBehindEdge } from './start-first-scene.ts';

const historyOf = async (scene: Scene): Promise<readonly { event: string; differs?: readonly string[] }[]> =>
  ((await scene.run(['history', '--json'])).json() as { entries: { event: string }[] }).entries;

/** An image of a container with more labels; gone with the test. */
const commit = async (
  { docker, environment }: Scene,
  id: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const changes = Object.entries(labels).map(([key, value]) => `LABEL ${key}=${value}`);
  const repo = `${environment.toLowerCase()}-${name}`;
  await docker.getContainer(id).commit({
    repo,
    tag: '1',
    ...(changes.length > 0 && { changes: changes.join('\n') }),
  });
  onTestFinished(async () => {
    await docker.getImage(`${repo}:1`).remove({ force: true });
  });
  return `${repo}:1`;
};

/** As `docker run --detach`; gone before its image. */
const run = async ({ docker }: Scene, options: Docker.ContainerCreateOptions): Promise<Docker.Container> => {
  const container = await docker.createContainer(options);
  onTestFinished(async () => {
    await container.remove({ force: true });
  });
  await container.start();
  return container;
};

describe('a container that another tool recreates by inspect', () => {
  it('with a newer image and one more variable is drift: never converged, and put back', async () => {
    const scene = await createScene();
    await deployed(scene);
    const before = await onlyContainer(scene);
    const newer = await scene.push('2.0.0');
    await pullImage(scene.docker, newer.ref);
    await recreate(scene.docker, before.id, { image: newer.ref });
    await eventually(async () => (await tryAnswer(scene.port)) === '2.0.0', { describe: () => 'the copy' });

    const plan = await scene.run(['plan']);
    expect(plan.code).toBe(2);
    expect(plan.stdout).toMatch(
      /create .*another program made .* in the place of 1\.0\.0 .*image, environment/,
    );
    const { status } = await statusOf(scene);
    expect(status.services[0]).toMatchObject({
      outcome: 'progressing',
      containers: [{ version: 'copy of 1.0.0', state: 'running' }],
    });
    expect((await scene.run(['explain'])).stdout).toMatch(
      /container +ours +a copy, other image, environment/,
    );

    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    expect(await onlyContainer(scene)).toMatchObject({ name: before.name, version: '1.0.0' });
    expect(await historyOf(scene)).toContainEqual(
      expect.objectContaining({ event: 'container.copied', differs: ['image', 'environment'] }),
    );
    expect((await scene.run(['plan'])).stdout).toBe('web: converged\n');
  });

  it('behind the edge serves until the own container of the release is good', async () => {
    const scene = await createEdgeScene();
    await deployedBehindEdge(scene);
    const [first] = (await scene.docker.listContainers({
      filters: { label: [`io.supercargo.environment=${scene.environment}`, 'io.supercargo.replica=1'] },
    })) as [Docker.ContainerInfo];
    await recreate(scene.docker, first.Id);
    const agent = await scene.agent();
    await eventually(async () => (await scene.run(['status', '--json'])).code === 0, {
      describe: async () => told(await scene.run(['status'])),
    });
    await agent.stop();
    expect(await appsOf(scene)).toEqual(['web 1.0.0 running', 'web 1.0.0 running']);
    const events = (await historyOf(scene)).map((e) => e.event);
    const after = events.slice(events.indexOf('container.copied'));
    // The edge got to know the copy before its successor was created.
    expect(after.indexOf('server.added')).toBeLessThan(after.indexOf('container.created'));
    expect(after).toContain('container.removed');
  });
});

describe('a container with our labels that is not ours', () => {
  it('is told, left alone and never used, with and without ours beside it', async () => {
    const scene = await createScene();
    await deployed(scene);
    const own = await onlyContainer(scene);
    const image = await commit(scene, own.id, 'debug');
    const name = `${scene.environment}-debugging`;
    const beside = await run(scene, { name, Image: image, HostConfig: { NetworkMode: 'none' } });
    const startOf = async (): Promise<unknown> => {
      const { State, Name } = await beside.inspect();
      return [Name, State.Status, State.StartedAt];
    };
    const before = await startOf();

    assertCode(await scene.once(), 0);
    const { status } = await statusOf(scene);
    expect(status).toMatchObject({
      outcome: 'converged',
      foreign: [{ name, service: 'web', differs: ['name', 'image', 'network_mode'] }],
    });
    expect((await scene.run(['plan'])).stdout).toContain(`${name} (foreign): bears the labels of web`);
    expect((await scene.run(['explain'])).stdout).toMatch(/foreign +\S+-debugging bears the labels of web/);

    await scene.docker.getContainer(own.id).remove({ force: true });
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    expect(await startOf()).toEqual(before);
  });

  it('does not make a new host look like one that has lost its ledger', async () => {
    const scene = await createScene();
    const { imageId } = await scene.push('1.0.0');
    const image = await scene.push('1.0.0');
    await pullImage(scene.docker, image.ref);
    expect(image.imageId).toBe(imageId);
    const Labels = {
      'io.supercargo.environment': scene.environment,
      'io.supercargo.service': 'web',
      'io.supercargo.replica': '1',
      'io.supercargo.release': 'f'.repeat(64),
    };
    await run(scene, { name: `${scene.environment}-stray`, Image: image.ref, Labels });
    await deployed(scene);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });
});

describe('an image with labels of ours', () => {
  it('makes a container of the service, which stays', async () => {
    const scene = await createScene();
    const { docker, environment } = scene;
    const base = await loadImage(docker, [`${environment}-base:1`], '1', flavours.healthy);
    const source = await run(scene, { Image: base });
    const image = await commit(scene, source.id, 'labelled', {
      'io.supercargo.edge': 'x',
      'io.supercargo.environment': environment,
      'com.docker.compose.oneoff': 'True',
    });
    onTestFinished(async () => {
      await docker.getImage(`${environment}-base:1`).remove({ force: true });
    });
    await scene.compose(`services:
  web:
    image: ${image}
    pull_policy: never
    restart: always
    ${scene.ports}
    deploy: {update_config: {monitor: 1s}}
`);
    await scene.publish({});
    assertCode(await scene.once(), 0);
    const { id } = await onlyContainer(scene);
    assertCode(await scene.once(), 0);
    expect((await onlyContainer(scene)).id).toBe(id);
    const { Config } = await docker.getContainer(id).inspect();
    expect(Config.Labels).toMatchObject({ 'io.supercargo.edge': '', 'com.docker.compose.oneoff': 'False' });
    expect((await historyOf(scene)).filter((e) => e.event === 'container.created')).toHaveLength(1);
  });
});
