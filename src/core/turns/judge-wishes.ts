import { changeOf, hostsText, isHaltedByPerson, type FleetView } from './fleet-view.ts';
import { filesHalt } from './halts.ts';
import type { HostWord } from './host-word.ts';
import { entriesOf, judgeJob } from './jobs.ts';
import { holdersOf, holderText, isTurn, placesOf } from './places.ts';
import type { RefusedWish, TurnRequest, TurnWish } from './turn-request.ts';
import type { Change, TurnState } from './turn-state.ts';
import { mayGo, openWaveOf, waveText } from './waves.ts';

/** A request of a host, and what the store knows when it judges it. */
export interface Asking {
  readonly state: TurnState;
  readonly view: FleetView;
  readonly word: HostWord;
  readonly request: TurnRequest;
}

export type Judged =
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
export const judgeAll = (asking: Asking): readonly (readonly [TurnWish, Judged])[] => {
  const judged = asking.request.services.map((wish) => [wish, judge(asking, wish)] as const);
  return judged.map(([wish, own]) => {
    if (own.kind !== 'granted' || wish.group === undefined) return [wish, own] as const;
    const held = judged.find(([other, j]) => other.group === wish.group && j.kind === 'refused');
    return held && held[1].kind === 'refused'
      ? ([wish, { ...held[1], why: { ...held[1].why, service: wish.service } }] as const)
      : ([wish, own] as const);
  });
};
