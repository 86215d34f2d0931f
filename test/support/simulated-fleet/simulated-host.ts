import type { Manifest } from '../../../src/core/manifest/manifest.ts';
import type { HostWord, ServiceWord } from '../../../src/core/turns/host-word.ts';
import type { TurnAnswer, TurnRequest, TurnWish } from '../../../src/core/turns/turn-request.ts';
import {
  isQuarantined,
  kindOf,
  servesAt,
  stateOf,
  type Candidate,
  type Desired,
  type Grant,
  type HostService,
} from './host-service.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';
import { doesSpoil, isBadRelease, releaseOf, type Release } from './versions.ts';

/** What a host sends; the store adds how long it has been silent. */
export type Report = Omit<HostWord, 'silentMs' | 'isSilent'>;

export type StoreAnswer =
  | { readonly kind: 'answer'; readonly answer: TurnAnswer }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unreachable' };

/** The store as a host sees it: through its network. */
export interface StoreOfHost {
  /** Undefined if it does not answer. */
  readonly manifest: () => Manifest | undefined;
  readonly report: (report: Report) => void;
  readonly ask: (host: string, request: TurnRequest, respond: (answer: StoreAnswer) => void) => void;
}

/** What a run looks at: the truth of the hosts. */
export interface HostWatch {
  readonly begun: (host: SimulatedHost, service: HostService, candidate: Candidate) => void;
}

export interface SimulatedHost {
  readonly name: string;
  engine: string;
  labels: Readonly<Record<string, string>>;
  readonly services: HostService[];
  isAlive: boolean;
  isAgentUp: boolean;
  isHeld: boolean;
  isDrained: boolean;
  isInWindow: boolean;
  /** The host finds a taken port only when it is about to begin. */
  hasObstacle: boolean;
  canPull: boolean;
  isCutOff: boolean;
  wallOffsetMs: number;
  /** The next switch takes so long. */
  nextSwitchMs: number | null;
  accepted: Manifest | undefined;
  readonly lastAnswer: { kind: string; message: string; holders: readonly string[] };
  /** Of the request whose answer it still takes. */
  readonly requestSeq: () => number | undefined;
  readonly desired: (service: HostService) => Desired | undefined;
  readonly serves: (service: HostService) => boolean;
  readonly start: () => void;
  readonly kill: (forMs: number) => void;
  readonly stop: (forMs: number) => void;
  readonly reboot: (forMs: number) => void;
  /** Looks at everything again, as the agent does after each change. */
  readonly step: () => void;
  readonly remember: () => () => void;
}

const GRANT_MS = 60_000;
const REQUEST_MS = 40_000;
const HEARTBEAT_MS = 60_000;

interface Request {
  readonly seq: number;
  readonly key: string;
  readonly services: readonly string[];
  readonly askedMonotonicMs: number;
  readonly askedWallMs: number;
}

export interface HostOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly services: HostService[];
  readonly timeline: Timeline;
  readonly random: Random;
  readonly store: StoreOfHost;
  readonly watch: HostWatch;
  /** Whether the store made a turn when it last granted a switch: first starts may need none. */
  readonly hasTurn: (service: string) => boolean;
  /** How long load balancers need to hear of a change. */
  readonly leadMs: number;
  /** The least and the most that a switch takes. */
  readonly switchMs: readonly [number, number];
  /** The least and the most between a grant and the new container, in most cases. */
  readonly beginMs: readonly [number, number];
}

