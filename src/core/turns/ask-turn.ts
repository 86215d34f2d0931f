import { refusal, type Refusal } from '../hub/refusal.ts';
import { hearLife } from './end-turns.ts';
import { audited } from './audit.ts';
import {
  changeOf,
  hostsText,
  isHaltedByPerson,
  replaceChange,
  without,
  type FleetView,
} from './fleet-view.ts';
import { filesHalt } from './halts.ts';
import type { HostWord } from './host-word.ts';
import { entriesOf, giveJob, judgeJob } from './jobs.ts';
import { asReviewed, review } from './review.ts';
import { revisionOf } from './revisions.ts';
import { holdersOf, holderText, isTurn, placesOf } from './places.ts';
import {
  TURN_ANSWERS,
  type RefusedWish,
  type TurnAnswer,
  type TurnRequest,
  type TurnWish,
} from './turn-request.ts';
import type { Change, Turn, TurnState } from './turn-state.ts';
import { mayGo, openWaveOf, waveText } from './waves.ts';

export type AskedTurn =
  | {
      readonly kind: 'answer';
      readonly state: TurnState;
      /** Without the revision, which the store adds. */
      readonly answer: TurnAnswer;
      /**
       * How many waiting requests for these services the hub keeps open. 0: it answers this request at once.
       */
      readonly mostHeld: number;
    }
  | { readonly kind: 'refused'; readonly state: TurnState; readonly refusal: Refusal };

interface Asking {
  readonly state: TurnState;
  readonly view: FleetView;
  readonly word: HostWord;
  readonly request: TurnRequest;
}

type Judged =
  | { readonly kind: 'refused'; readonly why: RefusedWish; readonly isSlot: boolean }
  | { readonly kind: 'done' }
  | Granted;
interface Granted {
  readonly kind: 'granted';
  /** A first start of what is good elsewhere takes no slot. */
  readonly takesSlot: boolean;
}

const refuse = (
  { service }: TurnWish,
  answer: RefusedWish['answer'],
  message: string,
  more: Partial<Pick<RefusedWish, 'holders' | 'hosts'>> = {},
  isSlot = false,
): Judged => ({
  kind: 'refused',
  why: { service, answer, message, holders: [], hosts: [], ...more },
  isSlot,
});

const otherVersion = ({ state }: Asking, wish: TurnWish): Judged | undefined => {
  if (wish.entry === null) return undefined;
  const entry = state.entries[wish.entry];
  const isOther =
    entry === undefined ||
    entry.attempt !== wish.attempt ||
    (entry.digest !== null && entry.digest !== wish.digest);
  return isOther
    ? refuse(wish, 'other-version', `serial ${String(state.serial)} has another version of ${wish.entry}`)
    : undefined;
};

const halted = ({ state, view }: Asking, wish: TurnWish, change: Change | undefined): Judged | undefined => {
  if (state.halt && isHaltedByPerson(state, change)) {
    const { by, reason } = state.halt;
    return refuse(wish, 'halted', `halted by ${by}: ${reason}`);
  }
  if (change?.halted && wish.kind !== 'files') {
    const { reason, hosts } = change.halted;
    return refuse(wish, 'halted', `serial ${String(change.serial)} is halted: ${reason}`, { hosts });
  }
  const failed = wish.kind === 'files' ? filesHalt(state, view, wish.service) : [];
  return failed.length > 0
    ? refuse(wish, 'halted', `the new settings of ${wish.service} failed on ${hostsText(failed)}`, {
        hosts: failed,
      })
    : undefined;
};

const outsideWaves = (
  { state, word }: Asking,
  wish: TurnWish,
  change: Change | undefined,
): Judged | undefined => {
  if (!change || wish.kind === 'files' || !wish.serves || mayGo(state, change, word)) return undefined;
  const open = openWaveOf(change);
  const serial = `serial ${String(change.serial)}`;
  const message =
    open < 0
      ? `${serial} begins once a host has reported that it runs ${wish.service}`
      : `${serial} is at wave ${waveText(change, open)}, and this host belongs to a later one`;
  return refuse(wish, 'wait', message);
};

const slotsTaken = ({ state, view, word }: Asking, wish: TurnWish): Judged | undefined => {
  const others = holdersOf(state, view, wish.service).filter(({ host }) => host !== word.host);
  // A host on which it does not serve takes nothing away from clients: it waits for turns only.
  const counted = wish.serves ? others : others.filter(isTurn);
  const most = placesOf(state, view, wish.service);
  if (counted.length < most) return undefined;
  const places = most === 1 ? 'the one place' : `all ${String(most)} places`;
  const who = counted.slice(0, 3).map(holderText).join(', ');
  const message = `${places} of ${wish.service} ${most === 1 ? 'is' : 'are'} taken: ${who}`;
  return refuse(wish, 'wait', message, { holders: counted }, true);
};

