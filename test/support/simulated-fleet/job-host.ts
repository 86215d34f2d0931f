import type { Manifest } from '../../../src/core/manifest/manifest.ts';
import type { SwitchState } from '../../../src/core/turns/host-word.ts';
import type { JobWord, TurnRequest } from '../../../src/core/turns/turn-request.ts';
import type { Random } from './random.ts';
import type { Report, StoreAnswer } from './simulated-host.ts';
import type { SimulatedStore } from './simulated-store.ts';
import type { Timeline } from './timeline.ts';

export const JOB = 'migrate';
export const keyOf = ({ digest, attempt }: Pick<JobWord, 'digest' | 'attempt'>): string =>
  `${digest}#${String(attempt)}`;

interface JobContainer {
  readonly job: JobWord;
  readonly endsAtMs: number;
  isJudged: boolean;
}

export interface JobHost {
  readonly name: string;
  /** The machine and its engine. */
  isAlive: boolean;
  isHeld: boolean;
  isCutOff: boolean;
  readonly start: () => void;
  readonly kill: (forMs: number) => void;
  readonly step: () => void;
  readonly state: () => SwitchState;
  readonly message: () => string;
  /** Copies the ledger. The returned function puts the copy back. */
  readonly remember: () => () => void;
}

export interface JobHostOptions {
  readonly name: string;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly store: SimulatedStore;
  readonly send: (host: JobHost, deliver: () => void) => void;
  readonly doesFail: (job: JobWord) => boolean;
  readonly onRun: (host: string, job: JobWord) => void;
}

const isSame = (a: JobWord | undefined, b: JobWord): boolean => a !== undefined && keyOf(a) === keyOf(b);

const GRANT_MS = 60_000;
const REQUEST_MS = 40_000;
const HEARTBEAT_MS = 60_000;

