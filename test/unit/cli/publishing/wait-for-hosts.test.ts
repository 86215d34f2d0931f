import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { findAwaited, waitAndPrint } from '../../../../src/cli/publishing/wait-for-hosts.ts';
import type { Io } from '../../../../src/cli/streams.ts';
import type { HostLabels } from '../../../../src/core/fleet/host-labels.ts';
import type { HostReport } from '../../../../src/core/fleet/host-report.ts';
import type { Status } from '../../../../src/core/status/status-document.ts';
import { writeCursor, writeRevision, type FleetQuery } from '../../../../src/core/fleet/fleet-query.ts';
import { judgeHost } from '../../../../src/core/fleet/host-verdict.ts';
import { selectPage } from '../../../../src/core/fleet/select-page.ts';
import type { FleetReader } from '../../../../src/publish/fleet-reader.ts';
import { createEnvironmentStore } from '../../../../src/publish/environment-store.ts';
import { fleetOfReports } from '../../../support/fleet-of-reports.ts';
import { createMemoryStore } from '../../../support/memory-store.ts';
import { indexedFleet, indexedReport } from '../../../support/random-fleet.ts';
import { hostStatus, serviceStatus } from '../../../support/status.ts';
import { ENVIRONMENT, manifest } from '../../../support/world.ts';

const target = manifest({ web: 'org/web:1.1.0' }, { serial: 418 });
const healthy = hostStatus();
const failed: Partial<Status> = {
  outcome: 'rolled-back',
  services: [serviceStatus({ outcome: 'rolled-back' })],
};
const problems = [{ code: 'COMPOSE', message: 'compose.yaml: line 3', advice: 'correct it' }];

const textOf = (stream: PassThrough): string => String(stream.read() ?? '');

/** What is printed where no terminal is, and the exit code. */
const tell = async (
  hosts: Readonly<Record<string, Partial<Status>>>,
  maxFailed = 0,
  { where, names }: { readonly where?: HostLabels; readonly names?: readonly string[] } = {},
): Promise<{ readonly out: string; readonly err: string; readonly code: number }> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdout, stderr, env: {} } as unknown as Io;
  const view = {
    ...createEnvironmentStore(createMemoryStore(), ENVIRONMENT, undefined),
    fleet: fleetOfReports(() =>
      Object.entries(hosts).map(([host, change]): HostReport => {
        const status = hostStatus({ host, ...change });
        return { host, seenAtMs: Date.now(), status };
      }),
    ),
  };
  const { signal } = new AbortController();
  const awaited = await findAwaited(view, { environment: ENVIRONMENT, hosts: names, where }, signal);
  const wanted = { target, awaited, timeoutMs: 0, maxFailed };
  const { code } = await waitAndPrint({ io, view, flags: {} }, wanted, signal);
  return { out: textOf(stdout), err: textOf(stderr), code };
};

describe('the end of a wait', () => {
  it.each<[string, Readonly<Record<string, Partial<Status>>>, number, number, RegExp]>([
    ['all run it', { a: {}, b: {} }, 0, 0, /^Done: serial 418 runs on all hosts \(2 of 2\)\.$/m],
    [
      'some failed, as allowed',
      { a: {}, b: failed },
      1,
      0,
      /^Done: serial 418 runs on 1 of 2 hosts; 1 failed, and --max-failed 1 allows that\.$/m,
    ],
    ['one failed', { a: {}, b: failed }, 0, 3, /^Serial 418 failed on 1 of 2 hosts\.$/m],
    ['all failed, as allowed', { a: failed }, 1, 3, /^Serial 418 failed on 1 of 1 hosts\.$/m],
    [
      'one is late',
      { a: {}, b: { manifest: { ...healthy.manifest, serial: 417 } } },
      0,
      5,
      /on all hosts yet: 1 converged, 1 pending\nb: it is at serial 417$/m,
    ],
    [
      'no host has reported',
      {},
      0,
      5,
      /^Timed out: serial 418 is published, and no host has reported for test\.\n {2}→ check SUPERCARGO_REPORT_URL on the hosts, and that their SUPERCARGO_ENVIRONMENT is test/m,
    ],
    [
      'one runs it and needs a look',
      { a: { outcome: 'blocked', problems } },
      0,
      0,
      /^a: converged; compose\.yaml: line 3$/m,
    ],
  ])('where %s', async (_what, hosts, maxFailed, code, says) => {
    const told = await tell(hosts, maxFailed);
    expect(told.out + told.err).toMatch(says);
    expect(told.code).toBe(code);
    expect(/Done/.test(told.out)).toBe(code === 0);
  });
});

