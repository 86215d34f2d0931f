import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createTurns, type Turns, type TurnsOptions } from '../../../src/agent/turns.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { HostPlan, ServicePlan } from '../../../src/core/plan/host-plan.ts';
import type { Asked, TurnSource } from '../../../src/core/ports/turn-source.ts';
import type { SwitchStatus } from '../../../src/core/status/status-document.ts';
import type { JobWord, RefusedWish, TurnAnswer, TurnRequest } from '../../../src/core/turns/turn-request.ts';
import { manifest } from '../../support/world.ts';
import { DEFAULT_PACE } from '../../../src/core/manifest/pace.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const PACED = { ...manifest({ web: 'org/web:2' }), pace: DEFAULT_PACE };

const answer = (more: Partial<TurnAnswer>): Asked => ({
  kind: 'answered',
  answer: {
    apiVersion: 'supercargo/turn/v1',
    revision: 7,
    answer: 'wait',
    services: [],
    refused: [],
    askAfterSeconds: 5,
    done: [],
    ...more,
  },
});

const granted = (...services: readonly string[]): Asked =>
  answer({ answer: 'granted', services, askAfterSeconds: 0 });

const refused = (kind: RefusedWish['answer'], message: string, askAfterSeconds = 5): Asked =>
  answer({
    answer: kind,
    askAfterSeconds,
    refused: [{ service: 'web', answer: kind, message, holders: [], hosts: [] }],
  });

const FAILED: Asked = { kind: 'failed', error: new AgentError('STORE', 'cannot ask: it is away') };

const planned = (
  service: string,
  more: Partial<SwitchStatus> & { readonly turn?: 'wanted' | 'granted' | 'none' } = {},
): ServicePlan => {
  const { turn = 'wanted', ...said } = more;
  const switching: SwitchStatus = {
    entry: service,
    release: 'r2',
    digest: 'sha256:2',
    attempt: 0,
    state: 'none',
    kind: 'version',
    unsettled: false,
    hasServed: true,
    ...said,
  };
  const { entry, release, digest, attempt, kind } = switching;
  return {
    service,
    declared: true,
    decision: { kind: 'converged' },
    target: undefined,
    staging: [],
    desired: undefined,
    running: [],
    probes: [],
    switching,
    ...(turn !== 'none' && { turn: { state: turn, jobs: [], mostMs: 30_000 } }),
    ...(turn === 'wanted' && { wish: { service, entry, release, digest, attempt, kind, serves: true } }),
  };
};

const planOf = (...services: readonly ServicePlan[]): HostPlan => ({
  services,
  edge: undefined,
  housekeeping: [],
  foreign: [],
  nextAtMs: undefined,
});

interface Scene {
  readonly turns: Turns;
  readonly requests: TurnRequest[];
  /** Answers the oldest open request. */
  readonly answer: (asked: Asked) => Promise<void>;
  readonly aborted: () => number;
  readonly set: { offsetMs: number; busy: readonly string[] };
  readonly news: () => number;
  readonly others: () => number;
  readonly grants: readonly (readonly string[])[];
  readonly done: readonly JobWord[];
  readonly heard: () => unknown;
}

const scene = (more: Partial<TurnsOptions> = {}): Scene => {
  const requests: TurnRequest[] = [];
  const open: ((asked: Asked) => void)[] = [];
  const grants: (readonly string[])[] = [];
  const done: JobWord[] = [];
  let aborted = 0;
  let news = 0;
  let others = 0;
  const set: Scene['set'] = { offsetMs: 0, busy: [] };
  const source: TurnSource = {
    ask: async (request, signal) => {
      requests.push(request);
      const { promise, resolve, reject } = Promise.withResolvers<Asked>();
      open.push(resolve);
      signal.addEventListener('abort', () => {
        aborted += 1;
        open.splice(open.indexOf(resolve), 1);
        reject(new Error('aborted'));
      });
      return promise;
    },
  };
  const turns = createTurns({
    mode: 'manifest',
    source,
    life: 'life-1',
    now: () => Date.now() + set.offsetMs,
    elapsed: () => performance.now(),
    random: () => 0.999,
    host: () => ({ serial: 12, engine: 'engine-1' }),
    isBusy: (service) => set.busy.includes(service),
    onNews: () => {
      news += 1;
    },
    onGranted: (services) => grants.push(services),
    onDone: (jobs) => done.push(...jobs),
    ...more,
  });
  const end = new AbortController();
  onTestFinished(() => end.abort());
  void turns.run(end.signal, () => {
    others += 1;
  });
  return {
    turns,
    requests,
    answer: async (asked) => {
      open.shift()?.(asked);
      await vi.advanceTimersByTimeAsync(0);
    },
    aborted: () => aborted,
    set,
    news: () => news,
    others: () => others,
    grants,
    done,
    heard: () => turns.view(PACED, Date.now())?.heard,
  };
};

