import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { flavours, type Flavour } from '../../support/flavours.ts';
import { assertCode, createScene, onlyContainer, type Scene, service, told } from './scene.ts';

/** `side` listens on a port that `vpn` publishes: nobody reaches it but by the network of `vpn`. */
const compose = ({ environment, repository, port }: Scene): string =>
  `services:\n${service('side', [
    `image: ${repository('side')}`,
    'restart: unless-stopped',
    `network_mode: container:${environment}-vpn`,
    "environment: { PORT: '8889' }",
    'deploy: {update_config: {monitor: 1s}}',
  ])}${service('vpn', [
    `image: ${repository('vpn')}`,
    `container_name: ${environment}-vpn`,
    'restart: unless-stopped',
    `ports: ["${String(port)}:8889"]`,
    'deploy: {update_config: {monitor: 1s}}',
    'x-supercargo: {healthy-within: 5s}',
  ])}`;

const versions = async (
  scene: Scene,
  vpn: string,
  flavour: Flavour = flavours.web,
): Promise<Readonly<Record<string, string>>> => ({
  vpn: (await scene.push(vpn, flavour, 'vpn')).pinned,
  side: (await scene.push('1.0.0', flavours.web, 'side')).pinned,
});

describe('a container in the network of another one', () => {
  it('is reached after the first publish of both, and whatever becomes of the other', async () => {
    const scene = await createScene();
    await scene.compose(compose(scene));
    await scene.publish(await versions(scene, '1.0.0'));
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');

    await scene.publish(await versions(scene, '2.0.0'));
    const plan = await scene.run(['plan']);
    assertCode(plan, 2);
    expect(told(plan)).toMatch(/side[\s\S]*it joins the network of \S+-vpn, which has been replaced/);
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');

    const donor = async () => scene.docker.getContainer((await onlyContainer(scene, 'vpn')).id);
    await (await donor()).remove({ force: true });
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');

    const before = await onlyContainer(scene, 'side');
    await (await donor()).restart({ t: 1 });
    expect(await tryAnswer(scene.port)).toBeUndefined();
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    // A restart of the other one is none of a reason to lose what it wrote into its own layer.
    expect((await onlyContainer(scene, 'side')).id).toBe(before.id);

    await scene.publish(await versions(scene, '3.0.0', flavours.unhealthy));
    assertCode(await scene.once(), 3);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    assertCode(await scene.run(['plan']), 3);
    expect(told(await scene.run(['plan']))).toMatch(/side: converged/);
  }, 180_000);
});
