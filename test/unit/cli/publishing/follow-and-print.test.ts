import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { followAndPrint } from '../../../../src/cli/publishing/follow-and-print.ts';
import type { Awaited } from '../../../../src/cli/publishing/wait-for-hosts.ts';
import type { Io } from '../../../../src/cli/streams.ts';
import type { HostReport } from '../../../../src/core/fleet/host-report.ts';
import { AgentError } from '../../../../src/core/errors.ts';
import { DEFAULT_PACE } from '../../../../src/core/manifest/pace.ts';
import type { ReportedChange, ReportedRollout } from '../../../../src/core/turns/read-rollout.ts';
import { createEnvironmentStore } from '../../../../src/publish/environment-store.ts';
import { fleetOfReports } from '../../../support/fleet-of-reports.ts';
import { createMemoryStore } from '../../../support/memory-store.ts';
import {
  changeStatus,
  failureOf,
  minutesBefore,
  rolloutStatus,
  waveStatus,
} from '../../../support/rollout.ts';
import { hostStatus } from '../../../support/status.ts';
import { manifest } from '../../../support/world.ts';

const target = {
  ...manifest({ web: 'org/web:1.1.0' }, { serial: 418 }),
  environment: 'production',
  pace: { ...DEFAULT_PACE, soakSeconds: 300 },
};

const EVERY: Awaited = { hosts: undefined, where: undefined, text: 'all hosts that report' };

interface Scene {
  readonly awaited?: Awaited;
  readonly reports?: readonly HostReport[];
  readonly timeoutMs?: number;
  readonly json?: boolean;
  /** Of a terminal. */
  readonly columns?: number;
  readonly rows?: number;
}

const textOf = (stream: PassThrough): string => String(stream.read() ?? '');

/** What is printed while these rollouts are read one after the other, the last one again and again. */
const follow = async (rollouts: readonly (ReportedRollout | AgentError)[], scene: Scene = {}) => {
  const { awaited = EVERY, reports = [], timeoutMs, json, columns, rows } = scene;
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  if (columns !== undefined) Object.assign(stdout, { isTTY: true, columns, rows });
  let [asked, nowMs] = [0, 0];
  const place = {
    io: { stdout, stderr, env: {} } as unknown as Io,
    view: {
      ...createEnvironmentStore(createMemoryStore(), 'production', undefined),
      fleet: fleetOfReports(
        () => reports,
        () => nowMs,
      ),
    },
    rollouts: {
      status: async (): Promise<ReportedRollout | 'no-turns'> => {
        asked += 1;
        const answer = rollouts[Math.min(asked, rollouts.length) - 1] ?? 'no-turns';
        return answer instanceof AgentError ? Promise.reject(answer) : Promise.resolve(answer);
      },
      command: () => Promise.reject(new Error('a wait gives no command')),
    },
    flags: { json: json === true },
  };
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const { signal } = new AbortController();
  const { code, waited } = await followAndPrint(place, { target, awaited, timeoutMs }, signal, clock);
  return { code, waited, out: textOf(stdout), err: textOf(stderr) };
};

const opened = minutesBefore(10);
const canary = (change: Partial<ReportedChange['waves'][number]>) =>
  waveStatus({ name: 'canary=true', openedAt: opened, hosts: 2, ...change });
const closed = waveStatus({ name: '100%', hosts: 6 });
const rollout = (change: Partial<ReportedChange>): ReportedRollout =>
  rolloutStatus({ changes: [changeStatus(change)] });

const first = rollout({ waves: [canary({ waiting: ['web-1', 'web-2'] }), closed] });
const second = rollout({ waves: [canary({ good: 1, switching: ['web-2'] }), closed] });
const soaking = rollout({
  state: 'soaking',
  soaksUntil: minutesBefore(-5),
  waves: [canary({ good: 2 }), closed],
});
const failure = failureOf({ host: 'web-3', log: ['no such table: users'] });
const halted = rollout({
  state: 'halted',
  halted: { reason: 'web-3 failed', at: minutesBefore(0), hosts: ['web-3'] },
  waves: [
    canary({ good: 2 }),
    waveStatus({ name: '100%', openedAt: opened, hosts: 6, good: 2, failed: ['web-3'], waiting: ['web-4'] }),
  ],
  failures: [failure],
});
const finished = rollout({
  state: 'finished',
  waves: [canary({ good: 2 }), waveStatus({ name: '100%', openedAt: opened, hosts: 6, good: 6 })],
});