const tick = async (ms = 0): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
};

describe('asking for a turn', () => {
  it('is for a manifest with a pace, or for all', () => {
    expect(scene().turns.view(manifest({}), 0)).toBeUndefined();
    expect(scene().turns.view(undefined, 0)).toBeUndefined();
    expect(scene().turns.view(PACED, 0)).toEqual({ heard: {} });
    expect(scene({ mode: 'always' }).turns.view(undefined, 0)).toEqual({ heard: {} });
  });

  it('asks nothing while the plan wishes nothing', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web', { state: 'good', turn: 'none' })));
    await tick(600_000);
    expect(s.requests).toEqual([]);
    expect(s.turns.state()).toMatchObject({ store: 'unknown', asked: [], seq: 0 });
  });

  it('asks for what the plan wishes, and begins by the answer', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    expect(s.requests).toEqual([
      {
        life: 'life-1',
        seq: 1,
        serial: 12,
        engine: 'engine-1',
        mostSeconds: 30,
        services: [expect.objectContaining({ service: 'web', release: 'r2', kind: 'version' })],
      },
    ]);
    expect(s.turns.state()).toMatchObject({ asked: ['web'], store: 'unknown' });
    await s.answer(granted('web'));
    expect(s.heard()).toEqual({ web: { kind: 'granted', release: 'r2', attempt: 0 } });
    expect(s.turns.state()).toMatchObject({ asked: ['web'], store: 'answers', revision: 7 });
    expect([s.news(), s.grants]).toEqual([1, [['web']]]);
  });

  it('takes some of the services, and asks again for the others', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web'), planned('api')));
    await tick();
    await s.answer(granted('api'));
    s.turns.see(planOf(planned('web'), planned('api', { turn: 'granted' })));
    await tick(1_000);
    expect(s.requests.map((r) => r.services.map((w) => w.service))).toEqual([['web', 'api'], ['web']]);
    expect(s.turns.state().asked).toEqual(['api', 'web']);
  });

  it.each([
    ['wait', 'turn'],
    ['halted', 'halted'],
    ['other-version', 'turn'],
  ] as const)('%s: the plan hears why, and the store is asked again when it says', async (kind, reason) => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    await s.answer(refused(kind, 'all places are taken: web-7'));
    expect(s.heard()).toMatchObject({
      web: { kind: 'refused', reason, message: 'all places are taken: web-7' },
    });
    expect(s.turns.state().asked).toEqual(['web']);
    s.turns.see(planOf(planned('web')));
    await tick(4_900);
    expect(s.requests).toHaveLength(1);
    await tick(200);
    expect(s.requests).toHaveLength(2);
    expect(s.others()).toBe(kind === 'other-version' ? 1 : 0);
  });

  it('asks at once again if the store held the request', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick(25_000);
    await s.answer(refused('wait', 'wait', 0));
    await tick(300);
    expect(s.requests).toHaveLength(2);
  });

  it('does not ask faster than four times a second, whatever the store says', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    for (let n = 0; n < 20; n += 1) {
      await tick(100);
      await s.answer(refused('wait', 'wait', 0));
    }
    expect(s.requests.length).toBeLessThan(10);
  });

  it('gives a request up if the wishes change, and takes no late answer of it', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    s.turns.see(planOf(planned('web', { release: 'r3' })));
    await tick(1_000);
    expect(s.aborted()).toBe(1);
    expect(s.requests.map((r) => [r.seq, r.services[0]?.release])).toEqual([
      [1, 'r2'],
      [2, 'r3'],
    ]);
    await s.answer(granted('web'));
    expect(s.heard()).toEqual({ web: { kind: 'granted', release: 'r3', attempt: 0 } });
  });

  it('gives a request up that nothing wishes any more: the service leaves the reports', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    s.turns.see(planOf(planned('web', { turn: 'none' })));
    expect(s.turns.state().asked).toEqual([]);
    await tick(60_000);
    expect([s.aborted(), s.requests.length]).toEqual([1, 1]);
  });
});

const DONE: JobWord = { service: 'migrate', digest: 'sha256:2', attempt: 0 };
const job = (more: Parameters<typeof planned>[1] = {}): ServicePlan =>
  planned('migrate', { kind: 'job', ...more });

