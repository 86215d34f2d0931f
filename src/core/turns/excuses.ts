import { turnTimeMs, concerned, isHeard, isOfChange, isSettled, sameVersion } from './fleet-view.ts';
import type { HostWord, ServiceWord } from './host-word.ts';
import type { EpochMs } from '../time.ts';
import type { Change, TurnState } from './turn-state.ts';

/** A change stays unfinished while a host of its last wave has one of these excuses. */
const TEMPORARY: ReadonlySet<string> = new Set(['window', 'hold', 'drained']);
export const isTemporary = (excuse: string): boolean => TEMPORARY.has(excuse);

const isOpen = (service: ServiceWord): boolean =>
  service.state === 'none' || (service.state === 'good' && !isSettled(service));

/** The reason of a member that neither ended nor waits for a turn; null if a turn is all that it lacks. */
export const otherReason = (state: TurnState, change: Change, word: HostWord): string | null => {
  if (!isHeard(state, word)) return 'another agent reported as it';
  if ((word.serial ?? 0) < change.serial && concerned(change, word).some((s) => !isOfChange(change, s)))
    return 'behind';
  const open = concerned(change, word).filter(isOpen);
  const reasons = open.map(({ outcome, reason }) => reason ?? outcome);
  return reasons.find((reason) => reason !== 'turn' && reason !== 'halted') ?? null;
};

/** Why no wave waits for this host, in a few words; undefined if waves wait for it. */
export const excuseOf = (
  state: TurnState,
  change: Change,
  word: HostWord,
  nowMs: EpochMs,
): string | undefined => {
  if (state.leftOut[word.host]) return 'left out';
  // Only a turn of this change keeps its wave waiting: one of an older version may be lost for ever.
  const turned = Object.values(state.turns[word.host]?.services ?? {});
  if (turned.some((t) => t.entry !== null && sameVersion(change.entries[t.entry], t))) return undefined;
  if (word.isSilent) return 'silent';
  if (!word.isRunning) return 'stopped';
  if (word.turns === null) return 'agent too old';
  if (word.refuses) return 'refuses the manifest';
  if (word.isHeld) return 'hold';
  if (word.isDrained) return 'drained';
  const services = concerned(change, word).filter(isOpen);
  if (services.some(({ reason }) => reason === 'window')) return 'window';
  const blocked = services.find(({ outcome }) => outcome === 'blocked');
  if (blocked) return `blocked: ${blocked.message ?? blocked.reason ?? blocked.service}`;
  const waiting = change.delays[word.host];
  const longMs = turnTimeMs(state);
  return waiting && nowMs - waiting.sinceMs > longMs ? `waits: ${waiting.reason}` : undefined;
};
