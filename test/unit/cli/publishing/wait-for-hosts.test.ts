import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { findAwaited, waitAndPrint } from '../../../../src/cli/publishing/wait-for-hosts.ts';
import type { Io } from '../../../../src/cli/streams.ts';
import type { HostLabels } from '../../../../src/core/fleet/host-labels.ts';
import type { HostReport } from '../../../../src/core/fleet/host-report.ts';
import type { Status } from '../../../../src/core/status/status-document.ts';
import { createEnvironmentStore } from '../../../../src/publish/environment-store.ts';
import { fleetOfReports } from '../../../support/fleet-of-reports.ts';
import { createMemoryStore } from '../../../support/memory-store.ts';
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
