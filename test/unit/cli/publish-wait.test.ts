import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import type { Io } from '../../../src/cli/streams.ts';
import { DEFAULT_PACE } from '../../../src/core/manifest/pace.ts';
import { renderManifest } from '../../../src/core/publish/render-manifest.ts';
import type { ReportedChange, ReportedRollout } from '../../../src/core/turns/read-rollout.ts';
import { changeStatus, failureOf, minutesBefore, rolloutStatus } from '../../support/rollout.ts';
import { startStoreServer, type StoreServer } from '../../support/store-server.ts';
import { manifest } from '../../support/world.ts';

let store: StoreServer;
beforeEach(async () => {
  store = await startStoreServer();
  const bytes = renderManifest({
    ...manifest({ web: 'registry.example.com/org/web:a' }, { serial: 1 }),
    environment: 'staging',
    pace: DEFAULT_PACE,
  });
  store.documents.set('manifests/staging.json', bytes);
  store.documents.set('manifests/staging/1.json', bytes);
});
afterEach(async () => store.close());

/** Publishes serial 2 and waits, while the store has made this change of it. */
const publish = async (change: Partial<ReportedChange>, ...args: readonly string[]) => {
  store.rollout = (): ReportedRollout =>
    store.documents.has('manifests/staging/2.json')
      ? rolloutStatus({
          environment: 'staging',
          serial: 2,
          changes: [changeStatus({ serial: 2, ...change })],
        })
      : rolloutStatus({ environment: 'staging', serial: 1 });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdin: new PassThrough(), stdout, stderr, env: {}, pid: 1 } as unknown as Io;
  const argv = ['publish', 'staging', '--retry', 'web', '--insecure-unsigned', '--wait', '--to', store.url];
  const { signal } = new AbortController();
  const code = await runProgram([...argv, ...args], io, () => Promise.resolve(io), signal);
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
};

const halted: Partial<ReportedChange> = {
  state: 'halted',
  halted: { reason: 'web-7 failed', at: minutesBefore(1), hosts: ['web-7'] },
  failures: [failureOf({ log: ['no such table'] })],
};

describe('publish --wait in an environment with a pace', () => {
  it('ends with 0 when the change is finished', async () => {
    const { code, out, err } = await publish({ state: 'finished' });
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(
      /^following serial 2 \(web 1\.1\.0\), for at most 25 min: 1 round of turns of 15 min, /m,
    );
    expect(out).toMatch(/^Done: serial 2 \(web 1\.1\.0\) is finished: /m);
  });

  it('ends with 3 as soon as it is halted, and says what goes on', async () => {
    const { code, err } = await publish(halted);
    expect(code).toBe(3);
    expect(err).toMatch(
      /no such table\nHalted: serial 2 .*: web-7 failed\n {2}→ supercargo rollout resume staging/,
    );
  });

  it('ends with 5 at --timeout', async () => {
    const { code, out, err } = await publish({}, '--timeout', '1s');
    expect(code).toBe(5);
    expect(out).toContain('following serial 2 (web 1.1.0), for at most 1 s\n');
    // A log has shown no screen: the end says what the wait was for.
    expect(err).toMatch(/^ {2}100% {2}.*\n(?:.*\n)*Timed out: serial 2 .* under way, wave 1 of 1\. See: /m);
  });

  it('has the rollout in its document', async () => {
    const { code, out } = await publish(halted, '--json');
    expect(JSON.parse(out)).toMatchObject({
      serial: 2,
      exitCode: code,
      wait: { outcome: 'halted', hosts: [], where: null, rollout: { changes: [{ serial: 2, ...halted }] } },
    });
  });
});
