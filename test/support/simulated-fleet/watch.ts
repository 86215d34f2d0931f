import type { Change, TurnState } from '../../../src/core/turns/turn-state.ts';
import type { FleetView } from '../../../src/core/turns/fleet-view.ts';
import type { HostWord, ServiceWord } from '../../../src/core/turns/host-word.ts';
import type { TurnRequest, TurnWish } from '../../../src/core/turns/turn-request.ts';
import { hasLabels } from '../../../src/core/fleet/host-labels.ts';
import { uniformOf } from '../../../src/core/hash-fraction.ts';
import { amountOf } from '../../../src/core/manifest/pace.ts';
import type { Candidate, HostService } from './host-service.ts';
import type { SimulatedHost } from './simulated-host.ts';
import { ENVIRONMENT, type StoreStep, type StoreWatch } from './simulated-store.ts';
import { behaviourOf } from './versions.ts';

export const RULES = ['slots', 'time-frees-nothing', 'waves', 'bad-everywhere', 'halted', 'ends'] as const;
export type Rule = (typeof RULES)[number];

export type Violations = Readonly<Record<Rule, string[]>>;

/** What the hosts really do, beside what the store believes. */
export interface Truth {
  readonly hosts: () => readonly SimulatedHost[];
  readonly startMs: number;
  readonly nowMs: () => number;
  /** A grant to this host is on its way. */
  readonly isGrantOnItsWay: (host: SimulatedHost, service: string) => boolean;
  /** A person has taken its turn away, or has left it out: its slot counts no more. */
  readonly isWaived: (host: string) => boolean;
  /** A person did something that lets more hosts begin: the bound on a bad version no longer holds. */
  readonly isBoundWaived: (change: Change) => boolean;
  /** The clock of the store was stepped. */
  readonly hasClockSteps: () => boolean;
}

interface Reached {
  readonly change: Change;
  readonly hosts: Set<string>;
  parallel: number;
  tolerated: number;
}

const MOST_NOTED = 5;

const defines = (view: FleetView, state: TurnState, service: string): number =>
  view.words.filter(
    (w) => !w.isSilent && !state.leftOut[w.host] && w.services.some((s) => s.service === service),
  ).length;

const placesOf = (state: TurnState, view: FleetView, service: string): number =>
  Math.max(1, amountOf(state.pace?.maxParallel ?? { hosts: 1 }, defines(view, state, service)));

const changeOf = (state: TurnState, entry: string | null): Change | undefined =>
  state.changes.find((c) => c.finishedAtMs === null && entry !== null && c.entries[entry] !== undefined);

const concernedIn = (change: Change, word: HostWord): readonly ServiceWord[] =>
  word.services.filter(({ entry }) => entry !== null && change.entries[entry] !== undefined);

const isSelected = (change: Change, word: HostWord, number: number): boolean => {
  const wave = change.waves[number];
  const open = change.opened[number];
  if (!wave || !open) return false;
  if ('labels' in wave) return hasLabels(word.labels, wave.labels);
  return uniformOf(`${ENVIRONMENT}/${String(change.serial)}/${word.host}`) <= (open.upTo ?? -1);
};

/** A reason for which no wave waits for a host, also such that count only after a while. */
const mayBeExcused = (state: TurnState, change: Change, word: HostWord): boolean =>
  state.leftOut[word.host] !== undefined ||
  // It gave its last turn back, which excuses it after a while.
  state.returned[word.host] !== undefined ||
  word.isSilent ||
  !word.isRunning ||
  word.isHeld ||
  word.isDrained ||
  word.turns === null ||
  state.lives[word.host]?.replaced.includes(word.turns.life) === true ||
  concernedIn(change, word).some(
    ({ state: is, reason, digest, entry, attempt }) =>
      (is === 'none' && reason !== 'turn' && reason !== 'halted') ||
      change.entries[entry ?? '']?.digest !== digest ||
      change.entries[entry ?? '']?.attempt !== attempt,
  );

/** Its clients are not served: by the host's last report, or in truth since a turn of it ended. */
const isDown = (view: FleetView, host: SimulatedHost, name: string): boolean => {
  const word = view.words.find((w) => w.host === host.name);
  const service = host.services.find((s) => s.name === name);
  if (!word || word.isSilent || !service) return false;
  const said = word.services.find((s) => s.service === name);
  const isSaid = said?.hasServed === true && said.serves === false;
  const isAfterTurn =
    host.isAlive && host.isAgentUp && service.isAfterTurn && service.good.length > 0 && !host.serves(service);
  return isSaid || isAfterTurn;
};