describe('a job of the fleet', () => {
  it('that has run elsewhere is handed on, and is neither granted nor refused', async () => {
    const s = scene();
    s.turns.see(planOf(job(), planned('web')));
    await tick();
    await s.answer(answer({ answer: 'granted', services: ['web'], done: [DONE], askAfterSeconds: 0 }));
    expect(s.done).toEqual([DONE]);
    expect(s.heard()).toEqual({ web: { kind: 'granted', release: 'r2', attempt: 0 } });
    expect([s.grants, s.turns.state().asked]).toEqual([[['web']], ['migrate', 'web']]);
  });

  it.each<[string, JobWord]>([
    ['another version', { ...DONE, digest: 'sha256:3' }],
    ['another attempt', { ...DONE, attempt: 1 }],
    ['another job', { ...DONE, service: 'web' }],
  ])('is not done by a word about %s', async (_what, other) => {
    const s = scene();
    s.turns.see(planOf(job(), planned('web')));
    await tick();
    await s.answer(answer({ done: [other] }));
    expect(s.done).toEqual([]);
  });

  it('is named in reports from its request until its container was observed', async () => {
    const s = scene();
    s.turns.see(planOf(job()));
    await tick();
    await s.answer(granted('migrate'));
    s.turns.see(planOf(job({ turn: 'granted' })));
    expect(s.turns.state().asked).toEqual(['migrate']);
    s.turns.see(planOf(job({ turn: 'none', state: 'begun' })));
    expect(s.turns.state().asked).toEqual([]);
  });

  it('is asked for again if it has not begun in time', async () => {
    const s = scene();
    s.turns.see(planOf(job()));
    await tick();
    await s.answer(granted('migrate'));
    await tick(60_000);
    expect(s.heard()).toEqual({});
    expect(s.turns.state().asked).not.toContain('web');
    expect(s.requests.length).toBeGreaterThan(1);
  });
});

describe('a report between a request and its answer', () => {
  it('has a higher number, and names the service', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    expect([s.turns.nextSeq(), s.turns.state().asked]).toEqual([2, ['web']]);
    await s.answer(granted('web'));
    expect([s.turns.nextSeq(), s.turns.state().asked]).toEqual([3, ['web']]);
  });

  it('names the service until its container was observed, however long its step takes', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    await s.answer(granted('web'));
    s.set.busy = ['web'];
    s.turns.see(planOf(planned('web', { turn: 'granted' })));
    s.set.busy = [];
    await tick(70_000);
    expect(s.turns.state().asked).toEqual(['web']);
    s.turns.see(planOf(planned('web', { state: 'begun', turn: 'none' })));
    expect(s.turns.state().asked).toEqual([]);
  });

  it('names it also if another release is desired by then', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    await s.answer(granted('web'));
    s.set.busy = ['web'];
    s.turns.see(planOf(planned('web', { release: 'r3', turn: 'none' })));
    expect([s.turns.state().asked, s.turns.underWay()]).toEqual([['web'], new Set(['web'])]);
    s.set.busy = [];
    s.turns.see(planOf(planned('web', { release: 'r3', turn: 'none', unsettled: true })));
    expect([s.turns.state().asked, s.turns.underWay()]).toEqual([[], new Set()]);
  });

  it('is the last one of this life: it gives back what was not used, and nothing that was', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web'), planned('api')));
    await tick();
    await s.answer(granted('web', 'api'));
    s.set.busy = ['web'];
    s.turns.see(planOf(planned('web', { turn: 'granted' }), planned('api', { turn: 'granted' })));
    s.turns.end();
    expect(s.turns.state().asked).toEqual(['web']);
  });
});

describe('a turn', () => {
  const withTurn = async (): Promise<Scene> => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    await s.answer(granted('web'));
    s.turns.see(planOf(planned('web', { turn: 'granted' })));
    return s;
  };

  it('is used within 60 s of asking, or asked for again', async () => {
    const s = await withTurn();
    await tick(59_000);
    expect(s.heard()).toMatchObject({ web: { kind: 'granted' } });
    await tick(1_000);
    expect([s.heard(), s.turns.state().asked]).toEqual([{}, []]);
    s.turns.see(planOf(planned('web')));
    await tick();
    expect(s.requests).toHaveLength(2);
  });

  it('counts from the request, not from the answer', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick(25_000);
    await s.answer(granted('web'));
    await tick(34_000);
    expect(s.heard()).toMatchObject({ web: { kind: 'granted' } });
    await tick(1_000);
    expect(s.heard()).toEqual({});
  });

  it.each([
    ['slept', 61_000],
    ['has another time', -61_000],
  ])('is over on a host that %s, by the wall clock', async (_what, offsetMs) => {
    const s = await withTurn();
    s.set.offsetMs = offsetMs;
    expect([s.heard(), s.turns.state().asked]).toEqual([{}, []]);
  });

  it('stays with a job that runs within it for longer', async () => {
    const s = await withTurn();
    s.turns.see(planOf(planned('web', { state: 'begun', turn: 'none' })));
    await tick(600_000);
    expect(s.heard()).toMatchObject({ web: { kind: 'granted' } });
    expect(s.turns.state().asked).toEqual([]);
  });

  it('stays between two jobs that run within it, and is named while none runs', async () => {
    const s = await withTurn();
    s.turns.see(planOf(planned('web', { state: 'begun', turn: 'none' })));
    await tick(600_000);
    s.turns.see(planOf(planned('web', { turn: 'granted' })));
    expect(s.heard()).toMatchObject({ web: { kind: 'granted' } });
    expect(s.turns.state().asked).toEqual(['web']);
  });

  it.each<[string, Parameters<typeof planned>[1], readonly string[]]>([
    ['a gate has closed', { turn: 'none' }, []],
    ['another release is desired, and asked for', { release: 'r3' }, ['web']],
    ['the attempt was raised, and is asked for', { attempt: 1 }, ['web']],
    ['the release is good', { state: 'good', turn: 'none' }, []],
    ['the release has failed', { state: 'failed', turn: 'none' }, []],
  ])('is given back if %s', async (_what, more, asked) => {
    const s = await withTurn();
    s.turns.see(planOf(planned('web', more)));
    expect([s.heard(), s.turns.state().asked]).toEqual([{}, asked]);
  });

  it('is not known to an agent that is restarted: it asks again, as a new life', async () => {
    await withTurn();
    const s = scene({ life: 'life-2' });
    s.turns.see(planOf(planned('web')));
    await tick();
    expect(s.requests).toMatchObject([{ life: 'life-2', seq: 1 }]);
  });
});