/** A host with one job of the fleet: ledger and engine outlive its agent, turns and revision do not. */
export const createJobHost = (options: JobHostOptions): JobHost => {
  const { name, timeline, random, store } = options;
  const ledger = {
    accepted: undefined as Manifest | undefined,
    done: [] as JobWord[],
    failed: [] as string[],
  };
  let container: JobContainer | undefined;
  let isAgentUp = false;
  let lives = 0;
  let seq = 0;
  let revision: number | null = null;
  let request: { readonly job: JobWord; readonly askedMs: number } | undefined;
  let grant: { readonly job: JobWord; readonly askedMs: number } | undefined;
  let askAgainAtMs = 0;
  let said = '';
  let lastMessage = '';

  const now = timeline.nowMs;
  const later = (ms: number, run: () => void): void => {
    const life = lives;
    timeline.after(ms, () => {
      if (host.isAlive && isAgentUp && lives === life) run();
    });
  };

  const desired = (): JobWord | undefined => {
    const entry = ledger.accepted?.services[JOB];
    return entry && { service: JOB, digest: entry.image.digest ?? '', attempt: entry.attempt };
  };
  const isOpen = (): boolean => container !== undefined && !container.isJudged;

  const state = (): SwitchState => {
    const want = desired();
    if (!want) return 'none';
    if (ledger.done.some((job) => isSame(job, want))) return 'good';
    if (ledger.failed.includes(keyOf(want))) return 'failed';
    return isSame(container?.job, want) ? 'begun' : 'none';
  };

  const judge = (): void => {
    if (!container || container.isJudged || now() < container.endsAtMs) return;
    const { job } = container;
    container.isJudged = true;
    if (options.doesFail(job)) ledger.failed.push(keyOf(job));
    else if (!ledger.done.some((d) => isSame(d, job))) ledger.done.push(job);
  };

  const report = (isHeartbeat: boolean): void => {
    const want = desired();
    const word = {
      service: JOB,
      entry: JOB,
      release: want ? keyOf(want) : '',
      digest: want?.digest ?? null,
      attempt: want?.attempt ?? 0,
      state: state(),
      kind: 'job' as const,
      isUnsettled: isOpen() && want !== undefined && !isSame(container?.job, want),
      hasServed: ledger.done.length > 0,
      serves: null,
      outcome: state() === 'good' ? 'converged' : 'waiting',
      reason: host.isHeld ? 'hold' : 'turn',
      message: null,
      failure: state() === 'failed' ? { version: '', message: 'exit code 1', log: [] } : null,
    };
    const isGranted = grant !== undefined && now() - grant.askedMs < GRANT_MS;
    const asked = request || isGranted ? [JOB] : [];
    const text = JSON.stringify([word, asked, ledger.done, ledger.accepted?.serial, host.isHeld]);
    if (!isHeartbeat && text === said) return;
    said = text;
    seq += 1;
    const sent: Report = {
      host: name,
      labels: {},
      isRunning: true,
      turns: { life: `${name}/${String(lives)}`, seq, asked, jobs: [...ledger.done], revision },
      serial: ledger.accepted?.serial ?? null,
      refuses: false,
      isHeld: host.isHeld,
      isDrained: false,
      services: want ? [word] : [],
    };
    options.send(host, () => store.take(sent));
  };

  const begin = (): void => {
    const want = desired();
    const given = grant;
    grant = undefined;
    if (!want || host.isHeld || !given || !isSame(given.job, want) || now() - given.askedMs >= GRANT_MS)
      return;
    if (state() !== 'none' || isOpen()) return;
    const takesMs = random.chance(0.3) ? random.between(120_000, 600_000) : random.between(1_000, 120_000);
    container = { job: want, endsAtMs: now() + takesMs, isJudged: false };
    options.onRun(name, want);
    later(takesMs, host.step);
  };

  const hear = (asked: NonNullable<typeof request>, got: StoreAnswer): void => {
    if (request !== asked) return;
    request = undefined;
    askAgainAtMs = now() + random.between(1_000, 20_000);
    if (got.kind === 'answer') {
      const { answer } = got;
      revision = Math.max(revision ?? 0, answer.revision);
      lastMessage = answer.refused.map(({ message }) => message).join('; ');
      for (const job of answer.done) if (!ledger.done.some((d) => isSame(d, job))) ledger.done.push(job);
      if (answer.services.includes(JOB)) {
        grant = { job: asked.job, askedMs: asked.askedMs };
        later(random.chance(0.1) ? random.between(10_000, 70_000) : random.between(10, 3_000), () => {
          begin();
          host.step();
        });
      }
    }
    later(askAgainAtMs - now() + 1, host.step);
    host.step();
  };

  const ask = (): void => {
    const want = desired();
    const isWished = want !== undefined && !host.isHeld && state() === 'none' && !isOpen();
    if (request && (!isWished || !isSame(request.job, want))) request = undefined;
    if (grant && (!isWished || !isSame(grant.job, want))) grant = undefined;
    if (grant && now() - grant.askedMs >= GRANT_MS) grant = undefined;
    if (!isWished || request || grant || now() < askAgainAtMs) return;
    const asked = { job: want, askedMs: now() };
    request = asked;
    seq += 1;
    const wish = { entry: JOB, release: keyOf(want), kind: 'job', serves: false, dependents: [] } as const;
    const body: TurnRequest = {
      life: `${name}/${String(lives)}`,
      seq,
      serial: ledger.accepted?.serial ?? 0,
      engine: `engine-${name}`,
      mostSeconds: 120,
      services: [{ ...want, ...wish }],
    };
    options.send(host, () =>
      store.ask(name, body, (got) => options.send(host, () => later(0, () => hear(asked, got)))),
    );
    later(REQUEST_MS, () => hear(asked, { kind: 'unreachable' }));
  };

  const beat = (): void => {
    report(true);
    later(HEARTBEAT_MS, beat);
  };
  const poll = (): void => {
    const read = host.isCutOff ? undefined : store.manifest();
    if (read && read.serial > (ledger.accepted?.serial ?? 0)) ledger.accepted = read;
    host.step();
    later(random.between(2_000, 30_000), poll);
  };

  const start = (): void => {
    lives += 1;
    isAgentUp = true;
    [seq, revision, request, grant, askAgainAtMs, said] = [0, null, undefined, undefined, 0, ''];
    if (container && !container.isJudged) later(container.endsAtMs - now(), host.step);
    later(random.between(0, HEARTBEAT_MS), beat);
    later(random.between(0, 2_000), poll);
    host.step();
  };

  const host: JobHost = {
    name,
    isAlive: true,
    isHeld: false,
    isCutOff: false,
    start,
    kill: (forMs) => {
      isAgentUp = false;
      timeline.after(forMs, () => {
        if (host.isAlive && !isAgentUp) start();
      });
    },
    step: () => {
      if (!host.isAlive || !isAgentUp) return;
      judge();
      ask();
      report(false);
    },
    state,
    message: () => lastMessage,
    remember: () => {
      const { accepted } = ledger;
      const [done, failed] = [[...ledger.done], [...ledger.failed]];
      return () => {
        Object.assign(ledger, { accepted, done: [...done], failed: [...failed] });
        // What the ledger no longer knows is judged once more.
        if (container) {
          const key = keyOf(container.job);
          container.isJudged = failed.includes(key) || done.some((job) => keyOf(job) === key);
        }
      };
    },
  };
  return host;
};
