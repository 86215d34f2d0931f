import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { followAndPrint } from '../../../src/cli/publishing/follow-and-print.ts';
import { openStore } from '../../../src/cli/publishing/open-store.ts';
import { runProgram } from '../../../src/cli/program.ts';
import type { Io } from '../../../src/cli/streams.ts';
import { readPublisherConfig } from '../../../src/config/publisher-config.ts';
import { parseManifest } from '../../../src/core/manifest/schema.ts';
import { createEnvironmentStore } from '../../../src/publish/environment-store.ts';
import { eventually } from '../../support/poll.ts';
import { pacedManifest, type TurnHost } from '../../support/turn-host.ts';
import { PUBLISH, type Scene } from '../hub/scene.ts';
import { ask, fleet, put, report } from '../hub/turn-scene.ts';

const ENV = { SUPERCARGO_PUBLISH_TOKEN: PUBLISH, USER: 'anna' };
const PACE = { maxParallel: 1 };

const openIo = () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const told = { out: '', err: '' };
  stdout.on('data', (chunk: Buffer) => (told.out += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (told.err += chunk.toString()));
  return { told, io: { stdin: new PassThrough(), stdout, stderr, env: ENV, pid: 1 } as unknown as Io };
};

const rollout = async (hub: Scene, ...args: readonly string[]) => {
  const { told, io } = openIo();
  const argv = ['rollout', ...args, '--to', hub.url];
  const code = await runProgram(argv, io, () => Promise.resolve(io), new AbortController().signal);
  return { code, ...told };
};

/** Waits as `publish --wait` does after it has published this serial of version 2. */
const follow = async (hub: Scene, serial: number) => {
  const { told, io } = openIo();
  const { documents, rollouts } = await openStore({ to: hub.url }, readPublisherConfig(ENV));
  const view = createEnvironmentStore(documents, 'staging', undefined);
  const parsed = parseManifest(JSON.parse(pacedManifest('staging', serial, { web: 2 }, PACE)));
  const pace = parsed.kind === 'manifest' ? parsed.manifest.pace : undefined;
  if (parsed.kind !== 'manifest' || !pace) throw new Error('no manifest with a pace');
  const awaited = { hosts: undefined, where: undefined, text: 'all hosts that report' };
  const goal = { target: { ...parsed.manifest, pace }, awaited, timeoutMs: 40_000 };
  const place = { io, view, rollouts, flags: {} };
  return { told, ended: followAndPrint(place, goal, new AbortController().signal) };
};

/** The host asks, begins, and reports this end. */
const switches = async (hub: Scene, host: TurnHost, end: 'good' | 'failed'): Promise<void> => {
  expect(await ask(hub, host, host.request(2, 3))).toMatchObject({ answer: 'granted' });
  await report(hub, host, 2, 'begun');
  await report(hub, host, 2, end);
};

describe('a rollout of a real hub', { timeout: 60_000 }, () => {
  it('is followed to its end, host by host', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    expect(await rollout(hub, 'status', 'staging')).toMatchObject({ code: 0, err: '' });
    await put(hub, pacedManifest('staging', 3, { web: 2 }, PACE));
    for (const host of hosts) await report(hub, host, 2, 'none');
    const { told, ended } = await follow(hub, 3);
    await eventually(() => told.out.includes('is open: 2 hosts'), { describe: () => told.out });
    const under = await rollout(hub, 'status', 'staging');
    expect([under.code, under.out]).toEqual([
      2,
      expect.stringMatching(/^staging: serial 3 \(web 2\) is under way, wave 1 of 1\n/),
    ]);
    for (const host of hosts) {
      await switches(hub, host, 'good');
      // The last host ends the change, so that it may be seen as finished only.
      const news = host.host === 'web-1' ? 'web-1: good' : 'is finished';
      await eventually(() => told.out.includes(news), { describe: () => told.out });
    }
    expect((await ended).code).toBe(0);
    expect(told.out).toContain('Done: serial 3 (web 2) is finished: 2 of 2 hosts run it.\n');
    expect((await rollout(hub, 'status', 'staging')).code).toBe(0);
  });

  it('is halted by a host that fails, and goes on once it is resumed', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first, second] = hosts;
    if (!first || !second) throw new Error('two hosts');
    await put(hub, pacedManifest('staging', 3, { web: 2 }, PACE));
    for (const host of hosts) await report(hub, host, 2, 'none');
    const { told, ended } = await follow(hub, 3);
    await switches(hub, first, 'failed');
    expect((await ended).code).toBe(3);
    expect(told.err).toMatch(/web-1 failed [^]*^Halted: serial 3 \(web 2\) is halted: .*web-1/m);
    const halted = await rollout(hub, 'status', 'staging');
    expect([halted.code, halted.out]).toEqual([
      3,
      expect.stringMatching(/rollout resume staging --reason …/),
    ]);
    const resumed = await rollout(hub, 'resume', 'staging', '--reason', 'disk added');
    expect([resumed.code, resumed.out]).toEqual([
      0,
      expect.stringMatching(/no longer counted: web-1\nstaging: serial 3 \(web 2\) is under way/),
    ]);
    await switches(hub, second, 'good');
    expect((await rollout(hub, 'status', 'staging')).code).toBe(0);
  });

  it('is halted, left out and freed by a person, whose name is kept', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const [first] = hosts;
    if (!first) throw new Error('a host');
    await put(hub, pacedManifest('staging', 3, { web: 2 }, PACE));
    for (const host of hosts) await report(hub, host, 2, 'none');
    await ask(hub, first, first.request(2, 3));
    const said = ['--reason', 'a sale'];
    expect((await rollout(hub, 'free', 'staging', 'web-1', ...said)).code).toBe(0);
    expect(await rollout(hub, 'free', 'staging', 'web-1', ...said)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/web-1 has no turn/) as string,
    });
    expect((await rollout(hub, 'leave-out', 'staging', 'web-2', ...said)).code).toBe(0);
    expect((await rollout(hub, 'halt', 'staging', ...said, '--for', '2h')).code).toBe(0);
    const { code, out } = await rollout(hub, 'status', 'staging');
    expect(code).toBe(3);
    expect(out).toMatch(/^staging: serial 3 \(web 2\) is halted by anna@\S+: a sale\n/);
    expect(out).toMatch(/ {2}web-2 is left out by anna@/);
    const json = await rollout(hub, 'status', 'staging', '--json');
    const { audit } = JSON.parse(json.out) as { audit: { what: string; by: string | null }[] };
    expect(audit.filter(({ by }) => by?.startsWith('anna@')).map(({ what }) => what)).toEqual([
      'halt',
      'leave-out',
      'free',
    ]);
  });
});