describe('a store that gives no answer', () => {
  it('is asked again after a back-off, and the plan hears why', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    await s.answer(FAILED);
    expect(s.heard()).toMatchObject({ web: { kind: 'unanswered', message: 'cannot ask: it is away' } });
    expect(s.turns.state()).toMatchObject({
      store: 'unreachable',
      message: 'cannot ask: it is away',
      asked: ['web'],
    });
    await tick(2_000);
    await s.answer(granted('web'));
    expect(s.turns.state()).toMatchObject({ store: 'answers', message: null });
  });

  it('lets the first release of a service begin 10 s after it was asked, by its second try too', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web', { kind: 'first' })));
    await tick();
    const untilMs = Date.now() + 10_000;
    await s.answer(FAILED);
    expect([s.heard(), s.turns.isOpen()]).toMatchObject([{ web: { untilMs } }, true]);
    await tick(2_000);
    await s.answer(FAILED);
    expect(s.heard()).toMatchObject({ web: { untilMs } });
    await tick(8_000);
    expect(s.turns.isOpen()).toBe(false);
    s.turns.see(planOf(planned('web', { kind: 'first', turn: 'granted' })));
    expect(s.heard()).toMatchObject({ web: { kind: 'unanswered' } });
  });

  it('is asked each minute if it has no turns', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    await s.answer({ kind: 'none', message: 'it hands out no turns' });
    expect(s.turns.state()).toMatchObject({ store: 'none', message: 'it hands out no turns' });
    await tick(59_000);
    expect(s.requests).toHaveLength(1);
    await tick(1_000);
    expect(s.requests).toHaveLength(2);
  });

  it('is missing: that is said at once', () => {
    const s = scene({ source: undefined });
    s.turns.see(planOf(planned('web')));
    expect(s.heard()).toMatchObject({
      web: { message: 'SUPERCARGO_REPORT_URL is not set, so no store hands out turns' },
    });
    expect(s.turns.state()).toMatchObject({ store: 'none' });
    expect([s.news(), s.turns.isOpen()]).toEqual([1, false]);
  });

  it('refuses this agent: that is an answer, so that no first release goes on', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web', { kind: 'first' })));
    await tick();
    await s.answer({ kind: 'refused', message: 'another agent has asked as web-1' });
    expect(s.heard()).toMatchObject({
      web: { kind: 'refused', reason: 'turn', message: 'another agent has asked as web-1' },
    });
    expect(s.turns.state()).toMatchObject({ store: 'answers', message: 'another agent has asked as web-1' });
  });
});

describe('whether an answer is due', () => {
  it('until the first answer, and until the plan has heard a grant', async () => {
    const s = scene();
    expect(s.turns.isOpen()).toBe(false);
    s.turns.see(planOf(planned('web')));
    expect(s.turns.isOpen()).toBe(true);
    await tick();
    await s.answer(granted('web'));
    expect(s.turns.isOpen()).toBe(true);
    s.turns.see(planOf(planned('web', { turn: 'granted' })));
    expect(s.turns.isOpen()).toBe(false);
  });

  it('not after a refusal', async () => {
    const s = scene();
    s.turns.see(planOf(planned('web')));
    await tick();
    await s.answer(refused('wait', 'wait'));
    expect(s.turns.isOpen()).toBe(false);
  });
});
