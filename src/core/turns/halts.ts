import { amountOf, DEFAULT_PACE } from '../manifest/pace.ts';
import { audited } from './audit.ts';
import {
  turnTimeMs,
  counted,
  hasGood,
  hostsText,
  replaceChange,
  unfinishedChanges,
  without,
  type FleetView,
} from './fleet-view.ts';
import { holdersOf, placesOf } from './places.ts';
import type { SlotHolder } from './turn-request.ts';
import type { Change, Halted, TurnState } from './turn-state.ts';
import { hasNoGood, openWaveOf, resultOf, toleratedIn, waveText } from './waves.ts';

/** Hosts of an entry that count against the change. */
export const failedIn = (state: TurnState, change: Change, entry: string): readonly string[] =>
  Object.entries(change.ends).flatMap(([host, end]) => {
    const isCounted =
      end.result !== 'good' &&
      end.entries.includes(entry) &&
      !end.forgiven &&
      state.leftOut[host] === undefined &&
      !(end.countsUntilGood && hasGood(change));
    return isCounted ? [host] : [];
  });

const WORDS = {
  failed: 'failed',
  lost: 'fell silent',
  stuck: 'does not end',
  returned: 'gave its turn back',
} as const;

const howEnded = ({ ends }: Change, hosts: readonly string[]): string => {
  const [first = ''] = hosts;
  const end = ends[first];
  const word = end && end.result !== 'good' ? WORDS[end.result] : 'failed';
  const message = end?.message === null || end === undefined ? '' : `: ${end.message}`;
  return `${word} on ${hostsText(hosts)}${message}`;
};

const byFailures = (state: TurnState, view: FleetView, change: Change): Omit<Halted, 'atMs'> | undefined => {
  for (const [entry, { version }] of Object.entries(change.entries)) {
    const hosts = failedIn(state, change, entry);
    if (hosts.length > toleratedIn(state, view, change, entry))
      return { reason: `${entry} ${version} ${howEnded(change, hosts)}`, entries: [entry], hosts };
  }
  return undefined;
};

const byWave = (state: TurnState, view: FleetView, change: Change): Omit<Halted, 'atMs'> | undefined => {
  const number = openWaveOf(change);
  if (number < 0) return undefined;
  const result = resultOf(state, view, change, number);
  const hosts = result.failed.filter((host) => change.ends[host]?.forgiven !== true);
  if (!hasNoGood(result) || hosts.length === 0) return undefined;
  const reason = `no host of wave ${waveText(change, number)} is good: it ${howEnded(change, hosts)}`;
  return { reason, entries: Object.keys(change.entries), hosts };
};

const JAMMING: ReadonlySet<SlotHolder['state']> = new Set(['lost', 'stuck', 'drained', 'not-serving']);

const entryOf = ({ words }: FleetView, service: string): string | null =>
  words.flatMap(({ services }) => services.filter((s) => s.service === service))[0]?.entry ?? null;

const byJam = (state: TurnState, view: FleetView, change: Change): Omit<Halted, 'atMs'> | undefined => {
  const longMs = 4 * turnTimeMs(state);
  for (const [service, sinceMs] of Object.entries(state.jammed)) {
    const entry = entryOf(view, service);
    if (view.nowMs - sinceMs <= longMs || entry === null || change.entries[entry] === undefined) continue;
    const hosts = holdersOf(state, view, service).map(({ host }) => host);
    const reason = `every place of ${service} is taken by hosts that do not go on: ${hostsText(hosts)}`;
    return { reason, entries: [entry], hosts };
  }
  return undefined;
};

/** Notes since when every slot of a service is taken by hosts that are not about to give it back. */
export const noteJams = (state: TurnState, view: FleetView): TurnState => {
  const services = new Set(
    view.words.flatMap((word) =>
      word.services.flatMap(({ service, entry }) =>
        entry !== null && unfinishedChanges(state).some((c) => c.entries[entry]) ? [service] : [],
      ),
    ),
  );
  let { jammed } = state;
  for (const service of new Set([...services, ...Object.keys(jammed)])) {
    const holders = services.has(service) ? holdersOf(state, view, service) : [];
    const isJammed =
      holders.length >= placesOf(state, view, service) && holders.every((h) => JAMMING.has(h.state));
    if (isJammed && jammed[service] === undefined) jammed = { ...jammed, [service]: view.nowMs };
    if (!isJammed && jammed[service] !== undefined) jammed = without(jammed, service);
  }
  return jammed === state.jammed ? state : { ...state, jammed };
};

/** Halts changes that are over their limit. A halt stays until it is resumed, or its cause overtaken. */
export const haltChanges = (state: TurnState, view: FleetView): TurnState =>
  unfinishedChanges(state).reduce((s, change) => {
    if (change.halted) return s;
    const found = byFailures(s, view, change) ?? byWave(s, view, change) ?? byJam(s, view, change);
    if (!found) return s;
    const halted = replaceChange(s, { ...change, halted: { ...found, atMs: view.nowMs } });
    return audited(halted, view.nowMs, 'halted', `serial ${String(change.serial)}: ${found.reason}`);
  }, state);

/**
 * The hosts on which new files of a service failed, if they are more than the pace tolerates. Not latched:
 * it ends when the files are repaired.
 */
export const filesHalt = (state: TurnState, view: FleetView, service: string): readonly string[] => {
  const words = counted(state, view);
  const failed = words.filter(({ services }) =>
    services.some((s) => s.service === service && s.kind === 'files' && s.state === 'failed'),
  );
  const defining = words.filter(({ services }) => services.some((s) => s.service === service)).length;
  const tolerated = amountOf((state.pace ?? DEFAULT_PACE).haltAfter, defining);
  return failed.length > tolerated ? failed.map(({ host }) => host) : [];
};