const ESCAPE = String.fromCodePoint(27);
const CLEAR = `${ESCAPE}[J`;
const MOVED_UP = new RegExp(`${ESCAPE}\\[(\\d+)A$`);

/**
 * The screens that are drawn one over the other, each with the lines by which the cursor moves up before it.
 */
const screensIn = (out: string): readonly { readonly up: number; readonly lines: readonly string[] }[] => {
  const parts = out.split(CLEAR);
  return parts.slice(1).map((text, index) => ({
    up: Number(MOVED_UP.exec(parts[index] ?? '')?.[1]),
    lines: stripVTControlCharacters(text).split('\n').slice(0, -1),
  }));
};

const labelled = (zone: string, serial: number): HostReport => ({
  host: `web-${zone}`,
  seenAtMs: 0,
  status: hostStatus({
    host: `web-${zone}`,
    environment: 'production',
    labels: { zone },
    manifest: { ...hostStatus().manifest, serial },
  }),
});

describe('following a change in a log', () => {
  it('writes a line for each event, and the end', async () => {
    expect(await follow([first, second, second, soaking, finished])).toMatchObject({
      code: 0,
      err: '',
      out: [
        'following serial 418 (web 1.1.0), for at most 140 min: 2 soaks of 5 min, 8 rounds of turns of 15 min, 10 min to prepare',
        'wave 1 of 2 (canary=true) is open: 2 hosts',
        'web-1: good (wave 1 of 2: 1 of 2 good)',
        'web-2: good (wave 1 of 2: 2 of 2 good)',
        'serial 418 soaks, wave 1 of 2: goes on in 5 min (12:05 UTC)',
        'wave 2 of 2 (100%) is open: 6 hosts, 6 of them good already',
        'serial 418 is finished, wave 2 of 2',
        'Done: serial 418 (web 1.1.0) is finished: 6 of 6 hosts run it.',
        '',
      ].join('\n'),
    });
  });

  it('writes when a job of the fleet begins and ends', async () => {
    const job = { job: 'migrate', digest: 'sha256:2', attempt: 0, host: 'web-1', message: null, log: [] };
    const running = { ...first, jobs: [{ ...job, state: 'running', at: minutesBefore(2) }] };
    const done = { ...first, jobs: [{ ...job, state: 'done', at: minutesBefore(1) }] };
    const { out } = await follow([running, running, done, { ...finished, jobs: done.jobs }]);
    expect(out.split('\n').filter((text) => text.startsWith('migrate'))).toEqual([
      'migrate runs on web-1, begun 2 min ago (11:58 UTC)',
      'migrate is done, by web-1 1 min ago (11:59 UTC)',
    ]);
  });

  it('ends as soon as it is halted, with why, the hosts, their logs and the command that goes on', async () => {
    const { code, out, err } = await follow([soaking, halted]);
    expect(code).toBe(3);
    expect(out).toContain('web-3 failed 1 min ago (11:59 UTC): the container is unhealthy\n');
    expect(err).toBe(
      [
        '  web-3 failed 1 min ago (11:59 UTC): the container is unhealthy',
        '    │  no such table: users',
        'Halted: serial 418 (web 1.1.0) is halted: web-3 failed',
        '  → supercargo rollout resume production --reason …  once the cause is gone',
        '  → supercargo rollback production                   if the version is bad',
        '',
      ].join('\n'),
    );
  });

  it('says who halted', async () => {
    const halt = { reason: 'a sale', by: 'anna@ops', at: minutesBefore(1), until: null };
    const { code, err } = await follow([{ ...rollout({ state: 'halted' }), halt }]);
    expect([code, err]).toEqual([
      3,
      expect.stringMatching(/^Halted: serial 418 \(web 1\.1\.0\) is halted by anna@ops: a sale\n/),
    ]);
  });

  it('says once why a store that has started hands out nothing yet', async () => {
    const starting = { hosts: ['web-1'], until: minutesBefore(-3) };
    const { out } = await follow([{ ...first, starting }, { ...first, starting }, first, finished]);
    expect(out.match(/the store has started, and gives turns once/g)).toHaveLength(1);
  });

  it('says once that the store is away, and that it is back', async () => {
    const away = new AgentError('STORE', 'connection refused', { retry: 'later' });
    const { code, out } = await follow([first, away, away, second, finished]);
    expect(code).toBe(0);
    expect(out.split('\n').slice(2, 5)).toEqual([
      'the store does not answer, and is asked again: connection refused',
      'the store answers again',
      'web-1: good (wave 1 of 2: 1 of 2 good)',
    ]);
    const drawn = await follow([first, away, finished], { columns: 80, rows: 40 });
    expect(screensIn(drawn.out)[0]?.lines.slice(-2)).toEqual([
      'the store does not answer, and is asked again: connection refused',
      'time left: 140 min',
    ]);
  });

  it.each<[string, number, RegExp, readonly ReportedRollout[]]>([
    [
      'superseded',
      3,
      /^Serial 418 was superseded: .*rollout status production$/m,
      [first, rolloutStatus({ serial: 419 })],
    ],
    [
      'late',
      5,
      /^Timed out: serial 418 \(web 1\.1\.0\) is under way, wave 1 of 2\. See: supercargo rollout/m,
      [first],
    ],
    [
      'not begun',
      5,
      /^Timed out: serial 418 is published, and the store has not begun/m,
      [rolloutStatus({ serial: 417 })],
    ],
  ])('ends where it is %s with %i', async (_what, code, says, rollouts) => {
    expect(await follow(rollouts)).toMatchObject({ code, err: expect.stringMatching(says) as string });
  });

  it('says that a serial changed no version, and what it waits for instead', async () => {
    expect((await follow([rolloutStatus()])).out).toBe(
      'serial 418 gives no service another version\n' +
        'Done: serial 418 is published, and every change is finished.\n',
    );
    const open = rolloutStatus({ changes: [changeStatus({ serial: 417 })] });
    expect((await follow([open, rolloutStatus()], { timeoutMs: 60_000 })).out).toMatch(
      /^serial 418 gives no .*\nfollowing serial 417 \(web 1\.1\.0\), for at most 1 min\n[^]*Done: serial 418/,
    );
  });

  it('waits for some hosts, and points to the others', async () => {
    const awaited = { hosts: undefined, where: { zone: 'a' }, text: 'the 1 of 2 hosts that report zone=a' };
    const reports = [labelled('a', 418), labelled('b', 417)];
    const { code, out } = await follow([first], { awaited, reports, timeoutMs: 600_000 });
    expect(code).toBe(0);
    expect(out).toMatch(
      /^following serial 418 .* on the 1 of 2 hosts that report zone=a, for at most 10 min$/m,
    );
    expect(out).toMatch(/^Done: serial 418 runs on all hosts with zone=a \(1 of 1\)\. For the others see: /m);
  });

  it('is silent with --json', async () => {
    expect(await follow([halted], { json: true })).toMatchObject({
      code: 3,
      out: '',
      err: '',
      waited: { outcome: 'halted', rollout: halted },
    });
  });
});