/** The same hosts at a hub that has pages, with what was read of them. */
const pagesOf = (read: () => readonly HostReport[]) => {
  const sizes: number[] = [];
  const known = new Map<string, { readonly text: string; readonly revision: number }>();
  let revision = 0;
  const fleet: FleetReader = async ({ target: by, ...asked }) => {
    revision += 1;
    const reports = read();
    const hosts = reports.map((report) => {
      const text = JSON.stringify(report.status);
      if (known.get(report.host)?.text !== text) known.set(report.host, { text, revision });
      return indexedReport(report, known.get(report.host)?.revision);
    });
    const query: FleetQuery = { order: 'name', limit: 0, status: 'none', ...asked };
    const nowMs = Date.now();
    const options = { desired: by, nowMs, highestPublished: 0, isBounded: true };
    const page = selectPage(indexedFleet(hosts, revision), query, options);
    const last = page.hosts.at(-1);
    sizes.push(page.hosts.length);
    return Promise.resolve({
      ...page,
      atMs: nowMs,
      incompleteUntilMs: undefined,
      revision: writeRevision({ life: 'life', number: revision, serial: by?.serial ?? 0, atMs: nowMs }),
      hosts: page.hosts.map(({ host }) => {
        const report = reports.find((each) => each.host === host);
        return { host, report, verdict: judgeHost(report, by, nowMs) };
      }),
      next: page.hasMore && last ? writeCursor(last, query.order) : undefined,
    });
  };
  return { fleet, sizes };
};

describe('a wait for a large fleet', () => {
  const late = { manifest: { ...healthy.manifest, serial: 417 } };
  const names = Array.from({ length: 50 }, (_, n) => `web-${String(n)}`);
  const reportsAt = (change: (host: string, at: number) => Partial<Status>): readonly HostReport[] =>
    names.map((host, at) => {
      const status = hostStatus({ host, environment: 'staging', ...change(host, at) });
      return { host, seenAtMs: Date.now(), status };
    });

  it('writes a line for each of a few hosts, one for many, and reads no more than it writes', async () => {
    const looks = [
      reportsAt(() => late),
      reportsAt((_host, at) => (at < 2 ? {} : late)),
      reportsAt((_host, at) => (at < 40 ? {} : late)),
      reportsAt(() => ({})),
    ];
    let at = 0;
    const { fleet, sizes } = pagesOf(() => looks[Math.min(at, looks.length - 1)] ?? []);
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const io = { stdout, stderr, env: {} } as unknown as Io;
    const awaited = { hosts: undefined, where: undefined, text: 'all hosts that report' };
    const view = {
      fleet: async (...asked: Parameters<FleetReader>) => {
        const page = await fleet(...asked);
        at += 1;
        return page;
      },
    };
    const goal = { target, awaited, timeoutMs: 60_000, maxFailed: 0 };
    const { signal } = new AbortController();
    const clock = { now: Date.now, sleep: () => Promise.resolve() };
    const { code } = await waitAndPrint({ io, view, flags: {} }, goal, signal, clock);
    expect(code).toBe(0);
    expect(textOf(stdout).split('\n')).toEqual([
      'waiting for all hosts that report, for at most 1 min',
      '50 pending',
      'web-0: converged on 418 (2 converged, 48 pending)',
      'web-1: converged on 418 (2 converged, 48 pending)',
      '40 converged, 10 pending',
      ...names.slice(40).map((host) => `${host}: converged on 418 (50 converged)`),
      'Done: serial 418 runs on all hosts (50 of 50).',
      '',
    ]);
    // The last one looks for hosts that need attention.
    expect(sizes).toEqual([20, 2, 20, 10, 50]);
  });

  it('names at its end the hosts that do not run it', async () => {
    const { fleet } = pagesOf(() => reportsAt((_host, at) => (at === 44 ? failed : at === 7 ? late : {})));
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const io = { stdout, stderr, env: {} } as unknown as Io;
    const awaited = { hosts: undefined, where: undefined, text: 'all hosts that report' };
    const goal = { target, awaited, timeoutMs: 0, maxFailed: 1 };
    const { signal } = new AbortController();
    const { code } = await waitAndPrint({ io, view: { fleet }, flags: {} }, goal, signal);
    expect([code, textOf(stderr)]).toEqual([
      5,
      expect.stringMatching(
        /^web-44: web: [^]*Timed out: serial 418 .*: 48 converged, 1 pending, 1 failed\nweb-7: it is at serial 417\n$/,
      ),
    ]);
    const asJson = await waitAndPrint({ io, view: { fleet }, flags: { json: true } }, goal, signal);
    expect(asJson.waited.hosts.map(({ host }) => host)).toEqual(names);
  });
});

