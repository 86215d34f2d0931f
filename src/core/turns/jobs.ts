import { audited } from './audit.ts';
import {
  turnTimeMs,
  isHeard,
  replaceChange,
  sameVersion,
  unfinishedChanges,
  without,
  type FleetView,
} from './fleet-view.ts';
import type { HostWord } from './host-word.ts';
import { noteRestore } from './revisions.ts';
import type { TurnRequest, TurnWish } from './turn-request.ts';
import type { Change, JobRun, TurnState } from './turn-state.ts';

/** A job runs once for each image and attempt. */
export const jobKey = ({
  service,
  digest,
  attempt,
}: Pick<JobRun, 'service' | 'digest' | 'attempt'>): string => `${service}@${digest}#${String(attempt)}`;

const MOST_RUNS = 200;

const withRun = (state: TurnState, run: JobRun, nowMs: number): TurnState => {
  const key = jobKey(run);
  const others = Object.entries(without(state.jobs, key)).slice(-(MOST_RUNS - 1));
  const kept = { ...state, jobs: { ...Object.fromEntries(others), [key]: run } };
  const message = `${run.service}: ${run.state}${run.message === null ? '' : `: ${run.message}`}`;
  return audited(kept, nowMs, 'job', message, { host: run.host });
};

/** What a host that was given a job says about it; undefined if nothing new. */
const wordOn = (
  run: JobRun,
  word: HostWord,
): Pick<JobRun, 'state' | 'hasBegun' | 'message' | 'log'> | 'returned' | undefined => {
  const isLater = word.turns !== null && (word.turns.life !== run.life || word.turns.seq > run.seq);
  if (!isLater) return undefined;
  const now = word.services.find((s) => s.service === run.service);
  const said = now?.digest === run.digest && now.attempt === run.attempt ? now : undefined;
  // The host has read of the next version, and finishes this run first.
  if (!said && now?.isUnsettled === true) return undefined;
  const isAsked = word.turns?.asked.includes(run.service);
  switch (said?.state ?? 'none') {
    case 'good':
      return { state: 'done', hasBegun: true, message: null, log: [] };
    case 'failed':
      return {
        state: 'failed',
        hasBegun: true,
        message: said?.failure?.message ?? said?.message ?? null,
        log: said?.failure?.log ?? [],
      };
    case 'begun':
      return { state: 'running', hasBegun: true, message: null, log: [] };
    case 'none':
      if (isAsked) return undefined;
      // A run that has begun and left no trace may have done anything: a person decides.
      return run.hasBegun
        ? { state: 'lost', hasBegun: true, message: 'it began, and its host knows nothing of it', log: [] }
        : 'returned';
  }
};

const reviewRun = (state: TurnState, view: FleetView, run: JobRun): TurnState => {
  const { nowMs } = view;
  const word = view.words.find(({ host }) => host === run.host);
  if (!word) {
    if (run.state === 'lost') return state;
    return withRun(state, { ...run, state: 'lost', message: 'the report of its host was removed' }, nowMs);
  }
  const said = isHeard(state, word) ? wordOn(run, word) : undefined;
  if (said === 'returned') return { ...state, jobs: without(state.jobs, jobKey(run)) };
  const longMs = turnTimeMs(state);
  const isSilent = word.silentMs > longMs && view.starting === null;
  const next = isSilent
    ? { ...run, state: 'lost' as const, message: 'its host has fallen silent' }
    : said
      ? { ...run, ...said }
      : run.state === 'lost' && run.message === 'its host has fallen silent'
        ? { ...run, state: 'running' as const, message: null }
        : run;
  return next.state === run.state && next.hasBegun === run.hasBegun
    ? state
    : withRun(state, { ...next, atMs: nowMs }, nowMs);
};

/** Whatever any host knows to be done is done: a store that was restored reruns nothing. */
const takeWords = (state: TurnState, { words, nowMs }: FleetView): TurnState => {
  let next = state;
  for (const { host, turns } of words)
    for (const { service, digest, attempt } of turns?.jobs ?? []) {
      const known = next.jobs[jobKey({ service, digest, attempt })];
      if (known?.state === 'done') continue;
      const run: JobRun = {
        service,
        digest,
        attempt,
        entries: known?.entries ?? [],
        state: 'done',
        host: known?.host ?? host,
        life: known?.life ?? '',
        seq: known?.seq ?? 0,
        atMs: nowMs,
        hasBegun: true,
        message: null,
        log: [],
      };
      next = withRun(next, run, nowMs);
    }
  return next;
};

/** A run that only its host knows: the store was restored. One of a silent host is left to a person. */
const takeRuns = (state: TurnState, view: FleetView): TurnState => {
  let next = state;
  for (const word of view.words)
    for (const { service, entry, digest, attempt, kind, state: said, failure } of word.services) {
      const isRun = kind === 'job' && (said === 'begun' || said === 'failed') && digest !== null;
      if (!isRun || word.isSilent || !isHeard(state, word) || next.jobs[jobKey({ service, digest, attempt })])
        continue;
      const run: JobRun = {
        service,
        digest,
        attempt,
        entries: entry === null ? [] : [entry],
        state: said === 'begun' ? 'running' : 'failed',
        host: word.host,
        life: word.turns?.life ?? '',
        seq: word.turns?.seq ?? 0,
        atMs: view.nowMs,
        hasBegun: true,
        message: failure?.message ?? null,
        log: failure?.log ?? [],
      };
      next = withRun(next, run, view.nowMs);
    }
  return next;
};

