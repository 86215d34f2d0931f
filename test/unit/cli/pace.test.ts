import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import type { Io } from '../../../src/cli/streams.ts';
import type { Manifest } from '../../../src/core/manifest/manifest.ts';
import { DEFAULT_PACE } from '../../../src/core/manifest/pace.ts';
import { parseManifest } from '../../../src/core/manifest/schema.ts';
import { renderManifest } from '../../../src/core/publish/render-manifest.ts';
import type { ReportedRollout } from '../../../src/core/turns/read-rollout.ts';
import { changeStatus, rolloutStatus } from '../../support/rollout.ts';
import { hostStatus } from '../../support/status.ts';
import { startStoreServer, type StoreServer } from '../../support/store-server.ts';
import { manifest } from '../../support/world.ts';
import { PUBLISH } from '../hub/scene.ts';
import { fleet, report } from '../hub/turn-scene.ts';

let store: StoreServer;
beforeEach(async () => {
  store = await startStoreServer();
  store.rollout = () => rolloutStatus();
});
afterEach(async () => store.close());

const runIn = async (env: Record<string, string>, argv: readonly string[]) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdin: new PassThrough(), stdout, stderr, env, pid: 1 } as unknown as Io;
  const { signal } = new AbortController();
  const code = await runProgram(argv, io, () => Promise.resolve(io), signal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
};

const run = async (...argv: readonly string[]) => runIn({}, [...argv, '--to', store.url]);

const publish = async (...argv: readonly string[]) => run(...argv, '--insecure-unsigned');

/** Puts a manifest into the store, and into its history. */
const put = (serial: number, version: string, change: Partial<Manifest> = {}): void => {
  const bytes = renderManifest({
    ...manifest({ web: `registry.example.com/org/web:${version}` }, { serial }),
    environment: 'staging',
    ...change,
  });
  const { environment = 'staging' } = change;
  store.documents.set(`manifests/${environment}.json`, bytes);
  store.documents.set(`manifests/${environment}/${String(serial)}.json`, bytes);
};

const current = (environment = 'staging'): Manifest | undefined => {
  const bytes = store.documents.get(`manifests/${environment}.json`);
  const read = bytes && parseManifest(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return read?.kind === 'manifest' ? read.manifest : undefined;
};

const pace = { ...DEFAULT_PACE, waves: [{ labels: { canary: 'true' } }, { percent: 100 }], soakSeconds: 300 };
const unfinished = (change: Partial<ReportedRollout['changes'][number]> = {}): ReportedRollout =>
  rolloutStatus({ changes: [changeStatus({ serial: 2, ...change })] });

describe('supercargo pace', () => {
  it('publishes the same versions with a pace, changes members of it, and ends it', async () => {
    put(1, 'a');
    const first = await publish('pace', 'staging', '--waves', 'canary=true,100%', '--soak', '5m');
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain(
      'a pace begins: 1 host at a time; waves: canary=true, then 100% of the hosts',
    );
    expect(current()).toMatchObject({ serial: 2, pace, services: { web: { image: { tag: 'a' } } } });

    await publish('pace', 'staging', '--max-parallel', '10%');
    expect(current()).toMatchObject({ serial: 3, pace: { ...pace, maxParallel: { percent: 10 } } });

    const last = await publish('pace', 'staging', '--none');
    expect(last.out).toContain('the pace ends: from now on each host switches when it is ready');
    expect(current()).toMatchObject({ serial: 4, pace: undefined });
  });

  it('leaves a freeze as it is, which the next publish ends', async () => {
    put(1, 'a', { freeze: { reason: 'disk' } });
    expect((await publish('pace', 'staging', '--max-parallel', '2')).out).not.toContain('freeze');
    expect(current()).toMatchObject({ pace: { maxParallel: { hosts: 2 } }, freeze: { reason: 'disk' } });
    expect((await publish('publish', 'staging', '--retry', 'web')).out).toContain('the freeze ends (disk)');
  });

  it('shows it without options, and needs no key for that', async () => {
    put(1, 'a');
    expect(await run('pace', 'staging')).toMatchObject({
      code: 0,
      out: 'staging has no pace: each host switches when it is ready (serial 1)\n',
    });
    put(2, 'a', { pace });
    expect((await run('pace', 'staging')).out).toBe(
      [
        'staging has this pace (serial 2):',
        '  1 host at a time',
        '  waves: canary=true, then 100% of the hosts',
        '  a soak of 5 min',
        '  it halts at the first failed host',
        '  a host with a turn is lost after 15 min of silence',
        'as options: --max-parallel 1 --waves canary=true,100% --soak 5m --halt-after 0 --turn-time 15m',
        '',
      ].join('\n'),
    );
    expect(JSON.parse((await run('pace', 'staging', '--json')).out)).toMatchObject({
      apiVersion: 'supercargo/pace/v1',
      serial: 2,
      pace: { maxParallel: 1, waves: [{ labels: { canary: 'true' } }, { share: '100%' }], soakSeconds: 300 },
    });
    expect(await run('pace', 'production')).toMatchObject({ code: 1, err: /nothing was ever published/ });
  });

  it('says what is missing where a key is given and no option', async () => {
    put(1, 'a');
    const { code, err } = await run('pace', 'staging', '--key', 'jenkins.key');
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^supercargo: there is nothing to publish.*\n.*--max-parallel 1/),
    ]);
    expect(store.puts).toEqual([]);
  });

  it('writes nothing with --dry-run, and nothing where there is no key or a wrong option', async () => {
    put(1, 'a');
    const dry = await publish('pace', 'staging', '--max-parallel', '2', '--dry-run');
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.out).toMatch(/^would publish staging 2/);
    expect(await run('pace', 'staging', '--max-parallel', '2')).toMatchObject({ code: 1 });
    expect((await publish('pace', 'staging', '--max-parallel', '0')).err).toMatch(/--max-parallel must be/);
    expect(store.puts).toEqual([]);
  });

  it('is refused by a store without turns, and where hosts are too old, unless --anyway', async () => {
    put(418, 'a');
    store.rollout = undefined;
    const refused = await publish('pace', 'staging', '--max-parallel', '2');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.err).toContain('hands out no turns: with a pace no host of staging would begin to switch');

    store.rollout = () => rolloutStatus();
    const old = JSON.stringify(hostStatus({ at: new Date().toISOString() }));
    store.documents.set('reports/staging/web-1.json', Buffer.from(old));
    const tooOld = await publish('pace', 'staging', '--max-parallel', '2');
    expect(tooOld.err).toContain('the agent of 1 host (web-1 with 0.1.0) is too old for a pace');
    expect(store.puts).toEqual([]);

    const forced = await publish('pace', 'staging', '--max-parallel', '2', '--anyway');
    expect(forced).toMatchObject({ code: 0 });
    expect(forced.err).toMatch(/^warning: the agent of 1 host/);
    expect(current()).toMatchObject({ pace: { maxParallel: { hosts: 2 } } });
  });

  it('is not ended under a change, unless --anyway, which the store is told too', async () => {
    put(2, 'a', { pace });
    store.rollout = () => unfinished();
    expect((await publish('pace', 'staging', '--none')).err).toMatch(
      /a change is unfinished: serial 2 \(web 1\.1\.0\)/,
    );
    expect(store.puts).toEqual([]);
    expect(await publish('pace', 'staging', '--none', '--anyway')).toMatchObject({ code: 0 });
    expect(store.puts).toContain('/manifests/staging.json?anyway');
  });
});

