import { refusal, type Refusal } from '../hub/refusal.ts';
import { audited } from './audit.ts';
import { unfinishedChanges, without, type FleetView } from './fleet-view.ts';
import { holdersOf, isTurn } from './places.ts';
import { blocksChanges, jobKey } from './jobs.ts';
import { review } from './review.ts';
import type { RolloutCommand } from './rollout-command.ts';
import type { HostEnd, TurnState } from './turn-state.ts';

export type Obeyed =
  | { readonly kind: 'done'; readonly state: TurnState }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const refused = (code: string, message: string, advice: string): Obeyed => ({
  kind: 'refused',
  refusal: refusal(409, code, message, advice),
});

type Of<K extends RolloutCommand['kind']> = Extract<RolloutCommand, { kind: K }>;

const halt = (state: TurnState, { nowMs }: FleetView, c: Of<'halt'>): Obeyed => ({
  kind: 'done',
  state: audited(
    {
      ...state,
      halt: {
        reason: c.reason,
        by: c.by,
        atMs: nowMs,
        untilMs: c.forSeconds === null ? null : nowMs + c.forSeconds * 1000,
        serial: state.serial,
      },
    },
    nowMs,
    'halt',
    c.reason,
    { by: c.by },
  ),
});

const forgive = (end: HostEnd): HostEnd => (end.result === 'good' ? end : { ...end, forgiven: true });

/** With `--job-elsewhere` what is known of a lost run is forgotten, so that another host may run it. */
const withoutStopped = ({ jobs }: TurnState, { jobElsewhere }: Of<'resume'>): TurnState['jobs'] =>
  jobElsewhere ? Object.fromEntries(Object.entries(jobs).filter(([, run]) => run.state !== 'lost')) : jobs;

const resume = (state: TurnState, { nowMs }: FleetView, c: Of<'resume'>): Obeyed => {
  const jobs = withoutStopped(state, c);
  const isHalted = state.halt !== null || unfinishedChanges(state).some(({ halted }) => halted !== null);
  const failed = Object.values(state.jobs).find((run) => blocksChanges(state, run) && jobs[jobKey(run)]);
  if (failed)
    return failed.state === 'failed'
      ? refused(
          'job-failed',
          `the job ${failed.service} failed on ${failed.host ?? 'a host'}, and runs once for each attempt`,
          `publish a repaired version, or try it again: supercargo publish ${state.environment} --retry ` +
            (failed.entries[0] ?? failed.service),
        )
      : refused(
          'job-lost',
          `the job ${failed.service} may still run on ${failed.host ?? 'a host'}, which is silent`,
          'make sure that it has ended there; then add --job-elsewhere, and another host runs it',
        );
  if (!isHalted && !c.jobElsewhere)
    return refused(
      'not-halted',
      `nothing of ${state.environment} is halted`,
      `see where it is: supercargo rollout status ${state.environment}`,
    );
  const forgiven = unfinishedChanges(state).flatMap(({ halted, ends }) =>
    halted ? Object.keys(ends).filter((host) => ends[host]?.result !== 'good') : [],
  );
  const changes = state.changes.map((change) =>
    change.halted
      ? {
          ...change,
          halted: null,
          ends: Object.fromEntries(Object.entries(change.ends).map(([h, e]) => [h, forgive(e)])),
        }
      : change,
  );
  const names = [...new Set(forgiven)];
  const message = names.length > 0 ? `${c.reason}; forgiven: ${names.join(', ')}` : c.reason;
  const resumed = {
    ...state,
    changes,
    halt: null,
    jammed: {},
    jobs,
    restored: state.restored && c.jobElsewhere ? { ...state.restored, serial: -1 } : state.restored,
  };
  return { kind: 'done', state: audited(resumed, nowMs, 'resume', message, { by: c.by }) };
};

const free = (state: TurnState, view: FleetView, c: Of<'free'>): Obeyed => {
  const turn = state.turns[c.host];
  if (!turn) {
    const services = view.words.find(({ host }) => host === c.host)?.services ?? [];
    const isOut = services.some(({ service }) =>
      holdersOf(state, view, service).some((h) => h.host === c.host && !isTurn(h)),
    );
    return isOut
      ? refused(
          'no-turn',
          `${c.host} has no turn: it takes a place because it does not serve`,
          `bring its services back, or leave it out: ` +
            `supercargo rollout leave-out ${state.environment} ${c.host} --reason …`,
        )
      : refused(
          'no-turn',
          `${c.host} has no turn`,
          `see who has one: supercargo rollout status ${state.environment}`,
        );
  }
  const freed = { ...state, turns: without(state.turns, c.host) };
  const what = `${Object.keys(turn.services).join(', ')}: ${c.reason}`;
  return { kind: 'done', state: audited(freed, view.nowMs, 'free', what, { host: c.host, by: c.by }) };
};

const leaveOut = (state: TurnState, view: FleetView, c: Of<'leave-out'>): Obeyed => {
  const { host, by, reason } = c;
  const said = { host, by };
  if (c.undo) {
    if (!state.leftOut[host])
      return refused(
        'not-left-out',
        `${host} is not left out`,
        `see who is: supercargo rollout status ${state.environment}`,
      );
    const back = { ...state, leftOut: without(state.leftOut, host) };
    return { kind: 'done', state: audited(back, view.nowMs, 'undo', reason, said) };
  }
  if (!view.words.some((word) => word.host === host) && !state.turns[host])
    return refused(
      'unknown-host',
      `${host} has not reported for ${state.environment}`,
      `see the hosts: supercargo fleet ${state.environment}`,
    );
  const leftOut = { ...state.leftOut, [host]: { reason, by, atMs: view.nowMs } };
  return { kind: 'done', state: audited({ ...state, leftOut }, view.nowMs, 'leave-out', reason, said) };
};

const obeyed = (state: TurnState, view: FleetView, command: RolloutCommand): Obeyed => {
  switch (command.kind) {
    case 'halt':
      return halt(state, view, command);
    case 'resume':
      return resume(state, view, command);
    case 'free':
      return free(state, view, command);
    case 'leave-out':
      return leaveOut(state, view, command);
  }
};

/** Does what a person says. The state is reviewed before and after. */
export const obey = (given: TurnState, view: FleetView, command: RolloutCommand): Obeyed => {
  const done = obeyed(review(given, view), view, command);
  return done.kind === 'done' ? { kind: 'done', state: review(done.state, view) } : done;
};
