import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/poll.ts';
import { flavours } from '../../support/flavours.ts';
import { assertCode, createScene, onlyContainer, type Scene, service, told } from './scene.ts';

/** `web` with a volume and a network of this name, and what it has of them. */
const compose = ({ repository }: Scene, names: { volume: string; network: string }, more = ''): string =>
  `services:\n${service('web', [
    `image: ${repository()}`,
    'restart: unless-stopped',
    `volumes: ["${names.volume}:/data"]`,
    `networks: [${names.network}]`,
    'deploy: {update_config: {monitor: 1s}}',
  ])}volumes: {${names.volume}: {${more}}}\nnetworks: {${names.network}: {}}\n`;

const volumeOf = async (scene: Scene): Promise<string | undefined> => {
  const { id } = await onlyContainer(scene);
  const { Mounts } = await scene.docker.getContainer(id).inspect();
  return Mounts.find((m) => m.Destination === '/data')?.Name;
};

const networksOf = async (scene: Scene): Promise<readonly string[]> => {
  const { id } = await onlyContainer(scene);
  const { NetworkSettings } = await scene.docker.getContainer(id).inspect();
  return Object.keys(NetworkSettings.Networks);
};

/** `web` on a network that this defines. */
const named = ({ repository }: Scene, network: string): string =>
  `services:\n${service('web', [
    `image: ${repository()}`,
    'restart: unless-stopped',
    'networks: [back]',
    'deploy: {update_config: {monitor: 1s}}',
  ])}networks: {back: ${network}}\n`;

describe('two environments that come to the same names', () => {
  it('have nothing in common, also where both begin at once', async () => {
    const one = await createScene();
    const two = await createScene({ environment: `${one.environment}_eu` });
    await one.compose(compose(one, { volume: 'eu_data', network: 'eu_back' }));
    await two.compose(compose(two, { volume: 'data', network: 'back' }));
    for (const scene of [one, two])
      await scene.publish({ web: (await scene.push('1.0.0', flavours.web)).pinned });
    const ends = await Promise.all([one, two].map(async (scene) => ({ scene, once: await scene.once() })));

    const name = `${one.environment}_eu_data`;
    const loser = ends.find(({ once }) =>
      told(once).includes(`the volume ${name} belongs to the environment`),
    );
    const winner = ends.find((end) => end !== loser);
    if (!winner || !loser) throw new Error(ends.map(({ once }) => told(once)).join('\n'));
    assertCode(loser.once, 3);
    expect(told(loser.once)).toContain(`belongs to the environment ${winner.scene.environment}`);
    // An engine without unique names may have had two networks of this name for a moment.
    await eventually(async () => (await winner.scene.once()).code === 0, {
      describe: async () => told(await winner.scene.run(['status'])),
    });
    expect(await volumeOf(winner.scene)).toBe(name);

    const own =
      loser.scene === one ? { volume: 'eu_data', network: 'eu_back' } : { volume: 'data', network: 'back' };
    await loser.scene.compose(compose(loser.scene, own, `name: ${name}-own`));
    assertCode(await loser.scene.once(), 0);
    expect(await volumeOf(loser.scene)).toBe(`${name}-own`);
    const [first, second] = [await networksOf(one), await networksOf(two)];
    expect(first).not.toEqual(second);
    assertCode(await winner.scene.once(), 0);
  }, 120_000);

  it('share nothing by a name that both write down', async () => {
    const one = await createScene();
    const two = await createScene();
    const name = `${one.environment}-shared`;
    for (const scene of [one, two]) {
      await scene.compose(named(scene, `{name: ${name}}`));
      await scene.publish({ web: (await scene.push('1.0.0', flavours.web)).pinned });
    }
    assertCode(await one.once(), 0);
    const refused = await two.once();
    assertCode(refused, 3);
    expect(told(refused)).toContain(`the network ${name} belongs to the environment ${one.environment}`);
    await two.compose(named(two, `{name: ${name}, external: true}`));
    assertCode(await two.once(), 0);
    expect(await networksOf(two)).toEqual([name]);
    // The other way round the network would be in use.
    await two.cleanup();
  }, 120_000);
});
