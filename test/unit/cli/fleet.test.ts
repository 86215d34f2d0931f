import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import { runCommand, type CommandResult } from '../../support/command.ts';
import { fleetOfAll, strangeStatus } from '../../support/fleet-of-all.ts';
import { hostStatus } from '../../support/status.ts';
import { manifestText } from '../hub/scene.ts';

const main = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-cli-fleet-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const publish = async (environment: string, serial = 418): Promise<void> => {
  await mkdir(join(folder, 'manifests'), { recursive: true });
  const text = manifestText(environment, serial, 'registry.example.com/web:1.1.0');
  await writeFile(join(folder, 'manifests', `${environment}.json`), text);
};

const report = async (environment: string, host: string, status: Status): Promise<void> => {
  await mkdir(join(folder, 'reports', environment), { recursive: true });
  await writeFile(join(folder, 'reports', environment, `${host}.json`), JSON.stringify(status));
};

const fleet = async (...args: readonly string[]): Promise<CommandResult> =>
  runCommand(process.execPath, [main, 'fleet', ...args, '--to', folder], {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
  });

describe('supercargo fleet', { timeout: 60_000 }, () => {
  it('shows every host with the word and the reason of its verdict, in natural order', async () => {
    await publish('staging');
    for (const { host, status } of fleetOfAll) await report('staging', host, hostStatus({ host, ...status }));
    await report('staging', 'web-17', strangeStatus({ host: 'web-17' }));
    const { code, stdout } = await fleet('staging');
    expect(code).toBe(3);
    const lines = stdout.split('\n');
    for (const { host, word, kind, says } of fleetOfAll) {
      const line = lines.find((text) => text.startsWith(`${host} `)) ?? '';
      expect(line).toMatch(new RegExp(`^${host} +${word} `));
      const why = says.source.replace(/^\^?(?:converged; |web: )?/, '').replace(/^converged\$$/, '');
      expect([kind, line]).toEqual([kind, expect.stringMatching(new RegExp(why))]);
    }
    expect(lines.find((text) => text.startsWith('web-17'))).toMatch(/hibernating.*asleep until it is asked/);
    const hosts = lines.flatMap((text) => /^web-\d+/.exec(text)?.[0] ?? []);
    expect(hosts).toEqual(Array.from({ length: 17 }, (_, at) => `web-${String(at + 1)}`));
  });

  it('says with its numbers what it says with its lines', async () => {
    await publish('staging');
    for (const { host, status } of fleetOfAll) await report('staging', host, hostStatus({ host, ...status }));
    const running = fleetOfAll.filter(({ kind }) => kind === 'converged').length;
    const { stdout } = await fleet('staging');
    expect(stdout).toContain(`; ${String(running)} of ${String(fleetOfAll.length)} hosts run it\n`);
    expect(stdout).toMatch(/^1 rolled-back, 2 blocked, 1 refused, 1 no-ledger, .*, 1 converged$/m);
  });

  it.each<[number, string, Partial<Status>]>([
    [0, 'unreachable', fleetOfAll[3]?.status ?? {}],
    [2, 'behind', fleetOfAll[1]?.status ?? {}],
    [2, 'hibernating', fleetOfAll[13]?.status ?? {}],
    [3, 'refused', fleetOfAll[4]?.status ?? {}],
    [4, 'offline', fleetOfAll[6]?.status ?? {}],
  ])('ends with %i for a host that is %s', async (code, word, status) => {
    await publish('staging');
    await report('staging', 'web-1', hostStatus(status));
    const answer = await fleet('staging', '--json');
    const { hosts } = JSON.parse(answer.stdout) as { hosts: { verdict: { word: string } }[] };
    expect(hosts.map(({ verdict }) => verdict.word)).toEqual([word]);
    expect(answer.code).toBe(code);
  });

  it('ends with 2 where something is published and no host has reported', async () => {
    await publish('staging');
    const { code, stdout } = await fleet('staging');
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /serial 418, .*; no host has reported\n[\s\S]*→ check SUPERCARGO_REPORT_URL .* SUPERCARGO_ENVIRONMENT is staging$/m,
    );
  });

  it('of a name that the store does not have is an error, and names those that it has', async () => {
    await publish('staging');
    await publish('production');
    const { code, stdout, stderr } = await fleet('stagign');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/has no manifest and no report of stagign[\s\S]*→ .*: staging, production/);
  });

  it('of hosts that report where nothing is published shows them', async () => {
    await report('staging', 'web-1', hostStatus());
    const { code, stdout } = await fleet('staging');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^staging: nothing is published\n1 converged$/m);
  });

  it('has a row for a host that should be there and never reported', async () => {
    await publish('staging');
    await report('staging', 'web-1', hostStatus());
    await writeFile(join(folder, 'hosts'), 'web-1\nweb-2\n');
    const { code, stdout } = await fleet('staging', '--hosts', join(folder, 'hosts'));
    expect(code).toBe(4);
    expect(stdout).toMatch(/^web-2 +silent +– +never .*it has never reported → check SUPERCARGO_REPORT_URL/m);
  });
});

const rowsIn = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => /^(?:web|bad)-\d+(?= )/.exec(line)?.[0] ?? []);

