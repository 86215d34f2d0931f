import { describe, expect, it } from 'vitest';
import { tryAnswer, untilAnswers } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import { createRecordingEngine } from './recording-engine.ts';
import {
  assertCode,
  containersOf,
  createScene,
  deployed,
  everything,
  loadImage,
  onlyContainer,
  runningIn,
  statusOf,
} from './scene.ts';

describe('the first deploy', () => {
  it('is shown by plan, done by once, and told by status', async () => {
    const scene = await createScene();
    const image = await scene.push('1.0.0');
    await scene.compose(scene.web());
    await scene.publish({ web: image.pinned });

    const plan = await scene.run(['plan']);
    expect(plan.code).toBe(2);
    expect(plan.stdout).toMatch(
      /web: changes[\s\S]*pull[\s\S]*create-network[\s\S]*create [\s\S]*start [\s\S]*remember/,
    );
    expect(await containersOf(scene)).toEqual([]);

    const once = await scene.once();
    expect({ code: once.code, stderr: once.stderr }).toEqual({ code: 0, stderr: '' });
    expect(once.stdout).toMatch(/pulled .*1\.0\.0[\s\S]*created[\s\S]*started[\s\S]*is good 1\.0\.0/);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    const { RepoTags } = await scene.docker.getImage(image.imageId).inspect();
    expect(RepoTags).toContain(image.ref);

    const status = await scene.run(['status']);
    expect(status.code).toBe(4);
    expect(status.stdout).toMatch(/no agent runs/);
    expect(status.stdout).toMatch(/web +converged +1\.0\.0 +1\.0\.0 +\S+-web-1-[0-9a-f]{8} +running healthy/);
  });

  it('gives containers the names and labels that tools know', async () => {
    const scene = await createScene();
    await deployed(scene);
    const { id, name } = await onlyContainer(scene);
    const { Config, NetworkSettings } = await scene.docker.getContainer(id).inspect();
    const release = Config.Labels['io.supercargo.release'] ?? '';
    expect(name).toBe(`${scene.environment}-web-1-${release.slice(0, 8)}`);
    expect(Config.Labels).toMatchObject({
      'io.supercargo.environment': scene.environment,
      'io.supercargo.service': 'web',
      'io.supercargo.replica': '1',
      'io.supercargo.serial': '1',
      'io.supercargo.version': '1.0.0',
      'com.docker.compose.project': `supercargo-${scene.environment}`,
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': '1',
      'com.docker.compose.oneoff': 'False',
    });
    const [network] = Object.entries(NetworkSettings.Networks);
    expect(network?.[0]).toBe(`${scene.environment}_default`);
    expect(network?.[1].Aliases).toContain('web');
  });

  it('waits, and says so, while nobody has published a version', async () => {
    const scene = await createScene();
    await scene.compose(scene.web());
    await scene.publish({});
    const once = await scene.once();
    expect(once.code).toBe(2);
    expect(once.stdout).toMatch(/web: no version is published yet: manifest 1 does not name web/);
    expect((await scene.run(['plan'])).code).toBe(0);
    expect(await containersOf(scene)).toEqual([]);
  });
});

describe('a version change', () => {
  it('is shown with its gap by plan, swaps by once, and keeps the old image', async () => {
    const scene = await createScene();
    const old = await deployed(scene);
    const next = await scene.push('1.1.0');
    await scene.publish({ web: next.pinned });

    const plan = await scene.run(['plan']);
    expect(plan.code).toBe(2);
    expect(plan.stdout).toMatch(/gap: about 0\.5 s/);
    expect(plan.stdout).toMatch(
      /pull[\s\S]*create [\s\S]*disarm[\s\S]*stop [\s\S]*start [\s\S]*remember[\s\S]*remove /,
    );
    expect(await tryAnswer(scene.port)).toBe('1.0.0');

    expect((await scene.once()).code).toBe(0);
    expect(await tryAnswer(scene.port)).toBe('1.1.0');
    expect(await containersOf(scene)).toMatchObject([
      { version: '1.1.0', state: 'running', restart: 'unless-stopped' },
    ]);
    expect((await scene.docker.getImage(old.imageId).inspect()).Id).toBe(old.imageId);
  });

  it('invariant 3: stops nothing before everything its replacement needs is local', async () => {
    const scene = await createScene();
    await deployed(scene);
    const next = await scene.push('1.1.0');
    await scene.publish({ web: next.pinned });
    const recorder = await createRecordingEngine(scene);
    expect((await scene.once({ DOCKER_HOST: recorder.dockerHost })).code).toBe(0);
    const kinds = ['/images/create', '/containers/create', '/stop', '/start', 'DELETE /containers'];
    const order = recorder.writes().flatMap((call) => kinds.filter((kind) => call.includes(kind)));
    expect(order).toEqual(kinds);
  });

  it('asks the registry once what a tag without digest means, and keeps to it', async () => {
    const scene = await createScene();
    const { ref, digest } = await scene.push('latest');
    await scene.compose(scene.web());
    await scene.publish({ web: ref });
    expect((await scene.once()).code).toBe(0);
    const before = await onlyContainer(scene);
    const moved = await scene.push('latest', flavours.web);
    expect(moved.digest).not.toBe(digest);
    expect((await scene.once()).code).toBe(0);
    expect(await onlyContainer(scene)).toEqual(before);
  });
});

