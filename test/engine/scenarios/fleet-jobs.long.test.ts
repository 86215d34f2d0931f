import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RolloutStatus } from '../../../src/core/turns/rollout-status.ts';
import { createFleetScene, prepareGround, type FleetScene, type Ground } from './fleet-scene.ts';
import { assertCode, told } from './scene.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround(1);
});
afterAll(async () => {
  await ground.remove();
});

/** A migration that fails in version 1.2.0. */
const composeOf = (image: string): string => `services:
  migrate:
    image: ${image}
    restart: "no"
    entrypoint: ["/bin/busybox", "sh", "-c", 'echo "migrates $$VERSION"; [ "$$VERSION" != 1.2.0 ]']
    x-supercargo: {version-from: web, once: fleet, healthy-within: 60s}
  web:
    image: ${image}
    restart: unless-stopped
    depends_on: {migrate: {condition: service_completed_successfully}}
    deploy: {update_config: {monitor: 1s}}
    x-supercargo: {healthy-within: 60s}
`;

const jobsOf = async (scene: FleetScene): Promise<readonly string[]> => {
  const { stdout } = await scene.publisher.run(['rollout', 'status', scene.environment, '--json']);
  const { jobs } = JSON.parse(stdout) as RolloutStatus;
  return jobs.map(({ job, state }) => `${job} ${state}`);
};

/** How many containers of the job are on all hosts, of one version. */
const runsOf = async (scene: FleetScene, version: string): Promise<number> =>
  (await scene.running()).filter((line) => line.includes(`: migrate ${version} `)).length;

const webOf = (version: string): readonly string[] =>
  ['web-1', 'web-2'].map((host) => `${host}: web ${version} running`);
const webRunning = async (scene: FleetScene): Promise<readonly string[]> =>
  (await scene.running()).filter((line) => line.includes(': web '));

const WAIT = ['--wait', '--timeout', '100s'];

describe('a migration of two hosts', () => {
  it('runs on one of them for each version, not for a way back, and halts the change if it fails', async () => {
    const scene = await createFleetScene(ground, { hosts: 2, compose: composeOf });
    const key = ['--key', scene.publisher.keyFile];
    const { ref } = await scene.push('1.0.0');
    assertCode(await scene.publish(`web=${ref}`), 0);
    assertCode(await scene.publisher.run(['pace', scene.environment, '--max-parallel', '1', ...key]), 0);

    await scene.push('1.1.0');
    const published = await scene.publish('web=1.1.0', ...WAIT);
    assertCode(published, 0);
    expect(await webRunning(scene)).toEqual(webOf('1.1.0'));
    expect(await runsOf(scene, '1.1.0')).toBe(1);
    expect(told(published)).toMatch(/migrate is done, by web-[12]/);

    await scene.push('1.2.0');
    const failed = await scene.publish('web=1.2.0', ...WAIT);
    assertCode(failed, 3);
    expect(told(failed)).toContain('migrates 1.2.0');
    expect(await webRunning(scene)).toEqual(webOf('1.1.0'));
    expect(await jobsOf(scene)).toContain('migrate failed');

    const before = await jobsOf(scene);
    assertCode(await scene.publisher.run(['rollback', scene.environment, ...WAIT, ...key]), 0);
    expect(await jobsOf(scene)).toEqual(before);
    expect(await webRunning(scene)).toEqual(webOf('1.1.0'));
  });
});