const isGoodElsewhere = ({ view: { words }, word }: Asking, wish: TurnWish): boolean =>
  wish.kind === 'first' &&
  words.some(
    ({ host, services }) =>
      host !== word.host &&
      services.some((s) => s.service === wish.service && s.state === 'good' && s.digest === wish.digest),
  );

const BACK_OFF_SECONDS = [5, 10, 20, 40, 80, 160, 300];

/** A host that gave turns back makes way for others for a while. */
const backingOff = ({ state, view, word }: Asking, wish: TurnWish): Judged | undefined => {
  const returned = state.returned[word.host];
  if (!returned) return undefined;
  const seconds = BACK_OFF_SECONDS[Math.min(returned.count, BACK_OFF_SECONDS.length) - 1] ?? 0;
  const sinceMs = view.nowMs - returned.atMs;
  if (sinceMs < 0 || sinceMs >= seconds * 1000) return undefined;
  return refuse(wish, 'wait', `this host gave its last turn back, and waits for ${String(seconds)} s`);
};

/** A job of the fleet takes no place; what halts a service that waits for it halts it too. */
const judgedJob = (asking: Asking, wish: TurnWish): Judged => {
  const { state, word } = asking;
  const job = judgeJob(state, word.host, wish);
  if (job.kind === 'done') return job;
  for (const entry of entriesOf(wish)) {
    const stopped = halted(asking, wish, changeOf(state, entry));
    if (stopped) return stopped;
  }
  return job.kind === 'granted' ? { kind: 'granted', takesSlot: false } : refuse(wish, job.kind, job.message);
};

const judge = (asking: Asking, wish: TurnWish): Judged => {
  const { state, view, word } = asking;
  const other = otherVersion(asking, wish);
  if (other) return other;
  if (view.starting)
    return refuse(
      wish,
      'wait',
      view.starting.hosts.length > 0
        ? `the store has just started, and first hears from ${hostsText(view.starting.hosts)}`
        : 'the store has just started, and does not know yet which hosts switch',
    );
  // Its place, and those of hosts that the store does not hear either, are unknown until it reports.
  if (word.isSilent)
    return refuse(
      wish,
      'wait',
      'the store has not heard this host for three minutes, and waits for its report',
    );
  const left = state.leftOut[word.host];
  if (left) return refuse(wish, 'wait', `this host is left out by ${left.by}: ${left.reason}`);
  if (wish.kind === 'job') return judgedJob(asking, wish);
  const change = changeOf(state, wish.entry);
  const stopped = halted(asking, wish, change);
  if (stopped) return stopped;
  if (isGoodElsewhere(asking, wish)) return { kind: 'granted', takesSlot: false };
  return (
    outsideWaves(asking, wish, change) ??
    backingOff(asking, wish) ??
    slotsTaken(asking, wish) ?? { kind: 'granted', takesSlot: true }
  );
};

/** Wishes of one group are granted together or not at all. */
const judgeAll = (asking: Asking): readonly (readonly [TurnWish, Judged])[] => {
  const judged = asking.request.services.map((wish) => [wish, judge(asking, wish)] as const);
  return judged.map(([wish, own]) => {
    if (own.kind !== 'granted' || wish.group === undefined) return [wish, own] as const;
    const held = judged.find(([other, j]) => other.group === wish.group && j.kind === 'refused');
    return held && held[1].kind === 'refused'
      ? ([wish, { ...held[1], why: { ...held[1].why, service: wish.service } }] as const)
      : ([wish, own] as const);
  });
};

const granted = ({ state, view, word, request }: Asking, wishes: readonly TurnWish[]): TurnState => {
  if (wishes.length === 0) return state;
  const { host } = word;
  const before = state.turns[host];
  const services = Object.fromEntries(
    wishes.map(({ service, entry, release, digest, attempt, kind, serves }) => [
      service,
      { entry, release, digest, attempt, kind, served: serves, begunAtMs: null },
    ]),
  );
  const turn: Turn = {
    life: request.life,
    seq: request.seq,
    engine: request.engine,
    grantedAtMs: view.nowMs,
    mostSeconds: Math.max(request.mostSeconds, before?.mostSeconds ?? 0),
    services: { ...before?.services, ...services },
    lostAtMs: null,
  };
  const held = { ...state, turns: { ...state.turns, [host]: turn } };
  const named = wishes.reduce((s, wish) => {
    const change = wish.kind === 'files' ? undefined : changeOf(s, wish.entry);
    if (!change) return s;
    const known = change.turned[host];
    const unserved = wish.serves ? [] : [wish.service];
    const turned = {
      wave: known?.wave ?? openWaveOf(change),
      unserved: [...new Set([...(known?.unserved ?? []).filter((u) => u !== wish.service), ...unserved])],
    };
    const { [host]: end, ...others } = change.ends;
    // A new try replaces what was returned before.
    const ends = end?.result === 'returned' ? others : change.ends;
    return replaceChange(s, { ...change, ends, turned: { ...change.turned, [host]: turned } });
  }, held);
  return audited(named, view.nowMs, 'granted', wishes.map(({ service }) => service).join(', '), { host });
};

