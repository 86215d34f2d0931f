import { describe, expect, it } from 'vitest';
import { judgeContainer, type JudgeInput, type Verdict } from '../../../../src/core/plan/container-health.ts';
import { simulate } from '../../../../src/core/plan/simulate.ts';
import type { Container, ContainerDetail } from '../../../../src/core/state/actual.ts';
import { emptyActual, facts, imageIdOf, releaseOf } from '../../../support/world.ts';

const STARTED = 1_000_000;
const MONITOR = 5_000;
const WITHIN = 60_000;

const composeOf = (lines: string): string => `services: {web: {image: "org/web", ${lines}}}`;

interface Case {
  readonly lines?: string;
  readonly state?: Container['state'];
  readonly detail?: Partial<ContainerDetail>;
  readonly afterMs?: number;
  readonly more?: Partial<JudgeInput>;
}

const inputOf = ({
  lines = 'restart: always',
  state = 'running',
  detail = {},
  afterMs = 0,
  more = {},
}: Case): JudgeInput => {
  const release = releaseOf(composeOf(lines), 'web', { web: 'org/web:1' });
  const action = {
    kind: 'create',
    name: 'web',
    release,
    replica: 1,
    serial: 1,
    imageId: imageIdOf('org/web:1'),
    armed: true,
    named: true,
    networks: { default: 'test_default' },
    volumes: {},
    carried: {},
  } as const;
  const [container] = simulate(emptyActual, action, STARTED - 1_000).containers;
  if (!container?.detail) throw new Error('no container');
  const networks = [{ network: 'test_default', ip: '10.0.0.2', aliases: [] }];
  return {
    container: {
      ...container,
      state,
      detail: { ...container.detail, startedAtMs: STARTED, networks, ...detail },
    },
    spec: release.spec,
    nowMs: STARTED + afterMs,
    answeredSinceMs: undefined,
    unanswered: undefined,
    engine: facts,
    notBeforeMs: 0,
    watchingSinceMs: 0,
    isJob: false,
    provenAtMs: undefined,
    isReturning: false,
    ...more,
  };
};

const asked = ({ probes = [] }: Pick<Extract<Verdict, { kind: 'failed' }>, 'probes'>): string =>
  probes.map((p) => ` asks ${p.host}:${String(p.port)}${p.http?.path ?? ''}`).join('');

/** `kind`, what tells it from others of that kind, and the port that is asked. */
const told = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'good':
    case 'completed':
    case 'idle':
      return verdict.kind;
    case 'pending': {
      return `pending until ${String(verdict.until - STARTED)}${asked(verdict)}`;
    }
    case 'failed':
      return `failed ${verdict.reason}: ${verdict.message}${asked(verdict)}`;
  }
};

const PORT = "restart: always, ports: ['80:8888']";
const READY = 'restart: always, x-supercargo: {ready: {http: /up, port: 9000}}';
/** Of an image: the engine may say `starting` for 120 + 30 + 3 × (10 + 30) s = 270 s. */
const SLOW = { health: 'starting', healthcheck: { startPeriodMs: 120_000, intervalMs: 10_000 } } as const;
const answered = { answeredSinceMs: STARTED };
const RETURNING = { provenAtMs: STARTED - 1, isReturning: true };
const engineDown = { exitCode: 137, finishedAtMs: STARTED } as const;