describe('following a change on a terminal', () => {
  it('redraws one screen, and repeats no failure below it', async () => {
    const { out, err } = await follow([first, second, halted], { columns: 80, rows: 40 });
    const screens = screensIn(out);
    expect(screens).toHaveLength(2);
    expect(screens.at(-1)?.lines).toEqual([
      'serial 418 (web 1.1.0), made 10 min ago (11:50 UTC)',
      '  canary=true  ████████████████████  2 of 2 good',
      '  100%         ██████▓▓▓░░░░░░░░░░░  2 of 6 good · 1 waiting · 1 failed',
      '  wait for their turn: web-4',
      '  halted now (12:00 UTC): web-3 failed',
      '  web-3 failed 1 min ago (11:59 UTC): the container is unhealthy',
      '    │  no such table: users',
      'time left: 140 min',
    ]);
    expect(stripVTControlCharacters(err)).toMatch(/^Halted: [^\n]*\n {2}→ supercargo rollout resume/);
  });

  it.each([4, 6, 40])(
    'moves up by the lines that it drew, and draws no more than fit into %i',
    async (rows) => {
      const { out } = await follow([first, second, halted, finished], { columns: 80, rows });
      const screens = screensIn(out);
      expect(screens.slice(1).map(({ up }) => up)).toEqual(
        screens.slice(0, -1).map(({ lines }) => lines.length),
      );
      expect(Math.max(...screens.map(({ up }) => up))).toBeLessThan(rows);
    },
  );
});
