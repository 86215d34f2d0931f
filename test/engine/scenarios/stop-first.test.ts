import { describe, expect, it } from 'vitest';
import { tryAnswer, untilAnswers } from '../../support/answer.ts';
import { flavours } from '../../support/flavours.ts';
import {
  assertCode,
  containersOf,
  createScene,
  deployed,
  loadImage,
  onlyContainer,
  runningIn,
  type Scene,
  service,
} from './scene.ts';

const publish = async (scene: Scene, tag: string, flavour?: Parameters<Scene['push']>[1]) => {
  const image = await scene.push(tag, flavour);
  await scene.publish({ web: image.pinned });
  return image;
};

const deploy = async (scene: Scene, tag: string, flavour?: Parameters<Scene['push']>[1]) => {
  const image = await publish(scene, tag, flavour);
  const once = await scene.once();
  assertCode(once, 0);
  return image;
};

describe('what a release takes over from the one before', () => {
  it('is its container_name, the anonymous volumes of the image and its fixed address; all come back in a rollback', async () => {
    const scene = await createScene();
    const name = `${scene.environment}-fixed`;
    const net = `10.${String(100 + (scene.port % 100))}.${String(scene.port % 250)}`;
    const lines = [scene.ports, `container_name: ${name}`, `networks: {front: {ipv4_address: ${net}.10}}`];
    await scene.compose(scene.web(lines, `networks:\n  front: {ipam: {config: [{subnet: ${net}.0/24}]}}\n`));
    const starts = async (): Promise<string> => {
      const { id } = await onlyContainer(scene);
      const container = scene.docker.getContainer(id);
      const exec = await container.exec({
        Cmd: ['/bin/busybox', 'cat', '/state/starts'],
        AttachStdout: true,
        Tty: true,
      });
      const stream = await exec.start({ Tty: true });
      let text = '';
      for await (const chunk of stream) text += String(chunk);
      return text.trim().split(/\s+/).join(' ');
    };
    const address = async (): Promise<string | undefined> => {
      const { NetworkSettings } = await scene.docker.getContainer((await onlyContainer(scene)).id).inspect();
      return NetworkSettings.Networks[`${scene.environment}_front`]?.IPAddress;
    };
    await deploy(scene, '1.0.0', flavours.stateful);
    expect(await address()).toBe(`${net}.10`);
    await deploy(scene, '1.1.0', flavours.stateful);
    const good = await onlyContainer(scene);
    expect(good).toMatchObject({ name, version: '1.1.0' });
    expect(await address()).toBe(`${net}.10`);
    expect(await starts()).toBe('1.0.0 1.1.0');
    await publish(scene, '1.2.0', { ...flavours.stateful, entry: 'echo "$VERSION" >>/state/starts\nexit 1' });
    expect((await scene.once()).code).toBe(3);
    await untilAnswers(scene.port, '1.1.0');
    expect(await onlyContainer(scene)).toMatchObject({
      name,
      id: good.id,
      state: 'running',
      restart: 'unless-stopped',
    });
    expect(await address()).toBe(`${net}.10`);
    expect(await starts()).toMatch(/^1\.0\.0 1\.1\.0 1\.2\.0( 1\.2\.0)* 1\.1\.0$/);
  });
});

const networksOf = async (scene: Scene): Promise<readonly string[]> =>
  (await scene.docker.listNetworks())
    .map((n) => n.Name)
    .filter((n) => n.startsWith(`${scene.environment}_`))
    .toSorted();

