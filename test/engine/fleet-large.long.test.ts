import { onTestFinished, describe, expect, it } from 'vitest';
import { hostToken } from '../../src/core/hub/tokens.ts';
import { renderManifest } from '../../src/core/publish/render-manifest.ts';
import type { Status } from '../../src/core/status/status-document.ts';
import { createPublisher, type Publisher } from '../support/fleet.ts';
import { startHub, type FleetHub } from '../support/fleet-hub.ts';
import { hostStatus, serviceStatus } from '../support/status.ts';
import { useVersions } from '../support/versions.ts';
import { manifest } from '../support/world.ts';

const install = useVersions();

const ENVIRONMENT = 'large';
const AT_ONCE = 32;

const publishedAs = (serial: number, version: string): string =>
  Buffer.from(
    renderManifest({
      ...manifest({ web: `registry.example.com/org/web:${version}` }, { serial }),
      environment: ENVIRONMENT,
    }),
  ).toString();

const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `web-${String(n)}`);

interface Reported extends Partial<Status> {
  readonly serial: number;
  readonly version: string;
}

/** `bytes` more than a report needs, as of a host with many services. */
const report = async (
  hub: FleetHub,
  host: string,
  { serial, version, ...change }: Reported,
  bytes: number,
): Promise<void> => {
  const status = hostStatus({
    environment: ENVIRONMENT,
    host,
    at: new Date().toISOString(),
    manifest: { ...hostStatus().manifest, serial },
    services: [serviceStatus({ desired: { version, release: 'x' } })],
    ...change,
  });
  const answer = await fetch(`${hub.url}/reports/${ENVIRONMENT}/${host}.json`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${hostToken(hub.reportSecret, ENVIRONMENT, host)}` },
    body: JSON.stringify({ ...status, filler: 'x'.repeat(bytes) }),
  });
  expect(answer.ok).toBe(true);
};

const reportAll = async (
  hub: FleetHub,
  hosts: readonly string[],
  reported: Reported,
  bytes: number,
): Promise<void> => {
  const left = [...hosts];
  const work = async (): Promise<void> => {
    for (let host = left.pop(); host !== undefined; host = left.pop())
      await report(hub, host, reported, bytes);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
};

const FAILED: Partial<Status> = {
  outcome: 'rolled-back',
  services: [serviceStatus({ outcome: 'rolled-back', message: 'it crashed' })],
};

/** A hub with two manifests, and hosts that run the second one. */
const createScene = async (
  { program, publisherProgram }: { readonly program?: string; readonly publisherProgram?: string },
  { hosts, bytes }: { readonly hosts: readonly string[]; readonly bytes: number },
): Promise<{ readonly hub: FleetHub; readonly publisher: Publisher }> => {
  const hub = await startHub([], program);
  onTestFinished(async () => hub.remove());
  const publisher = await createPublisher(hub, publisherProgram);
  onTestFinished(async () => publisher.remove());
  for (const [serial, version] of [
    [1, '1.0.0'],
    [2, '1.1.0'],
  ] as const)
    expect([200, 201, 204]).toContain(
      await hub.put(`manifests/${ENVIRONMENT}.json`, publishedAs(serial, version)),
    );
  await reportAll(hub, hosts, { serial: 2, version: '1.1.0' }, bytes);
  await report(hub, 'web-7', { serial: 2, version: '1.1.0', ...FAILED, labels: { zone: 'b' } }, bytes);
  return { hub, publisher };
};

const UNSIGNED = '--insecure-unsigned';

/** Publishes the same versions again, and lets the hosts follow. */
const publishAndFollow = async (
  { hub, publisher }: Awaited<ReturnType<typeof createScene>>,
  { hosts, bytes }: { readonly hosts: readonly string[]; readonly bytes: number },
  serial: number,
) => {
  const wait = ['--wait', '--timeout', '10m'];
  const waiting = publisher.run(['publish', ENVIRONMENT, '--retry', 'web', UNSIGNED, ...wait]);
  await expect
    .poll(async () => (await hub.read(`manifests/${ENVIRONMENT}/${String(serial)}.json`)) !== undefined, {
      timeout: 60_000,
    })
    .toBe(true);
  await reportAll(hub, hosts, { serial, version: '1.1.0' }, bytes);
  return waiting;
};

describe('5,000 hosts with 20 KiB of report each', { timeout: 600_000 }, () => {
  const fleet = { hosts: names(5000), bytes: 20 * 1024 };

  it('are published to, waited for, shown and rolled back', async () => {
    const scene = await createScene({}, fleet);
    const { hub, publisher } = scene;
    const list = await fetch(`${hub.url}/reports/${ENVIRONMENT}`, {
      headers: { authorization: `Bearer ${hub.publishToken}` },
    });
    expect(list.status).toBe(413);

    const shown = await publisher.run(['fleet', ENVIRONMENT]);
    expect([shown.code, shown.stderr]).toEqual([3, '']);
    expect(shown.stdout).toMatch(
      /^large: serial 2, .*; 4999 of 5000 hosts run it\n1 rolled-back, 4999 converged$/m,
    );
    expect(shown.stdout).toMatch(/^web-7 +rolled-back .*it crashed$/m);
    expect(shown.stdout).toMatch(/\nand 4999 hosts that run what they should \(--all shows them\)\n$/);
    const some = await publisher.run(['fleet', ENVIRONMENT, '--json', '--where', 'zone=b']);
    expect(JSON.parse(some.stdout)).toMatchObject({
      hosts: [{ host: 'web-7', verdict: { kind: 'failed' } }],
    });
    const all = await publisher.run(['fleet', ENVIRONMENT, '--all']);
    expect(all.stdout.match(/^web-\d+ /gm)).toHaveLength(5000);

    const published = await publishAndFollow(scene, fleet, 3);
    expect([published.code, published.stderr]).toEqual([0, '']);
    expect(published.stdout).toMatch(/^Done: serial 3 runs on all hosts \(5000 of 5000\)\.$/m);
    expect(published.stdout.split('\n').length).toBeLessThan(500);

    const back = await publisher.run(['rollback', ENVIRONMENT, UNSIGNED]);
    expect([back.code, back.stderr]).toEqual([0, '']);
    expect(back.stdout).toContain('1.1.0 → 1.0.0');
  });
});

describe('hosts of a neighbour version', { timeout: 300_000 }, () => {
  const fleet = { hosts: names(40), bytes: 0 };

  it.each([
    ['an older hub', 'old', 'new'],
    ['an older publisher', 'new', 'old'],
  ] as const)('are shown and waited for with %s', async (_what, hubVersion, publisherVersion) => {
    const [program, publisherProgram] = [await install(hubVersion), await install(publisherVersion)];
    const scene = await createScene(
      { program: program.path, publisherProgram: publisherProgram.path },
      fleet,
    );
    const shown = await scene.publisher.run(['fleet', ENVIRONMENT]);
    expect([shown.code, shown.stderr]).toEqual([3, '']);
    expect(shown.stdout).toMatch(/; 39 of 40 hosts run it\n1 rolled-back, 39 converged$/m);
    expect(shown.stdout.match(/^web-\d+ /gm)).toHaveLength(40);
    const published = await publishAndFollow(scene, fleet, 3);
    expect([published.code, published.stderr]).toEqual([0, '']);
    expect(published.stdout).toMatch(/^Done: serial 3 runs on all hosts \(40 of 40\)\.$/m);
  });
});