describe('a rollback', () => {
  it('passes over what never finished on the fleet', async () => {
    put(1, 'a', { pace });
    put(2, 'crash', { pace });
    const digest = current()?.services['web']?.image.digest ?? '';
    put(3, 'crash2', { pace });
    store.rollout = () => rolloutStatus({ abandoned: [{ entry: 'web', digest }] });
    const rolledBack = await publish('rollback', 'staging');
    expect(rolledBack.out).toContain(
      'back to the versions of serial 1; serial 2 never finished, and is passed over\n',
    );
    expect(current()?.services['web']?.image.tag).toBe('a');
  });
});

describe('a pace', () => {
  it('is kept by publish, by promote that of the target, by rollback the current one', async () => {
    put(1, 'a');
    put(2, 'b', { pace });
    await publish('publish', 'staging', '--retry', 'web');
    expect(current()).toMatchObject({ serial: 3, pace, urgent: undefined });

    const rolledBack = await publish('rollback', 'staging');
    expect(rolledBack.out).toContain('urgent, without waves and soak: rollback to serial 1');
    const urgent = { reason: 'rollback to serial 1' };
    expect(current()).toMatchObject({ services: { web: { image: { tag: 'a' } } }, pace, urgent });

    put(1, 'old', { environment: 'production' });
    await publish('promote', 'staging', 'production');
    expect(current('production')).toMatchObject({ serial: 2, pace: undefined, urgent: undefined });
    put(5, 'c', { environment: 'production', pace: { ...pace, soakSeconds: 0 } });
    await publish('promote', 'staging', 'production', '--urgent', 'CVE-2026-1');
    expect(current('production')).toMatchObject({
      services: { web: { image: { tag: 'a' } } },
      pace: { soakSeconds: 0 },
      urgent: { reason: 'CVE-2026-1' },
    });
    await publish('promote', 'staging', 'production');
    expect(current('production')).toMatchObject({ pace: { soakSeconds: 0 }, urgent: undefined });
  });

  it('is named where an older base has none', async () => {
    put(1, 'a');
    put(2, 'b', { pace });
    const { code, err } = await publish('publish', 'staging', '--retry', 'web', '--base', '1');
    expect(code).toBe(0);
    expect(err).toContain(
      'the pace of serial 2 ends, because the base has none; to set it again: supercargo',
    );
  });

  it.each([
    ['--rollout 1h:5%', /staging has a pace, which says when hosts switch: --rollout cannot stand/],
    ['--wait --max-failed 1', /staging has a pace, whose limit of failures .* leave --max-failed out/],
    ['--wait --on-failure rollback', /staging has a pace, whose limit of failures .* leave --on-failure out/],
    ['--urgent=', /the reason of --urgent is empty/],
    ['--urgent=now --after', /--urgent and --after contradict each other/],
    ['--timeout 5m', /--timeout needs --wait or --after/],
  ])('does not go together with %s', async (options, message) => {
    put(2, 'a', { pace });
    const { code, err } = await publish('publish', 'staging', '--retry', 'web', ...options.split(' '));
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(store.puts).toEqual([]);
  });

  it.each(['--urgent=CVE-2026-1', '--after'])('is needed for %s', async (option) => {
    put(2, 'a');
    const { code, err } = await publish('publish', 'staging', '--retry', 'web', option);
    expect(code).toBe(1);
    expect(err).toContain('and staging has no pace');
  });

  it('needs a digest in every version', async () => {
    put(2, 'a', { services: manifest({ web: 'org/web:1' }, { tagsOnly: true }).services });
    const { err } = await publish('pace', 'staging', '--max-parallel', '2');
    expect(err).toContain('with a pace each version needs a digest, and web has none');
  });
});