describe('nothing to do', () => {
  it('invariant 7: planning a converged host says converged and calls nothing that writes', async () => {
    const scene = await createScene();
    await deployed(scene);
    const before = await everything(scene);
    const recorder = await createRecordingEngine(scene);
    const env = { DOCKER_HOST: recorder.dockerHost };
    const plan = await scene.run(['plan'], { env });
    expect(plan.code).toBe(0);
    expect(plan.stdout).toBe('web: converged\n');
    const once = await scene.run(['once'], { env });
    expect(once.code).toBe(0);
    expect(once.stdout).toMatch(/: converged/);
    expect(recorder.calls.length).toBeGreaterThan(5);
    expect(recorder.writes()).toEqual([]);
    expect(await everything(scene)).toEqual(before);
  });

  it('an idle daemon writes nothing to the engine, tick after tick', async () => {
    const scene = await createScene();
    await deployed(scene);
    const recorder = await createRecordingEngine(scene);
    const agent = await scene.agent({ env: { DOCKER_HOST: recorder.dockerHost } });
    for (let tick = 0; tick < 3; tick += 1) expect((await scene.run(['sync', '--wait'])).code).toBe(0);
    expect((await agent.log()).match(/tick\.ended/g)?.length).toBeGreaterThan(3);
    expect(recorder.writes()).toEqual([]);
  });
});