/** Checks in every step of a run, by the truth of the hosts, what the rules guarantee. */
export const createWatch = (
  truth: Truth,
): {
  readonly violations: Violations;
  readonly store: StoreWatch;
  readonly begun: (host: SimulatedHost, service: HostService, candidate: Candidate) => void;
} => {
  const violations: Violations = {
    slots: [],
    'time-frees-nothing': [],
    waves: [],
    'bad-everywhere': [],
    halted: [],
    ends: [],
  };
  const reached = new Map<string, Reached>();
  /** By host and entry: when a person forgave its failure. */
  const forgiven = new Set<string>();
  let last: { readonly state: TurnState; readonly view: FleetView } | undefined;

  const note = (rule: Rule, message: string): void => {
    if (violations[rule].length < MOST_NOTED)
      violations[rule].push(`${String(Math.round((truth.nowMs() - truth.startMs) / 1000))} s: ${message}`);
  };

  /** Where a version of a change has begun, and on how many hosts it may begin at most. */
  const reach = (
    {
      name,
      entry,
      digest,
    }: { readonly name: string; readonly entry: string | null; readonly digest: string | null },
    state: TurnState,
    view: FleetView,
  ): Reached | undefined => {
    const change = changeOf(state, entry);
    if (!change || entry === null || change.entries[entry]?.digest !== digest) return undefined;
    const key = `${name} ${String(digest)} ${String(change.serial)}`;
    const found = reached.get(key) ?? { change, hosts: new Set<string>(), parallel: 0, tolerated: 0 };
    reached.set(key, found);
    const defining = view.words.filter((w) => w.services.some((s) => s.entry === entry)).length;
    found.parallel = Math.max(found.parallel, placesOf(state, view, name));
    found.tolerated = Math.max(found.tolerated, amountOf(change.haltAfter, defining));
    return found;
  };

  const isSwitchingByTurn = (host: SimulatedHost, name: string): boolean => {
    const service = host.services.find((s) => s.name === name);
    if (!service) return false;
    if (host.isAlive && truth.isGrantOnItsWay(host, name)) return true;
    if (service.candidate?.byTurn === true) return true;
    // A grant for what the host no longer wants begins nothing.
    const want = host.desired(service);
    const isWanted =
      service.grant?.releaseId === want?.release.id && service.grant?.attempt === want?.attempt;
    return host.isAlive && service.grant?.byTurn === true && isWanted;
  };

  const checkSlots = (name: string, wish: TurnWish, state: TurnState, view: FleetView): void => {
    if (wish.kind === 'first' && state.turns[name]?.services[wish.service] === undefined) return;
    const others = truth.hosts().filter((host) => host.name !== name && !truth.isWaived(host.name));
    const byTurn = others.filter((host) => isSwitchingByTurn(host, wish.service));
    const taken = wish.serves
      ? others.filter((host) => byTurn.includes(host) || isDown(view, host, wish.service))
      : byTurn;
    const most = placesOf(state, view, wish.service);
    const names = taken.map((host) => `${host.name}${byTurn.includes(host) ? '' : ' (down)'}`);
    if (taken.length >= most)
      note('slots', `${name} may switch ${wish.service} beside ${names.join(', ')}, of ${String(most)}`);
  };

  const checkWave = (word: HostWord, wish: TurnWish, state: TurnState): void => {
    const change = changeOf(state, wish.entry);
    if (!change || change.urgent || wish.kind !== 'version' || !wish.serves) return;
    const isServed = concernedIn(change, word).every((s) => s.serves !== false || !s.hasServed);
    const hasTurned = last?.state.changes.some((c) => c.serial === change.serial && c.turned[word.host]);
    const isMember = change.waves.some((_wave, number) => isSelected(change, word, number));
    if (!isMember && hasTurned !== true && isServed)
      note(
        'waves',
        `${word.host} may switch ${wish.service} before its wave of serial ${String(change.serial)}`,
      );
  };

  const checkHalted = (word: HostWord, wish: TurnWish, state: TurnState, view: FleetView): void => {
    const change = changeOf(state, wish.entry);
    const { halt } = state;
    if (halt && !(change?.urgent && change.serial > halt.serial))
      note('halted', `${word.host} may switch ${wish.service} although a person halted it`);
    if (!change || wish.entry === null || wish.kind === 'files') return;
    if (change.halted) note('halted', `${word.host} may switch ${wish.service}, which is halted`);
    const version = change.entries[wish.entry];
    const failed = view.words.filter(
      ({ host, services, turns }) =>
        !state.leftOut[host] &&
        turns !== null &&
        !forgiven.has(`${host} ${String(change.serial)}`) &&
        state.lives[host]?.replaced.includes(turns.life) !== true &&
        services.some(
          (s) =>
            s.entry === wish.entry &&
            s.digest === version?.digest &&
            s.attempt === version.attempt &&
            s.state === 'failed' &&
            s.kind === 'version' &&
            change.turned[host]?.unserved.includes(s.service) === false,
        ),
    );
    const tolerated = amountOf(
      change.haltAfter,
      view.words.filter(
        (w) => !w.isSilent && !state.leftOut[w.host] && w.services.some((s) => s.entry === wish.entry),
      ).length,
    );
    if (failed.length > tolerated)
      note(
        'halted',
        `${word.host} may switch ${wish.service} although ${failed.map((w) => w.host).join(' ')} failed`,
      );
  };

  const checkOpened = (before: TurnState, after: TurnState, view: FleetView): void => {
    for (const change of after.changes) {
      const was = before.changes.find((c) => c.serial === change.serial);
      if (!was || change.urgent || was.opened.length === 0 || change.opened.length <= was.opened.length)
        continue;
      const number = was.opened.length - 1;
      const members = view.words.filter(
        (word) =>
          concernedIn(change, word).length > 0 &&
          after.leftOut[word.host] === undefined &&
          isSelected(change, word, number),
      );
      const isForgiven = ({ host }: HostWord): boolean =>
        was.ends[host]?.forgiven === true || change.ends[host]?.forgiven === true;
      const isGood = ({ host: name }: HostWord): boolean => {
        const host = truth.hosts().find((h) => h.name === name);
        return (
          host?.services
            .filter(({ entry }) => entry !== null && change.entries[entry] !== undefined)
            .every((s) => s.good[0]?.digest === change.entries[s.entry ?? '']?.digest) === true
        );
      };
      const hasFailed = (word: HostWord): boolean =>
        ['failed', 'lost', 'stuck'].includes(
          was.ends[word.host]?.result ??
            after.changes.find((c) => c.serial === change.serial)?.ends[word.host]?.result ??
            '',
        );
      const text = `wave ${String(number + 2)} of serial ${String(change.serial)} opened`;
      const late = members.filter(
        (word) => !isGood(word) && !hasFailed(word) && !mayBeExcused(after, change, word),
      );
      if (late.length > 0) note('waves', `${text} before ${late.map((w) => w.host).join(' ')}`);
      const isWaved = members.every(isForgiven);
      if (!isWaved && !members.some(isGood) && !Object.values(change.ends).some((e) => e.result === 'good'))
        note('waves', `${text} although no host of the wave before is good`);
      const sinceMs = Math.max(
        ...members.flatMap((word) => {
          const host = truth.hosts().find((h) => h.name === word.host);
          const isWaited = was.ends[word.host]?.result === 'good' && was.ends[word.host]?.atMs !== undefined;
          const openedAtMs = was.opened[number]?.openedAtMs ?? 0;
          return isWaited && host && isGood(word) && (was.ends[word.host]?.atMs ?? 0) >= openedAtMs
            ? host.services
                .filter((s) => s.entry !== null && change.entries[s.entry])
                .map((s) => s.goodAtMs.get(change.entries[s.entry ?? '']?.digest ?? '') ?? 0)
            : [];
        }),
      );
      if (!isWaved && !truth.hasClockSteps() && truth.nowMs() - sinceMs < change.soakSeconds * 1000)
        note('waves', `${text} before the one before had soaked`);
    }
  };

  const checkFreed = (before: TurnState, after: TurnState, view: FleetView, step: StoreStep): void => {
    for (const [host, turn] of Object.entries(before.turns))
      for (const service of Object.keys(turn.services)) {
        if (after.turns[host]?.services[service]) continue;
        const word = view.words.find((w) => w.host === host);
        const isFreed = step.kind === 'command' && step.command.kind === 'free' && step.command.host === host;
        const hasSaid = word?.turns && (word.turns.life !== turn.life || word.turns.seq > turn.seq);
        const isAsking = step.kind === 'ask' && step.host === host;
        if (word && !isFreed && hasSaid !== true && !isAsking)
          note('time-frees-nothing', `${host} lost its turn of ${service} without a word of it`);
      }
  };

  return {
    violations,
    store: {
      written: (before, after, view, step) => {
        checkFreed(before, after, view, step);
        checkOpened(before, after, view);
        if (step.kind === 'command' && step.command.kind === 'resume')
          for (const change of after.changes)
            for (const [host, end] of Object.entries(change.ends))
              if (end.forgiven) forgiven.add(`${host} ${String(change.serial)}`);
        last = { state: before, view };
      },
      granted: (host: string, request: TurnRequest, services, { state, view }) => {
        const word = view.words.find((w) => w.host === host);
        if (!word) return;
        for (const wish of request.services.filter(({ service }) => services.includes(service))) {
          checkSlots(host, wish, state, view);
          checkWave(word, wish, state);
          checkHalted(word, wish, state, view);
          reach({ name: wish.service, entry: wish.entry, digest: wish.digest }, state, view);
        }
        last = { state, view };
      },
    },
    begun: (host, service, { release, byTurn }) => {
      if (!byTurn || !last || behaviourOf(release.digest) !== 'bad') return;
      if (service.good[0]?.digest === release.digest) return;
      const found = reach(
        { name: service.name, entry: service.entry, digest: release.digest },
        last.state,
        last.view,
      );
      if (!found) return;
      found.hosts.add(host.name);
      const most = found.parallel + found.tolerated;
      if (found.hosts.size > most && !truth.isBoundWaived(found.change))
        note(
          'bad-everywhere',
          `${release.digest} of ${service.name} reached ${[...found.hosts].join(' ')}, ` +
            `more than ${String(most)}`,
        );
    },
  };
};