const conflict = (code: string, message: string, advice: string): Refusal =>
  refusal(409, code, message, advice);

const refusedAsk = (state: TurnState, host: string, request: TurnRequest): Refusal | undefined => {
  const known = state.lives[host];
  if (known?.replaced.includes(request.life))
    return conflict(
      'replaced',
      `another agent has asked as ${host} since this one`,
      'two agents report under one name: give each host its own SUPERCARGO_HOST, or restart the agent that is meant',
    );
  if (known?.life === request.life && request.seq < known.seq)
    return conflict('older', 'a later request of this agent has been answered', 'ask again');
  const turn = state.turns[host];
  return turn && turn.engine !== request.engine
    ? conflict(
        'engine',
        `${host} has a turn on another engine (${turn.engine.slice(0, 12)})`,
        `give each host its own SUPERCARGO_HOST; if the other one is gone, run ` +
          `supercargo rollout free ${state.environment} ${host} --reason …`,
      )
    : undefined;
};

/**
 * A host asks again only for a switch that it has not begun. If the store now refuses it, the store takes the
 * turn back.
 */
const withoutRefused = ({ state, word: { host } }: Asking, refusedWishes: readonly TurnWish[]): TurnState => {
  const turn = state.turns[host];
  const returned = refusedWishes.filter(({ service, release, attempt }) => {
    const turned = turn?.services[service];
    return turned?.begunAtMs === null && turned.release === release && turned.attempt === attempt;
  });
  if (!turn || returned.length === 0) return state;
  const services = returned.reduce((left, { service }) => without(left, service), turn.services);
  const turns =
    Object.keys(services).length > 0
      ? { ...state.turns, [host]: { ...turn, services } }
      : without(state.turns, host);
  return { ...state, turns };
};

/** With a place to wait for, a request is held; otherwise its host asks again later. */
const ASK_AGAIN_SECONDS = 5;

/**
 * Answers a host that asks whether it may begin. The state is reviewed first, and kept also where nothing is
 * granted.
 */
export const askTurn = (given: TurnState, view: FleetView, host: string, request: TurnRequest): AskedTurn => {
  const refused = refusedAsk(given, host, request);
  if (refused) return { kind: 'refused', state: given, refusal: refused };
  const state = hearLife(review(given, view), host, request.life, 0);
  const word = view.words.find((w) => w.host === host);
  const answer = (
    services: readonly string[],
    why: readonly RefusedWish[],
    done: TurnAnswer['done'] = [],
  ): TurnAnswer => ({
    apiVersion: 'supercargo/turn/v1',
    revision: revisionOf(state),
    answer:
      services.length > 0
        ? 'granted'
        : (TURN_ANSWERS.find((kind) => why.some((w) => w.answer === kind)) ?? 'wait'),
    services,
    refused: why,
    done,
    askAfterSeconds: why.length > 0 ? ASK_AGAIN_SECONDS : 0,
  });
  if (!word) {
    const message = 'the store has no report of this host yet';
    const why = request.services.map(({ service }) => ({
      service,
      answer: 'wait' as const,
      message,
      holders: [],
      hosts: [],
    }));
    return { kind: 'answer', state, answer: answer([], why), mostHeld: 0 };
  }
  const asking = { state, view, word, request };
  const judged = judgeAll(asking);
  const taking = judged.flatMap(([wish, j]) => (j.kind === 'granted' && j.takesSlot ? [wish] : []));
  const jobs = judged.flatMap(([wish, j]) => (j.kind === 'granted' && wish.kind === 'job' ? [wish] : []));
  const refusing = judged.flatMap(([wish, j]) => (j.kind === 'refused' ? [wish] : []));
  const kept = { ...asking, state: withoutRefused(asking, refusing) };
  const next = jobs.reduce((s, wish) => giveJob(s, view, { host, request, wish }), granted(kept, taking));
  // Only what is granted is remembered: hosts that wait ask often, and cost no write.
  const after = next === state ? state : hearLife(next, host, request.life, request.seq);
  const services = judged.flatMap(([{ service }, { kind }]) => (kind === 'granted' ? [service] : []));
  const why = judged.flatMap(([, j]) => (j.kind === 'refused' ? [j.why] : []));
  const done = judged.flatMap(([{ service, digest, attempt }, { kind }]) =>
    kind === 'done' && digest !== null ? [{ service, digest, attempt }] : [],
  );
  const held = judged.flatMap(([{ service }, j]) =>
    j.kind === 'refused' && j.isSlot ? [2 * placesOf(state, view, service)] : [],
  );
  return {
    kind: 'answer',
    state: asReviewed(after, view),
    answer: answer(services, why, done),
    mostHeld: Math.max(0, ...held),
  };
};