describe('what the compose file says', () => {
  it.each([
    ['tag', (i: { ref: string }) => i.ref],
    ['tag and digest', (i: { pinned: string }) => i.pinned],
  ])('pins the image by %s: the manifest entry is ignored and listed', async (_what, imageOf) => {
    const scene = await createScene();
    const pinned = await scene.push('2.0.0');
    const offered = await scene.push('3.0.0');
    await scene.compose(scene.web([`image: ${imageOf(pinned)}`, scene.ports]));
    await scene.publish({ web: offered.pinned });
    const once = await scene.once();
    expect(once.code).toBe(0);
    expect(once.stdout).toMatch(/web: the manifest's entry is ignored: .*pin/);
    expect(await tryAnswer(scene.port)).toBe('2.0.0');
  });

  it('an unknown service of the manifest is ignored and listed', async () => {
    const scene = await createScene();
    const image = await scene.push('1.0.0');
    await scene.compose(scene.web());
    await scene.publish({ web: image.pinned, elsewhere: image.pinned });
    const once = await scene.once();
    expect(once.code).toBe(0);
    expect(once.stdout).toMatch(/elsewhere: the manifest's entry is ignored: /);
    expect(await runningIn(scene)).toEqual(['web 1.0.0 running']);
    expect((await statusOf(scene)).status.manifest.ignored).toMatchObject([{ service: 'elsewhere' }]);
  });

  it('a secret of a variable and a config of a text are files in the container, also after a restart', async () => {
    const scene = await createScene();
    await scene.compose('KEY=from .env\n', '.env');
    const test = 'grep -qx "from .env" /run/secrets/key && grep -qx "two lines" /etc/app/site.conf';
    const lines = [
      scene.ports,
      'secrets: [key]',
      'configs: [{source: site, target: /etc/app/site.conf}]',
      `healthcheck: {test: ${JSON.stringify(test)}, interval: 1s}`,
    ];
    const top = 'secrets: {key: {environment: KEY}}\nconfigs: {site: {content: "one\\ntwo lines\\n"}}\n';
    await scene.compose(scene.web(lines, top));
    await scene.publish({ web: (await scene.push('1.0.0')).pinned });
    assertCode(await scene.once(), 0);
    const { id } = await onlyContainer(scene);
    await scene.docker.getContainer(id).stop();
    assertCode(await scene.once(), 0);
    expect((await onlyContainer(scene)).id).toBe(id);
  });

  it('a changed env_file, interpolated variable or secret makes a new release', async () => {
    const scene = await createScene();
    const write = async (colour: string, size: string, secret: string): Promise<void> => {
      await scene.compose(`COLOUR=${colour}\n`, 'web.env');
      await scene.compose(`SIZE=${size}\n`, '.env');
      await scene.compose(`${secret}\n`, 'token.txt');
      const rest = 'secrets:\n  token: {file: ./token.txt}\n';
      const lines = [
        scene.ports,
        'env_file: [web.env]',
        'environment: {SIZE: "${SIZE}"}',
        'secrets: [token]',
      ];
      await scene.compose(scene.web(lines, rest));
    };
    const seen = async (): Promise<unknown> => {
      const env = (await tryAnswer(scene.port, '/cgi-bin/env')) ?? '';
      const pick = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(env)?.[1];
      return { colour: pick('COLOUR'), size: pick('SIZE') };
    };
    await write('red', 'small', 'one');
    const image = await scene.push('1.0.0');
    await scene.publish({ web: image.pinned });
    expect((await scene.once()).code).toBe(0);
    expect(await seen()).toEqual({ colour: 'red', size: 'small' });
    const ids = [(await onlyContainer(scene)).id];
    for (const [colour, size, secret] of [
      ['blue', 'small', 'one'],
      ['blue', 'large', 'one'],
      ['blue', 'large', 'two'],
    ] as const) {
      await write(colour, size, secret);
      const once = await scene.once();
      assertCode(once, 0);
      expect(await seen()).toEqual({ colour, size });
      ids.push((await onlyContainer(scene)).id);
    }
    expect(new Set(ids).size).toBe(4);
    const explained = await scene.run(['explain', 'web']);
    expect(explained.stdout).not.toMatch(/large|two|blue/);
  });
});

const replicated = (replicas: number): readonly string[] => [
  `deploy: {replicas: ${String(replicas)}, update_config: {monitor: 1s, parallelism: 1}}`,
];

const idsOf = async (scene: Parameters<typeof containersOf>[0]): Promise<readonly string[]> =>
  (await containersOf(scene)).map((c) => c.id);

describe('replicas', () => {
  it('are replaced one by one with parallelism 1, and scaled up and down without a restart', async () => {
    const scene = await createScene();
    await deployed(scene, replicated(2));
    const first = await containersOf(scene);
    expect(first.map((c) => c.replica)).toEqual([1, 2]);

    const next = await scene.push('1.1.0');
    await scene.publish({ web: next.pinned });
    const recorder = await createRecordingEngine(scene);
    expect((await scene.once({ DOCKER_HOST: recorder.dockerHost })).code).toBe(0);
    const steps = recorder.writes().flatMap((call) => /\/(stop|start)\b/.exec(call)?.[1] ?? []);
    expect(steps).toEqual(['stop', 'start', 'stop', 'start']);

    const two = await containersOf(scene);
    expect(two.map((c) => c.version)).toEqual(['1.1.0', '1.1.0']);
    await scene.compose(scene.web(replicated(3)));
    expect((await scene.once()).code).toBe(0);
    expect((await containersOf(scene)).slice(0, 2)).toEqual(two);
    expect(await idsOf(scene)).toHaveLength(3);
    await scene.compose(scene.web(replicated(1)));
    expect((await scene.once()).code).toBe(0);
    expect(await containersOf(scene)).toEqual(two.slice(0, 1));
  });
});

describe('pull_policy: never', () => {
  it('blocks with advice while the image is not here, and runs what was loaded', async () => {
    const scene = await createScene();
    const name = `${scene.environment}/local:1`;
    await scene.compose(scene.web([`image: ${name}`, 'pull_policy: never', scene.ports]));
    await scene.publish({});
    const blocked = await scene.once();
    expect(blocked.code).toBe(3);
    expect(blocked.stdout).toMatch(
      /not on this host, and pull_policy: never[\s\S]*→ load the image here \(docker load\)/,
    );
    await loadImage(scene.docker, [name], 'local', flavours.healthy);
    expect((await scene.once()).code).toBe(0);
    await untilAnswers(scene.port, 'local');
  });
});