/** A host with a ledger, an engine and an agent: what the agent remembers is gone when it dies. */
export const createSimulatedHost = (options: HostOptions): SimulatedHost => {
  const { timeline, random, store, watch } = options;
  let lives = 0;
  let seq = 0;
  let request: Request | undefined;
  let askAgainAtMs = 0;
  let lastKey = '';
  let lastReport = '';
  let hasAnswer = false;
  const pulling = new Set<string>();

  const now = (): number => timeline.nowMs();
  const wall = (): number => now() + host.wallOffsetMs;
  const life = (): string => `${host.engine}/${host.name}/${String(lives)}`;

  /** Runs later unless the machine or this life of the agent has ended by then. */
  const later = (ms: number, run: () => void): void => {
    const started = lives;
    timeline.after(ms, () => {
      if (host.isAlive && host.isAgentUp && lives === started) run();
    });
  };

  const desired = (service: HostService): Desired | undefined => {
    const given = service.entry === null ? undefined : host.accepted?.services[service.entry];
    if (service.entry === null)
      return { release: releaseOf(`pinned-${service.files}`, service.files), attempt: 1 };
    return given && { release: releaseOf(String(given.image.digest), service.files), attempt: given.attempt };
  };

  const serves = (service: HostService): boolean =>
    host.isAlive && !host.isDrained && servesAt(service, now());

  const settleServing = (service: HostService): void => {
    if (serves(service)) service.isAfterTurn = false;
  };

  const become = (service: HostService, release: Release): void => {
    service.serving = release;
    service.isUnhealthy = false;
    service.leadUntilMs = now() + options.leadMs;
    later(options.leadMs, host.step);
    if (doesSpoil(release))
      timeline.after(random.between(5_000, 300_000), () => {
        if (!host.isAlive || service.serving !== release) return;
        service.isUnhealthy = true;
        host.step();
      });
  };

  const repair = (service: HostService): void => {
    const [last] = service.good;
    if (!last || service.isRepairing || host.isDrained) return;
    service.isRepairing = true;
    later(random.between(1_000, 15_000), () => {
      service.isRepairing = false;
      if (!service.candidate && service.serving?.id !== service.good[0]?.id && service.good[0])
        become(service, service.good[0]);
      host.step();
    });
  };

  const leaveCandidate = (service: HostService): void => {
    if (service.candidate?.byTurn === true && service.candidate.hadServed) service.isAfterTurn = true;
    service.candidate = null;
    settleServing(service);
  };

  const judge = (service: HostService, candidate: Candidate): void => {
    if (service.candidate !== candidate) return;
    const { release, attempt } = candidate;
    if (isBadRelease(release, host.name)) service.quarantined = { releaseId: release.id, attempt };
    else {
      if (!service.goodAtMs.has(release.digest)) service.goodAtMs.set(release.digest, now());
      service.good = [release, ...service.good.filter(({ id }) => id !== release.id)].slice(0, 2);
      become(service, release);
    }
    leaveCandidate(service);
    host.step();
  };

  const judgeLater = (service: HostService, candidate: Candidate): void =>
    later(candidate.endsAtMs - now(), () => judge(service, candidate));

  const begin = (service: HostService, want: Desired, byTurn: boolean): void => {
    const [least, most] = options.switchMs;
    const takesMs = host.nextSwitchMs ?? random.between(least, most);
    host.nextSwitchMs = null;
    service.candidate = {
      ...want,
      byTurn,
      hadServed: service.good.length > 0,
      endsAtMs: now() + takesMs,
    };
    if (!service.isStartFirst) service.serving = null;
    service.grant = null;
    service.firstWishedAtMs = null;
    watch.begun(host, service, service.candidate);
    judgeLater(service, service.candidate);
    host.step();
  };

  const isOpen = (service: HostService): boolean =>
    !host.isHeld && !host.isDrained && host.isInWindow && now() >= service.backOffUntilMs;

  /** The release that a service would begin now: everything else is there. */
  const wishOf = (service: HostService): Desired | undefined => {
    const want = desired(service);
    if (!want || !isOpen(service)) return undefined;
    if (stateOf(service, want) !== 'none' || isQuarantined(service, want)) return undefined;
    return service.pulled.has(want.release.digest) ? want : undefined;
  };

  const pull = (service: HostService, { release }: Desired): void => {
    const { digest } = release;
    const started = `${service.name} ${digest}`;
    if (!host.canPull || service.pulled.has(digest) || pulling.has(started)) return;
    pulling.add(started);
    later(random.between(500, 20_000), () => {
      pulling.delete(started);
      if (host.canPull) service.pulled = new Set([...service.pulled, digest]);
      host.step();
    });
  };

  const isValid = ({ askedMonotonicMs, askedWallMs }: Grant): boolean =>
    now() - askedMonotonicMs < GRANT_MS && wall() >= askedWallMs && wall() - askedWallMs < GRANT_MS;

  const isGrantedFor = (grant: Grant | null, { release, attempt }: Desired): grant is Grant =>
    grant !== null && grant.releaseId === release.id && grant.attempt === attempt && isValid(grant);

  const useGrant = (service: HostService, grant: Grant): void => {
    const want = wishOf(service);
    if (service.grant !== grant) return;
    if (!want || !isGrantedFor(grant, want)) service.grant = null;
    else if (host.hasObstacle) {
      service.grant = null;
      service.backOffUntilMs = now() + random.between(20_000, 90_000);
      later(service.backOffUntilMs - now(), host.step);
    } else begin(service, want, grant.byTurn);
    host.step();
  };

  const grantServices = (asked: Request, names: readonly string[]): void => {
    for (const service of host.services) {
      const want = names.includes(service.name) ? wishOf(service) : undefined;
      if (!want || !asked.key.includes(`${service.name}=${want.release.id}#${String(want.attempt)};`))
        continue;
      const { askedMonotonicMs, askedWallMs } = asked;
      const grant = {
        releaseId: want.release.id,
        attempt: want.attempt,
        byTurn: options.hasTurn(service.name),
        askedMonotonicMs,
        askedWallMs,
      };
      service.grant = grant;
      // One in ten is so slow that the turn may be over.
      const [least, most] = options.beginMs;
      later(random.chance(0.1) ? random.between(least, 7 * most) : random.between(least, most), () =>
        useGrant(service, grant),
      );
      later(GRANT_MS - (now() - askedMonotonicMs), () => useGrant(service, grant));
    }
  };

  /** Refused while a release of before is still unproved: half of the hosts go back to what was good. */
  const goBackFrom = (names: readonly string[]): void => {
    for (const service of host.services)
      if (names.includes(service.name) && service.candidate && random.chance(0.3)) leaveCandidate(service);
  };

  const hear = (asked: Request, got: StoreAnswer): void => {
    if (request !== asked) return;
    request = undefined;
    if (got.kind !== 'answer') {
      askAgainAtMs = now() + (got.kind === 'refused' ? 60_000 : random.between(5_000, 30_000));
      Object.assign(host.lastAnswer, {
        kind: got.kind,
        message: got.kind === 'refused' ? got.message : 'no answer',
        holders: [],
      });
    } else {
      const { answer } = got;
      hasAnswer = true;
      askAgainAtMs = now() + Math.max(200, answer.askAfterSeconds * 1000);
      grantServices(asked, answer.services);
      goBackFrom(answer.refused.filter((r) => r.answer !== 'other-version').map((r) => r.service));
      Object.assign(host.lastAnswer, {
        kind: answer.answer,
        message: answer.refused.map(({ message }) => message).join('; '),
        holders: answer.refused.flatMap(({ holders, hosts }) => [...holders.map((h) => h.host), ...hosts]),
      });
      if (answer.refused.some((r) => r.answer === 'other-version')) {
        askAgainAtMs = Math.max(askAgainAtMs, now() + 5_000);
        later(random.between(500, 4_000), readManifest);
      }
    }
    later(askAgainAtMs - now(), host.step);
    host.step();
  };

  const ask = (): void => {
    const wishes = host.services.flatMap((service): readonly (TurnWish & { readonly key: string })[] => {
      const want = wishOf(service);
      if (!want || isGrantedFor(service.grant, want)) return [];
      const { release, attempt } = want;
      return [
        {
          key: `${service.name}=${release.id}#${String(attempt)};`,
          service: service.name,
          entry: service.entry,
          release: release.id,
          digest: release.digest,
          attempt,
          kind: kindOf(service, want),
          serves: serves(service),
        },
      ];
    });
    const key = wishes.map((wish) => wish.key).join('');
    if (request && request.key !== key) request = undefined;
    if (request || key === '' || (key === lastKey && now() < askAgainAtMs)) return;
    lastKey = key;
    const services = wishes.map(({ service }) => service);
    seq += 1;
    const asked: Request = { seq, key, services, askedMonotonicMs: now(), askedWallMs: wall() };
    request = asked;
    const body: TurnRequest = {
      life: life(),
      seq,
      serial: host.accepted?.serial ?? 0,
      engine: host.engine,
      mostSeconds: 120,
      services: wishes.map(({ key: _key, ...wish }) => wish),
    };
    store.ask(host.name, body, (got) => later(0, () => hear(asked, got)));
    later(REQUEST_MS, () => hear(asked, { kind: 'unreachable' }));
  };

  /** A first start waits at most 10 s for a store that does not answer. */
  const beginFirst = (service: HostService): void => {
    const want = wishOf(service);
    if (!want || kindOf(service, want) !== 'first' || hasAnswer) return;
    service.firstWishedAtMs ??= now();
    const waitedMs = now() - service.firstWishedAtMs;
    if (waitedMs >= 10_000) begin(service, want, false);
    else later(10_000 - waitedMs, host.step);
  };

  const advance = (service: HostService): void => {
    const want = desired(service);
    settleServing(service);
    if (!want) return;
    const { candidate } = service;
    if (candidate && candidate.release.id !== want.release.id && service.good[0]?.id === want.release.id)
      leaveCandidate(service);
    if (!service.candidate && service.serving?.id !== service.good[0]?.id) repair(service);
    pull(service, want);
    beginFirst(service);
  };

  const reasonOf = (service: HostService, want: Desired): readonly [string, string | null] => {
    const state = stateOf(service, want);
    if (service.isUnhealthy && !service.candidate) return ['blocked', 'unhealthy'];
    if (now() < service.brokenUntilMs && state === 'good') return ['blocked', 'unhealthy'];
    if (state === 'failed')
      return service.good.length > 0 ? ['rolled-back', null] : ['blocked', 'quarantined'];
    if (state === 'begun') return ['progressing', 'health'];
    if (state === 'good' && !host.isDrained)
      return serves(service) ? ['converged', null] : ['waiting', 'lead'];
    if (host.isDrained) return ['waiting', 'drained'];
    if (host.isHeld) return ['waiting', 'hold'];
    if (!host.isInWindow) return ['waiting', 'window'];
    if (!service.pulled.has(want.release.digest))
      return host.canPull ? ['waiting', 'image'] : ['blocked', 'image'];
    if (now() < service.backOffUntilMs) return ['blocked', 'port'];
    return ['waiting', host.lastAnswer.kind === 'halted' ? 'halted' : 'turn'];
  };

  const wordOf = (service: HostService): readonly ServiceWord[] => {
    const want = desired(service);
    if (!want) return [];
    const [outcome, reason] = reasonOf(service, want);
    const state = stateOf(service, want);
    return [
      {
        service: service.name,
        entry: service.entry,
        release: want.release.id,
        digest: want.release.digest,
        attempt: want.attempt,
        state,
        kind: kindOf(service, want),
        isUnsettled: service.candidate !== null && service.candidate.release.id !== want.release.id,
        hasServed: service.good.length > 0,
        serves: serves(service),
        outcome,
        reason,
        message: null,
        failure: state === 'failed' ? { version: want.release.digest, message: 'unhealthy', log: [] } : null,
      },
    ];
  };

  /** Gives up what is no longer valid: a clock that steps back must not bring back what is not reported. */
  const askedNow = (): readonly string[] => {
    for (const service of host.services) if (service.grant && !isValid(service.grant)) service.grant = null;
    const granted = host.services.filter(({ grant }) => grant !== null).map(({ name }) => name);
    return [...new Set([...(request?.services ?? []), ...granted])];
  };

  const report = (isRunning: boolean, isHeartbeat: boolean): void => {
    const said = {
      host: host.name,
      labels: host.labels,
      isRunning,
      serial: host.accepted?.serial ?? null,
      refuses: false,
      isHeld: host.isHeld,
      isDrained: host.isDrained,
      services: host.services.flatMap(wordOf),
    };
    const turns = { life: life(), asked: askedNow() };
    const text = JSON.stringify([said, turns]);
    if (!isHeartbeat && text === lastReport) return;
    lastReport = text;
    seq += 1;
    store.report({ ...said, turns: { ...turns, seq, jobs: [], revision: null } });
  };

  const beat = (): void => {
    report(true, true);
    later(HEARTBEAT_MS, beat);
  };

  const readManifest = (): void => {
    const read = host.isCutOff ? undefined : store.manifest();
    if (!read || read.serial <= (host.accepted?.serial ?? 0)) return;
    host.accepted = read;
    host.step();
  };

  const poll = (): void => {
    readManifest();
    later(random.between(2_000, 40_000), poll);
  };

  const start = (): void => {
    lives += 1;
    seq = 0;
    request = undefined;
    askAgainAtMs = 0;
    lastKey = '';
    lastReport = '';
    hasAnswer = false;
    pulling.clear();
    host.isAgentUp = true;
    Object.assign(host.lastAnswer, { kind: 'none', message: '', holders: [] });
    for (const service of host.services) {
      service.grant = null;
      service.isRepairing = false;
      service.backOffUntilMs = 0;
      service.firstWishedAtMs = null;
      if (service.candidate) judgeLater(service, service.candidate);
      if (now() < service.leadUntilMs) later(service.leadUntilMs - now(), host.step);
    }
    later(random.between(0, HEARTBEAT_MS), beat);
    later(random.between(0, 2_000), poll);
    host.step();
  };

  const end = (forMs: number): void => {
    host.isAgentUp = false;
    for (const service of host.services) service.grant = null;
    request = undefined;
    timeline.after(forMs, () => {
      if (host.isAlive && !host.isAgentUp) start();
    });
  };

  const host: SimulatedHost = {
    name: options.name,
    engine: `engine-${options.name}`,
    labels: options.labels,
    services: options.services,
    isAlive: true,
    isAgentUp: false,
    isHeld: false,
    isDrained: false,
    isInWindow: true,
    hasObstacle: false,
    canPull: true,
    isCutOff: false,
    wallOffsetMs: 0,
    nextSwitchMs: null,
    accepted: undefined,
    lastAnswer: { kind: 'none', message: '', holders: [] },
    requestSeq: () => request?.seq,
    desired,
    serves,
    start,
    kill: end,
    stop: (forMs) => {
      if (host.isAgentUp) report(false, true);
      end(forMs);
    },
    reboot: (forMs) => {
      end(forMs);
      for (const service of host.services) {
        if (!service.candidate) service.serving = null;
        service.leadUntilMs = 0;
      }
    },
    step: () => {
      if (!host.isAlive || !host.isAgentUp) return;
      for (const service of host.services) advance(service);
      ask();
      report(true, false);
    },
    remember: () => {
      const past = host.services.map(({ good, quarantined }) => ({ good, quarantined }));
      const { accepted } = host;
      return () => {
        host.accepted = accepted;
        for (const [index, service] of host.services.entries()) {
          const was = past[index];
          if (!was) continue;
          service.good = was.good;
          service.quarantined = was.quarantined;
          const { serving } = service;
          // A container that the ledger no longer knows as good is judged once more.
          if (service.candidate || !serving || was.good.some(({ id }) => id === serving.id)) continue;
          service.candidate = {
            release: serving,
            attempt: 1,
            byTurn: false,
            hadServed: true,
            endsAtMs: now() + 10_000,
          };
        }
      };
    },
  };
  return host;
};