describe('a container is good when', () => {
  it.each<[string, Case, string]>([
    ['its health check says so', { detail: { health: 'healthy' } }, 'good'],
    ['not while it says starting', { detail: { health: 'starting' }, afterMs: 1 }, 'pending until 60000'],
    ['not while it says unhealthy', { detail: { health: 'unhealthy' }, afterMs: 1 }, 'pending until 60000'],
    [
      'not when it says unhealthy at the deadline',
      { detail: { health: 'unhealthy', healthOutput: 'no' }, afterMs: WITHIN },
      'failed unhealthy: not good within 60 s: its health check says unhealthy; the last check said: no',
    ],
    [
      'not when it says starting at the deadline: a timeout is no success',
      { detail: { health: 'starting' }, afterMs: WITHIN },
      'failed unhealthy: not good within 60 s: its health check says starting',
    ],
    [
      'not before its start period, and the checks that count after it, are over',
      { detail: SLOW, afterMs: WITHIN },
      'pending until 270000',
    ],
    [
      'not when they are over',
      { detail: SLOW, afterMs: 270_000 },
      'failed unhealthy: not good within 270 s: its health check says starting',
    ],
    [
      'not when they have decided',
      { detail: { ...SLOW, health: 'unhealthy' }, afterMs: WITHIN },
      'failed unhealthy: not good within 60 s: its health check says unhealthy',
    ],
    [
      'not before its first check is over, where the check is slow: 3 × (90 + 30) s',
      { detail: { health: 'starting', healthcheck: { intervalMs: 90_000 } }, afterMs: WITHIN },
      'pending until 360000',
    ],
    [
      'not later than healthy-within says, where the check is quick: 2 × (1 + 2) s',
      {
        detail: { health: 'starting', healthcheck: { intervalMs: 1_000, timeoutMs: 2_000, retries: 2 } },
        afterMs: WITHIN - 1,
      },
      'pending until 60000',
    ],
    [
      'not before its check has had its time since its last start',
      {
        detail: { ...SLOW, restartCount: 1, createdAtMs: STARTED - 100_000 },
        afterMs: WITHIN,
      },
      'pending until 270000',
    ],
    [
      'not when it restarts at its deadline, without a check',
      { lines: PORT, detail: { restartCount: 1, createdAtMs: STARTED - WITHIN - 1 } },
      'failed crashed: not good within 60 s: it crashed once, last exit code 0',
    ],
    [
      'not before its check has had its time since this agent observes',
      { detail: SLOW, afterMs: WITHIN, more: { watchingSinceMs: STARTED + 50_000 } },
      'pending until 320000',
    ],
    [
      'the check of the file counts as the image’s does',
      {
        lines: 'restart: always, healthcheck: {test: x, start_period: 2m, interval: 10s}',
        detail: { health: 'starting' },
        afterMs: WITHIN,
      },
      'pending until 270000',
    ],
    ['it has run for the monitor time, where nothing can be asked', { afterMs: MONITOR }, 'good'],
    ['not before', { afterMs: MONITOR - 1 }, 'pending until 5000'],
    [
      'its published port is open, and the monitor time is over',
      { lines: PORT, afterMs: MONITOR, more: answered },
      'good',
    ],
    [
      'not while the port is not',
      { lines: PORT, afterMs: MONITOR },
      'pending until 60000 asks 10.0.0.2:8888',
    ],
    [
      'not when only an earlier start of it answered',
      { lines: PORT, afterMs: MONITOR, more: { answeredSinceMs: STARTED - 1 } },
      'pending until 60000 asks 10.0.0.2:8888',
    ],
    [
      'not when the port is closed at the deadline',
      { lines: PORT, afterMs: WITHIN },
      'failed not-ready: not good within 60 s: port 8888 is not open yet',
    ],
    [
      'not when it answered something else until the deadline',
      { lines: READY, afterMs: WITHIN, more: { unanswered: 'it answered 400' } },
      'failed not-ready: not good within 60 s: http /up on port 9000 is not ready yet: it answered 400',
    ],
    [
      'not when the first of its ports is closed, in the order of the file',
      { lines: "restart: always, ports: ['1:8888', '2:5005']", afterMs: WITHIN - 1 },
      'pending until 60000 asks 10.0.0.2:8888',
    ],
    [
      'unless nobody listened until then',
      { lines: PORT, afterMs: WITHIN, more: { watchingSinceMs: STARTED + WITHIN } },
      'pending until 120000 asks 10.0.0.2:8888',
    ],
    ['its ready check answers, without monitor time', { lines: READY, more: answered }, 'good'],
    ['not before', { lines: READY }, 'pending until 60000 asks 10.0.0.2:9000/up'],
    [
      'nor between two runs, when it has no address',
      {
        lines: READY,
        afterMs: MONITOR,
        detail: { networks: [{ network: 'test_default', ip: '', aliases: [] }] },
      },
      'pending until 60000',
    ],
    [
      'a ready check is asked at the published port of a remote engine',
      { lines: PORT, more: { engine: { ...facts, remoteHost: 'far' } } },
      'pending until 60000 asks far:80',
    ],
    [
      'the deadline begins when the old one was stopped',
      { detail: { health: 'starting' }, afterMs: WITHIN, more: { notBeforeMs: STARTED + 10_000 } },
      'pending until 70000',
    ],
    ['not while it restarts', { state: 'restarting', afterMs: MONITOR }, 'pending until 60000'],
    [
      'not in a crash loop',
      { detail: { restartCount: 3, exitCode: 7 } },
      'failed crashed: it crashed 3 times, last exit code 7',
    ],
    [
      'a crash loop out of memory says so',
      { detail: { restartCount: 3, oomKilled: true } },
      'failed crashed: it crashed 3 times, out of memory',
    ],
    [
      'a service that crashed now and then is none',
      { detail: { restartCount: 9 }, afterMs: MONITOR },
      'good',
    ],
    [
      'not when the engine could not start it',
      { state: 'created', detail: { startFault: 'no such file' } },
      'failed crashed: no such file',
    ],
    [
      'it has nothing to show before its start',
      { state: 'created', detail: { startedAtMs: undefined } },
      'idle',
    ],
    ['one that is paused is neither', { state: 'paused' }, 'idle'],
    [
      'one with a restart policy that somebody stopped is started again',
      { state: 'exited', detail: { exitCode: 1 } },
      'idle',
    ],
    ['restart "no": it ended with 0', { lines: 'restart: "no"', state: 'exited' }, 'completed'],
    [
      'restart "no": it has failed with another code',
      { lines: 'restart: "no"', state: 'exited', detail: { exitCode: 2 } },
      'failed exited: it ended, last exit code 2',
    ],
    [
      'restart on-failure: it has failed when the engine gave up',
      { lines: 'restart: "on-failure:2"', state: 'exited', detail: { exitCode: 2 } },
      'failed exited: it ended, last exit code 2',
    ],
    [
      'restart on-failure without its policy in force: it was stopped',
      {
        lines: 'restart: on-failure',
        state: 'exited',
        detail: { exitCode: 2, restart: { name: 'no', maxRetries: 0 } },
      },
      'idle',
    ],
    [
      'restart "no": it went down with the engine',
      { lines: 'restart: "no"', state: 'exited', detail: engineDown },
      'idle',
    ],
    [
      'restart "no": it kills itself until its deadline',
      { lines: 'restart: "no"', state: 'exited', detail: engineDown, afterMs: WITHIN },
      'failed exited: it ended, last exit code 137',
    ],
    [
      'restart "no": its health check had more time',
      { lines: 'restart: "no"', state: 'exited', detail: { ...SLOW, ...engineDown }, afterMs: WITHIN },
      'idle',
    ],
    [
      'restart "no": out of memory is its own fault',
      { lines: 'restart: "no"', state: 'exited', detail: { ...engineDown, oomKilled: true } },
      'failed exited: it ended, out of memory',
    ],
    [
      'restart "no": the engine lost it before we looked',
      {
        lines: 'restart: "no"',
        state: 'exited',
        detail: { ...engineDown, exitCode: 255 },
        more: { watchingSinceMs: STARTED },
      },
      'idle',
    ],
    [
      'restart "no": 255 while we looked is its own code',
      { lines: 'restart: "no"', state: 'exited', detail: { ...engineDown, exitCode: 255 } },
      'failed exited: it ended, last exit code 255',
    ],
    [
      'a job is not good while it runs',
      { lines: 'restart: "no"', afterMs: MONITOR, more: { isJob: true } },
      'pending until 60000',
    ],
    [
      'a job that hangs has failed, whatever its health check may say',
      { lines: 'restart: "no"', detail: SLOW, afterMs: WITHIN, more: { isJob: true } },
      'failed not-ready: it has not ended within 60 s',
    ],
    [
      'a job that hangs has failed at its deadline',
      { lines: 'restart: "no"', afterMs: WITHIN, more: { isJob: true } },
      'failed not-ready: it has not ended within 60 s',
    ],
    [
      'a job with on-failure is tried until its deadline',
      {
        lines: 'restart: on-failure',
        state: 'restarting',
        detail: { restartCount: 9, exitCode: 1 },
        more: { isJob: true },
      },
      'pending until 59000',
    ],
    [
      'a job that never ended well has failed at its deadline',
      {
        lines: 'restart: on-failure',
        state: 'restarting',
        detail: { restartCount: 9, exitCode: 1 },
        afterMs: WITHIN,
        more: { isJob: true },
      },
      'failed crashed: it has not ended with 0 within 60 s: it crashed 9 times, last exit code 1',
    ],
    [
      'a job has failed when its tries are used up',
      {
        lines: 'restart: on-failure:5',
        state: 'exited',
        detail: { restartCount: 5, exitCode: 1, restart: { name: 'on-failure', maxRetries: 5 } },
        more: { isJob: true },
      },
      'failed exited: it ended, last exit code 1',
    ],
    ['it proved itself since its start', { lines: PORT, more: { provenAtMs: STARTED } }, 'good'],
    [
      'it proved itself before and was started again: for the monitor time it is asked',
      { lines: PORT, more: { provenAtMs: STARTED - 1 } },
      'pending until 60000 asks 10.0.0.2:8888',
    ],
    [
      'then its silence proves nothing',
      { lines: PORT, afterMs: MONITOR, more: { provenAtMs: STARTED - 1 } },
      'good',
    ],
    [
      'it comes back from a drain: it is asked until it answers',
      { lines: READY, afterMs: MONITOR, more: RETURNING },
      'pending until 60000 asks 10.0.0.2:9000/up',
    ],
    [
      'it comes back from a drain and has answered',
      { lines: READY, more: { ...RETURNING, ...answered } },
      'good',
    ],
    [
      'it comes back from a drain, and is asked on after its deadline',
      { lines: READY, afterMs: WITHIN, more: RETURNING },
      'failed not-ready: not good within 60 s: http /up on port 9000 is not ready yet asks 10.0.0.2:9000/up',
    ],
    [
      'it proved itself and is unhealthy now',
      { detail: { health: 'unhealthy' }, afterMs: WITHIN, more: { provenAtMs: STARTED } },
      'failed unhealthy: not good within 60 s: its health check says unhealthy',
    ],
  ])('%s', (_, given, expected) => {
    expect(told(judgeContainer(inputOf(given)))).toBe(expected);
  });
});