describe('a publish over an unfinished change', () => {
  it('says how far that is', async () => {
    put(2, 'a', { pace });
    store.rollout = () => unfinished();
    const { code, err } = await publish('publish', 'staging', '--retry', 'web');
    expect(code).toBe(0);
    expect(err).toMatch(
      /^warning: serial 2 \(web 1\.1\.0\) is overtaken before its end: in wave 100% 0 of 1/,
    );
  });

  it('waits for its end with --after', async () => {
    put(2, 'a', { pace });
    const states = ['switching', 'finished'];
    store.rollout = () => unfinished({ state: states.length > 1 ? (states.shift() ?? '') : 'finished' });
    const { code, out, err } = await publish('publish', 'staging', '--retry', 'web', '--after');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/published staging 3/);
    expect(current()).toMatchObject({ serial: 3, services: { web: { attempt: 1 } } });
  });

  it('ends with 3 with --after where that is halted, and publishes nothing', async () => {
    put(2, 'a', { pace });
    const halted = { reason: 'failed on web-1', at: new Date().toISOString(), hosts: ['web-1'] };
    store.rollout = () => unfinished({ state: 'halted', halted });
    const { code, err } = await publish('publish', 'staging', '--retry', 'web', '--after');
    expect(code).toBe(3);
    expect(err).toContain('serial 2 (web 1.1.0) is halted: failed on web-1');
    expect(store.puts).toEqual([]);
  });

  it('ends with 5 with --after when the time is over', async () => {
    put(2, 'a', { pace });
    store.rollout = () => unfinished();
    const { code, out } = await publish('publish', 'staging', '--retry', 'web', '--after', '--timeout', '1s');
    expect(code).toBe(5);
    expect(out).toMatch(
      /^waiting at most 1 s for the end of serial 2 \(web 1\.1\.0\)\nserial 2 \(web 1\.1\.0\): in wave 100%/,
    );
    expect(store.puts).toEqual([]);
  });
});

describe('a hub', () => {
  it('takes a pace, says how far a change is, and keeps the pace until the change has ended', async () => {
    const { hub, hosts } = await fleet(['web-1', 'web-2']);
    const hear = async (serial: number, state: 'good' | 'none'): Promise<void> => {
      const more = { manifest: { ...hostStatus().manifest, serial }, at: new Date().toISOString() };
      for (const host of hosts) await report(hub, host, 1, state, more);
    };
    const to = async (...argv: readonly string[]) =>
      runIn({ SUPERCARGO_PUBLISH_TOKEN: PUBLISH }, [...argv, '--insecure-unsigned', '--to', hub.url]);
    await hear(2, 'good');
    const faster = await to('pace', 'staging', '--max-parallel', '2');
    expect(faster).toMatchObject({ code: 0, err: '' });
    expect(faster.out).toContain('the pace changes: 2 hosts at a time (before: 1 host at a time)');

    expect(await to('publish', 'staging', '--retry', 'web')).toMatchObject({ code: 0, err: '' });
    await hear(4, 'none');
    const over = await to('publish', 'staging', '--retry', 'web');
    expect(over.err).toMatch(
      /^warning: serial 4 \(web 1\) is overtaken before its end: in wave 100% 0 of 2 /,
    );

    expect((await to('pace', 'staging', '--none')).err).toMatch(/a change is unfinished: serial 5 \(web 1\)/);
    // Upon a base without a pace only the hub knows better.
    const older = await to('publish', 'staging', '--retry', 'web', '--base', '1');
    expect(older).toMatchObject({
      code: 1,
      err: expect.stringMatching(/: 409, the manifest has no pace/) as string,
    });
    expect(await to('pace', 'staging', '--none', '--anyway')).toMatchObject({ code: 0 });
    expect((await to('pace', 'staging')).out).toContain('staging has no pace');
  });
});