describe('supercargo fleet of more than 200 hosts', { timeout: 60_000 }, () => {
  it('shows those that need a look, the worst first, and counts the others', async () => {
    await publish('staging');
    const { status: behind = {} } = fleetOfAll[1] ?? {};
    const { status: refused = {} } = fleetOfAll[4] ?? {};
    for (let n = 1; n <= 199; n += 1)
      await report('staging', `web-${String(n)}`, hostStatus({ host: `web-${String(n)}` }));
    await report('staging', 'bad-10', hostStatus({ ...behind, host: 'bad-10' }));
    await report('staging', 'bad-9', hostStatus({ ...refused, host: 'bad-9' }));
    const { code, stdout } = await fleet('staging');
    expect([code, rowsIn(stdout)]).toEqual([3, ['bad-9', 'bad-10']]);
    expect(stdout).toContain('; 199 of 201 hosts run it\n1 refused, 1 behind, 199 converged\n');
    expect(stdout).toMatch(/\nand 199 hosts that run what they should \(--all shows them\)\n$/);
    const all = await fleet('staging', '--all');
    expect(rowsIn(all.stdout).slice(0, 3)).toEqual(['bad-9', 'bad-10', 'web-1']);
    expect(rowsIn(all.stdout)).toHaveLength(201);
  });
});

/** The names of the hosts that are shown, as a document has them. */
const hosts = async (...args: readonly string[]) => {
  const { code, stdout } = await fleet('staging', '--json', ...args);
  const document = JSON.parse(stdout) as { where: unknown; hosts: readonly { host: string }[] };
  return { code, where: document.where, hosts: document.hosts.map(({ host }) => host) };
};

describe('supercargo fleet --where', { timeout: 60_000 }, () => {
  beforeEach(async () => {
    await publish('staging');
    await report('staging', 'web-1', hostStatus({ labels: { zone: 'a', canary: 'true' } }));
    await report('staging', 'web-2', hostStatus({ host: 'web-2', labels: { zone: 'a' } }));
    const refused = fleetOfAll[4]?.status;
    await report('staging', 'web-3', hostStatus({ ...refused, host: 'web-3', labels: { zone: 'b' } }));
    await report('staging', 'old', hostStatus({ host: 'old' }));
  });

  it('shows, counts and judges only the hosts with all of these labels', async () => {
    const zone = { code: 0, where: { zone: 'a' }, hosts: ['web-1', 'web-2'] };
    const canaries = { code: 0, where: { zone: 'a', canary: 'true' }, hosts: ['web-1'] };
    expect(await hosts()).toEqual({ code: 3, where: null, hosts: ['old', 'web-1', 'web-2', 'web-3'] });
    expect(await hosts('--where', 'zone=a')).toEqual(zone);
    expect(await hosts('--where', 'zone=a,canary=true')).toEqual(canaries);
    expect(await hosts('--where', 'zone=a', '--where', 'canary=true')).toEqual(canaries);
    expect(await hosts('--where', 'zone=b')).toMatchObject({ code: 3, hosts: ['web-3'] });
    const { stdout } = await fleet('staging', '--where', 'zone=a');
    expect(stdout).toMatch(/^staging: serial 418, .*; 2 of 2 hosts with zone=a run it\n2 converged\n\n/);
  });

  it('names the labels that hosts report, also where no host has those that are asked for', async () => {
    expect((await fleet('staging')).stdout).toMatch(
      /^labels: canary=true \(1\), zone=a \(2\), zone=b \(1\)$/m,
    );
    const { code, stdout } = await fleet('staging', '--where', 'zone=c');
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /^staging: serial 418, .*; no host has zone=c\n\n {2}→ name labels that hosts report: canary=true \(1\), zone=a \(2\), zone=b \(1\)\n$/,
    );
    await publish('bare');
    await report('bare', 'web-1', hostStatus({ environment: 'bare' }));
    expect((await fleet('bare', '--where', 'zone=c')).stdout).toMatch(
      /→ set SUPERCARGO_LABELS on the hosts: none reports a label/,
    );
    expect((await fleet('bare')).stdout).not.toContain('labels');
  });

  it('shows a host that should be there and never reported: its labels are unknown', async () => {
    await writeFile(join(folder, 'hosts'), 'web-1\nweb-3\nweb-9\n');
    const list = ['--hosts', join(folder, 'hosts')];
    expect(await hosts('--where', 'zone=a', ...list)).toMatchObject({ code: 4, hosts: ['web-1', 'web-9'] });
  });

  it('is an error where it is no label', async () => {
    const { code, stderr } = await fleet('staging', '--where', 'zone');
    expect(code).toBe(1);
    expect(stderr).toMatch(/--where has "zone", which is not NAME=VALUE[^]*→ write NAME=VALUE/);
  });
});

describe('supercargo fleet forget', { timeout: 60_000 }, () => {
  it('removes the report of a host, and says what it does not find', async () => {
    for (const host of ['web-1', 'web-2', 'web-10']) await report('staging', host, hostStatus({ host }));
    expect(await fleet('forget', 'staging', 'web-1')).toMatchObject({
      code: 0,
      stdout: 'web-1 is forgotten in staging; it is there again if it still reports\n',
    });
    expect((await readdir(join(folder, 'reports', 'staging'))).toSorted()).toEqual([
      'web-10.json',
      'web-2.json',
    ]);
    expect(await fleet('forget', 'staging', 'web-1')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /has no report of web-1 in staging [^]*hosts there: web-2, web-10/,
      ) as string,
    });
    expect((await fleet('forget', 'nowhere', 'web-1')).stderr).toMatch(/no host has reported there/);
    expect((await fleet('forget', 'staging', '../web')).stderr).toMatch(/is not a valid host name/);
  });
});