describe('networks', () => {
  it('that change get a new one with a suffix; the old one goes when nothing needs it', async () => {
    const scene = await createScene();
    await deployed(scene, [scene.ports, 'networks: [front]'], 'networks:\n  front: {}\n');
    expect(await networksOf(scene)).toEqual([`${scene.environment}_front`]);
    await scene.compose(
      scene.web(
        [scene.ports, 'networks: [front]'],
        'networks:\n  front: {driver_opts: {com.docker.network.driver.mtu: "1400"}}\n',
      ),
    );
    const once = await scene.once();
    assertCode(once, 0);
    const [now, ...others] = await networksOf(scene);
    expect(now).toMatch(new RegExp(`^${scene.environment}_front-[0-9a-f]{8}$`));
    expect(others).toEqual([]);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });

  it('two services that need one network at the same moment get one', async () => {
    const scene = await createScene();
    const names = ['web', 'a', 'b', 'c'];
    const images = await Promise.all(
      names.map(async (name) => [name, (await scene.push('1.0.0', flavours.healthy, name)).pinned] as const),
    );
    const rest = names
      .slice(1)
      .map((name) => service(name, [`image: ${scene.repository(name)}`]))
      .join('');
    await scene.compose(scene.web([scene.ports], rest));
    await scene.publish(Object.fromEntries(images));
    const once = await scene.once();
    assertCode(once, 0);
    expect(await networksOf(scene)).toEqual([`${scene.environment}_default`]);
    expect(await containersOf(scene)).toHaveLength(4);
  });

  it('a renamed key keeps a network with a fixed subnet; a changed definition is refused', async () => {
    const scene = await createScene();
    const net = `10.${String(100 + (scene.port % 100))}.${String(scene.port % 250)}`;
    const composeOf = (key: string, more = ''): [string[], string] => [
      [scene.ports, `networks: {${key}: {ipv4_address: ${net}.10}}`],
      `networks:\n  ${key}: {${more}ipam: {config: [{subnet: ${net}.0/24}]}}\n`,
    ];
    await deployed(scene, ...composeOf('front'));
    const networks = await networksOf(scene);
    await scene.compose(scene.web(...composeOf('public')));
    assertCode(await scene.run(['validate']), 0);
    assertCode(await scene.once(), 0);
    expect(await networksOf(scene)).toEqual(networks);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    await scene.compose(scene.web(...composeOf('open', 'attachable: true, ')));
    const text = 'the network open has a subnet of the network public, which services here still use';
    const refused = await scene.run(['validate']);
    assertCode(refused, 1);
    expect(refused.stdout).toContain(text);
    const once = await scene.once();
    assertCode(once, 3);
    expect(once.stdout).toContain(text);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });

  it('two services swap their fixed addresses although one of them stops late', async () => {
    const scene = await createScene();
    const net = `10.${String(100 + (scene.port % 100))}.${String(scene.port % 250)}`;
    const images = [
      ['web', (await scene.push('1.0.0')).pinned],
      ['late', (await scene.push('1.0.0', flavours.stubborn, 'late')).pinned],
    ] as const;
    const compose = async (web: number, late: number): Promise<void> => {
      const at = (last: number): string => `networks: {front: {ipv4_address: ${net}.${String(last)}}}`;
      const lines = [
        `image: ${scene.repository('late')}`,
        'stop_grace_period: 2s',
        'deploy: {update_config: {monitor: 1s}}',
        at(late),
      ];
      const networks = `networks:\n  front: {ipam: {config: [{subnet: ${net}.0/24}]}}\n`;
      await scene.compose(scene.web([at(web)], `${service('late', lines)}${networks}`));
    };
    const addressOf = async (name: string): Promise<string | undefined> => {
      const { id } = await onlyContainer(scene, name);
      const { NetworkSettings } = await scene.docker.getContainer(id).inspect();
      return NetworkSettings.Networks[`${scene.environment}_front`]?.IPAddress;
    };
    await compose(10, 11);
    await scene.publish(Object.fromEntries(images));
    assertCode(await scene.once(), 0);
    await compose(11, 10);
    const once = await scene.once();
    assertCode(once, 0);
    expect(once.stdout).not.toMatch(/could not/);
    expect([await addressOf('web'), await addressOf('late')]).toEqual([`${net}.11`, `${net}.10`]);
  });
});

