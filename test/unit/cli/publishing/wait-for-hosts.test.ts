import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { waitAndPrint } from '../../../../src/cli/publishing/wait-for-hosts.ts';
import type { Io } from '../../../../src/cli/streams.ts';
import type { HostReport } from '../../../../src/core/fleet/host-report.ts';
import type { Status } from '../../../../src/core/status/status-document.ts';
import { createEnvironmentStore } from '../../../../src/publish/environment-store.ts';
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
): Promise<{ readonly out: string; readonly err: string; readonly code: number }> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdout, stderr, env: {} } as unknown as Io;
  const view = {
    ...createEnvironmentStore(createMemoryStore(), ENVIRONMENT, undefined),
    reports: async (): Promise<readonly HostReport[]> =>
      Promise.resolve(
        Object.entries(hosts).map(([host, change]) => ({
          host,
          seenAtMs: Date.now(),
          status: hostStatus({ host, ...change }),
        })),
      ),
  };
  const wanted = { target, hosts: undefined, timeoutMs: 0, maxFailed };
  const { code } = await waitAndPrint({ io, view, flags: {} }, wanted, new AbortController().signal);
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
