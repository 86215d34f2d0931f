import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSystemd, type Systemd, type SystemdOptions } from '../../../src/adapters/systemd.ts';

describe('systemd', () => {
  const place = { folder: '', path: '' };
  const failures: string[] = [];

  const program = async (script: string): Promise<void> => {
    const file = join(place.folder, 'systemd-notify');
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  };

  beforeEach(async () => {
    place.folder = await mkdtemp(join(tmpdir(), 'notify-'));
    place.path = `${place.folder}:/usr/bin:/bin`;
    failures.length = 0;
    // The npm package starts the program with the environment of this process.
    vi.stubEnv('PATH', place.path);
    await program(`(IFS='|'; echo "$*") >> ${place.folder}/calls`);
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(place.folder, { recursive: true, force: true });
  });

  const create = (over: Partial<SystemdOptions> = {}): Systemd =>
    createSystemd({
      notifySocket: '/run/systemd/notify',
      watchdogUsec: undefined,
      watchdogPid: undefined,
      pid: 4711,
      path: place.path,
      onFailure: (message) => failures.push(message),
      ...over,
    });

  const calls = async (): Promise<string[]> => {
    const text = await readFile(join(place.folder, 'calls'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  };

  it('sends each message in the order of the calls', async () => {
    const systemd = create();
    await Promise.all([
      systemd.ready(),
      systemd.status('3 services converged'),
      systemd.watchdog(),
      systemd.stopping(),
    ]);
    expect(await calls()).toEqual([
      '--ready|--pid=4711',
      '--pid=4711|--status=3 services converged',
      'WATCHDOG=1',
      'STOPPING=1',
    ]);
    expect(failures).toEqual([]);
  });

  it('says when it reloads, on the clock that systemd uses', async () => {
    const before = process.hrtime.bigint() / 1000n;
    await create().reloading();
    const [call] = await calls();
    expect(call).toMatch(/^RELOADING=1\|MONOTONIC_USEC=\d+$/);
    const sent = BigInt(call?.split('=').at(-1) ?? '0');
    expect(sent >= before && sent <= process.hrtime.bigint() / 1000n).toBe(true);
  });

  it('sends only the latest of the texts that wait, and one sign of life', async () => {
    const systemd = create();
    await Promise.all([
      systemd.ready(),
      systemd.status('one'),
      systemd.watchdog(),
      systemd.status('two'),
      systemd.watchdog(),
      systemd.status('three'),
    ]);
    await systemd.status('four');
    expect(await calls()).toEqual([
      '--ready|--pid=4711',
      '--pid=4711|--status=three',
      'WATCHDOG=1',
      '--pid=4711|--status=four',
    ]);
  });

  it('makes one line of a text, so that it cannot assign other variables', async () => {
    await create().status(' failed:\nMAINPID=1 ');
    expect(await calls()).toEqual(['--pid=4711|--status=failed: MAINPID=1']);
  });

  it('does nothing without a socket', async () => {
    const systemd = create({ notifySocket: undefined, watchdogUsec: 1_000_000 });
    await Promise.all([
      systemd.ready(),
      systemd.status('x'),
      systemd.watchdog(),
      systemd.reloading(),
      systemd.stopping(),
    ]);
    expect([await calls(), systemd.watchdogIntervalMs]).toEqual([[], undefined]);
  });

  it.each([
    ['is not asked for', {}, undefined],
    ['is for us', { watchdogUsec: 60_000_000, watchdogPid: 4711 }, 30_000],
    ['names nobody', { watchdogUsec: 60_000_000 }, 30_000],
    ['is for another one', { watchdogUsec: 60_000_000, watchdogPid: 1 }, undefined],
  ])('computes the interval when the watchdog %s', (_, over, expected) => {
    expect(create(over).watchdogIntervalMs).toBe(expected);
  });

  it('tells of the first failure only, and goes on', async () => {
    await program('echo "no such socket" >&2; exit 1');
    const systemd = create();
    await Promise.all([systemd.ready(), systemd.status('x'), systemd.watchdog()]);
    expect(failures).toEqual(['systemd-notify failed: no such socket']);
    await program(`echo "$*" >> ${place.folder}/calls`);
    await systemd.stopping();
    expect(await calls()).toEqual(['STOPPING=1']);
  });

  it.each<[string, (systemd: Systemd) => Promise<void>]>([
    ['the package', (systemd) => systemd.ready()],
    ['us', (systemd) => systemd.watchdog()],
  ])('survives that the program is missing when called by %s', async (_, call) => {
    vi.stubEnv('PATH', join(place.folder, 'nothing'));
    await call(create({ path: join(place.folder, 'nothing') }));
    expect(failures).toEqual([expect.stringMatching(/^systemd-notify failed: .*ENOENT/)]);
  });
});