/** Notes what hosts say about the jobs that they were given. */
export const reviewJobs = (given: TurnState, view: FleetView): TurnState =>
  Object.values(given.jobs)
    .filter(({ state }) => state === 'running' || state === 'lost')
    .reduce(
      (s, run) => {
        const now = s.jobs[jobKey(run)];
        return now && now.state !== 'done' ? reviewRun(s, view, now) : s;
      },
      takeRuns(takeWords(noteRestore(given, view), view), view),
    );

const isOf = (change: Change, run: JobRun): boolean =>
  run.entries.some((entry) => change.entries[entry] !== undefined);

/** Whether the run is of the version and attempt that the job has now. */
const isPresent = (state: TurnState, { entries: [own = ''], attempt, digest }: JobRun): boolean =>
  state.entries[own] !== undefined && sameVersion(state.entries[own], { attempt, digest });

/** The run failed or is lost, and the job still has that version: changes that wait for it cannot go on. */
export const blocksChanges = (state: TurnState, run: JobRun): boolean =>
  (run.state === 'failed' || run.state === 'lost') && isPresent(state, run);

/** A job of the fleet that failed, or whose host fell silent, halts the changes that wait for it. */
export const haltByJobs = (state: TurnState, view: FleetView): TurnState =>
  unfinishedChanges(state).reduce((s, change) => {
    if (change.halted) return s;
    const run = Object.values(s.jobs).find((j) => isOf(change, j) && blocksChanges(s, j));
    if (!run) return s;
    const how = run.state === 'failed' ? 'failed' : 'is lost';
    const why = run.message === null ? '' : `: ${run.message}`;
    const reason = `the job ${run.service} ${how} on ${run.host ?? 'a host'}${why}`;
    const [own = ''] = run.entries;
    // The next version or attempt of the job ends the halt.
    const entries = change.entries[own] ? [own] : run.entries.filter((entry) => change.entries[entry]);
    const halted = { reason, entries, atMs: view.nowMs, hosts: run.host === null ? [] : [run.host] };
    return audited(
      replaceChange(s, { ...change, halted }),
      view.nowMs,
      'halted',
      `serial ${String(change.serial)}: ${reason}`,
    );
  }, state);

export type JudgedJob =
  | { readonly kind: 'granted' }
  | { readonly kind: 'done' }
  | { readonly kind: 'wait' | 'halted'; readonly message: string };

/** The entry that gives the job's version, and those of the services that wait for it. */
export const entriesOf = ({ entry, dependents = [] }: TurnWish): readonly string[] => [
  ...new Set([...(entry === null ? [] : [entry]), ...dependents]),
];

/** Whether a restored store cannot know if the job has run. */
const isUnknown = ({ restored, changes }: TurnState, wish: TurnWish): boolean => {
  const change = changes.find((c) => wish.entry !== null && c.entries[wish.entry] !== undefined);
  return restored !== null && (change?.serial ?? 0) <= restored.serial;
};

/** Whether this host may run the job now. */
export const judgeJob = (state: TurnState, host: string, wish: TurnWish): JudgedJob => {
  if (wish.digest === null || wish.entry === null)
    return {
      kind: 'wait',
      message: `${wish.service} runs once in the fleet, and needs a digest in the manifest`,
    };
  const run = state.jobs[jobKey({ ...wish, digest: wish.digest })];
  const earlier = Object.values(state.jobs).find(
    (j) => j !== run && j.service === wish.service && j.state === 'running' && j.host !== host,
  );
  // Two runs of one job side by side may spoil what both change.
  if (run?.state !== 'done' && earlier)
    return {
      kind: 'wait',
      message: `${wish.service} first ends its run of another version on ${earlier.host ?? 'a host'}`,
    };
  if (run === undefined)
    return isUnknown(state, wish)
      ? {
          kind: 'wait',
          message:
            `the store was restored from a backup, and does not know whether ${wish.service} has run: ` +
            `supercargo rollout resume ${state.environment} --job-elsewhere --reason …`,
        }
      : { kind: 'granted' };
  if (run.state === 'done') return { kind: 'done' };
  if (run.state === 'running' && run.host === host && !run.hasBegun) return { kind: 'granted' };
  const where = run.host ?? 'a host';
  if (run.state === 'running')
    return { kind: 'wait', message: `${wish.service} runs on ${where} for the fleet` };
  const what = run.state === 'failed' ? 'failed' : 'is lost';
  return { kind: 'halted', message: `${wish.service}, which runs once in the fleet, ${what} on ${where}` };
};

/** Gives the job to this host. */
export const giveJob = (
  state: TurnState,
  view: FleetView,
  { host, request, wish }: { readonly host: string; readonly request: TurnRequest; readonly wish: TurnWish },
): TurnState => {
  const { service, digest, attempt } = wish;
  if (digest === null) return state;
  const run: JobRun = {
    service,
    digest,
    attempt,
    entries: entriesOf(wish),
    state: 'running',
    host,
    life: request.life,
    seq: request.seq,
    atMs: view.nowMs,
    hasBegun: false,
    message: null,
    log: [],
  };
  return withRun(state, run, view.nowMs);
};