describe('image clean-up', () => {
  it('keeps the last good ones (KEEP_RELEASES), and never touches foreign images or another environment’s good ones', async () => {
    const scene = await createScene();
    const neighbour = await createScene();
    const foreign = `${scene.environment}/foreign:1`;
    await loadImage(scene.docker, [foreign], '0', flavours.web);
    const shared = await scene.push('0.9.0');
    await neighbour.compose(neighbour.web([`image: ${scene.repository()}`, neighbour.ports]));
    await neighbour.publish({ web: shared.pinned });
    expect((await neighbour.once()).code).toBe(0);
    // Its container may go: only its ledger still names the image.
    await neighbour.docker.getContainer((await onlyContainer(neighbour)).id).remove({ force: true });

    const images = [shared];
    await scene.compose(scene.web());
    await scene.publish({ web: shared.pinned });
    expect((await scene.once()).code).toBe(0);
    for (const tag of ['1.0.0', '1.1.0', '1.2.0']) images.push(await deploy(scene, tag));
    const there = async (id: string): Promise<boolean> =>
      scene.docker
        .getImage(id)
        .inspect()
        .then(
          () => true,
          () => false,
        );
    expect(await Promise.all(images.map((i) => there(i.imageId)))).toEqual([true, false, true, true]);
    expect(await there(foreign)).toBe(true);
    expect((await neighbour.once()).code).toBe(0);
    expect(await tryAnswer(neighbour.port)).toBe('0.9.0');
    await scene.docker.getImage(foreign).remove();
  });
});

describe('a service that left the compose files', () => {
  it('is stopped and removed, and forgotten', async () => {
    const scene = await createScene();
    const web = await scene.push('1.0.0');
    const other = await scene.push('1.0.0', flavours.healthy, 'other');
    await scene.compose(scene.web([scene.ports], service('other', [`image: ${scene.repository('other')}`])));
    await scene.publish({ web: web.pinned, other: other.pinned });
    expect((await scene.once()).code).toBe(0);
    const before = await onlyContainer(scene, 'web');
    await scene.compose(scene.web());
    const plan = await scene.run(['plan']);
    expect(plan.code).toBe(2);
    expect(plan.stdout).toMatch(
      /other: changes – other is not in the compose files any more\n +gap: it ends here[\s\S]*stop [\s\S]*remove [\s\S]*forget/,
    );
    const once = await scene.once();
    assertCode(once, 0);
    expect(once.stdout).not.toMatch(/^other +(blocked|waiting)/m);
    expect(await containersOf(scene)).toEqual([before]);
  });

  it('when it would be all of them, is kept until allow-empty says that it is meant', async () => {
    const scene = await createScene();
    await deployed(scene);
    const before = await containersOf(scene);
    await scene.compose('services: {}\n');
    const once = await scene.once();
    assertCode(once, 3);
    expect(once.stdout).toMatch(
      /web: the compose files name none of the services that run here[\s\S]*→ if that is meant, write at the top of compose\.yaml: x-supercargo: \{allow-empty: true\}/,
    );
    expect(await containersOf(scene)).toEqual(before);
    await scene.compose('services: {}\nx-supercargo: {allow-empty: true}\n');
    const emptied = await scene.once();
    assertCode(emptied, 0);
    expect(await containersOf(scene)).toEqual([]);
  });
});

describe('two services', () => {
  it('may swap their ports in one go', async () => {
    const scene = await createScene();
    const other = await createScene();
    const web = await scene.push('1.0.0');
    const image = await scene.push('2.0.0', flavours.healthy, 'other');
    const file = (first: string, second: string): string =>
      scene.web([first], service('other', [`image: ${scene.repository('other')}`, second]));
    await scene.compose(file(scene.ports, other.ports));
    await scene.publish({ web: web.pinned, other: image.pinned });
    expect((await scene.once()).code).toBe(0);
    await scene.compose(file(other.ports, scene.ports));
    const once = await scene.once();
    assertCode(once, 0);
    expect(await Promise.all([tryAnswer(scene.port), tryAnswer(other.port)])).toEqual(['2.0.0', '1.0.0']);
    expect(await runningIn(scene)).toEqual(['other 2.0.0 running', 'web 1.0.0 running']);
  });
});