describe('a wait for hosts with labels', () => {
  const a = { labels: { zone: 'a' } };
  const late = { labels: { zone: 'b' }, manifest: { ...healthy.manifest, serial: 417 } };
  const where = { zone: 'a' };

  it('says which hosts it is for, and that it is done with them', async () => {
    expect(await tell({ 'web-1': a, 'web-2': a, 'web-3': late }, 0, { where })).toEqual({
      out: [
        'waiting for the 2 of 3 hosts that report zone=a, for at most 0 min',
        'web-1: converged on 418 (2 converged)',
        'web-2: converged on 418 (2 converged)',
        'Done: serial 418 runs on all hosts with zone=a (2 of 2).',
        '',
      ].join('\n'),
      err: '',
      code: 0,
    });
    const { err, code } = await tell({ 'web-1': a, 'web-2': { ...failed, ...a }, 'web-3': late }, 0, {
      where,
    });
    expect([code, err]).toEqual([
      3,
      expect.stringMatching(/^Serial 418 failed on 1 of 2 hosts with zone=a\.$/m),
    ]);
  });

  it('waits for a named host that has never reported, and says so', async () => {
    const names = ['web-1', 'web-3', 'web-9'];
    const { out, err, code } = await tell({ 'web-1': a, 'web-3': late }, 0, { where, names });
    expect(code).toBe(5);
    expect(out).toContain(
      'waiting for the 1 of 3 hosts of the list that report zone=a, and for web-9, whose labels are unknown, for at most',
    );
    expect(err).toMatch(
      /^Timed out: serial 418 does not run on all hosts with zone=a yet: .*\nweb-9: it has never/m,
    );
    expect(err).not.toContain('web-3');
  });

  it.each<[string, Readonly<Record<string, Partial<Status>>>, readonly string[] | undefined, RegExp, RegExp]>(
    [
      [
        'hosts with others',
        { 'web-1': a, 'web-3': late },
        undefined,
        /^no host that reports for test has zone=c: a wait would be for none$/,
        /^name labels that hosts report: zone=a \(1\), zone=b \(1\)$/,
      ],
      [
        'named hosts with others',
        { 'web-1': a, 'web-3': late },
        ['web-3'],
        /^no host of the list has zone=c: /,
        /^name labels that hosts report: zone=b \(1\)$/,
      ],
      [
        'hosts without',
        { 'web-1': {} },
        undefined,
        /has zone=c/,
        /^set SUPERCARGO_LABELS on the hosts: none reports/,
      ],
      [
        'no report at all',
        {},
        undefined,
        /has zone=c/,
        /^check SUPERCARGO_REPORT_URL on the hosts: none has/,
      ],
    ],
  )(
    'is refused where there are only %s, with the labels that are known',
    async (_what, hosts, names, says, advice) => {
      const refused = tell(hosts, 0, { where: { zone: 'c' }, ...(names && { names }) });
      await expect(refused).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringMatching(says) as string,
        advice: expect.stringMatching(advice) as string,
      });
    },
  );
});
