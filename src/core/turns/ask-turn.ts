import { refusal, type Refusal } from '../hub/refusal.ts';
import { audited } from './audit.ts';
import { hearLife } from './end-turns.ts';
import { withoutServices, changeOf, replaceChange, type FleetView } from './fleet-view.ts';
import { giveJob } from './jobs.ts';
import { judgeAll, type Asking } from './judge-wishes.ts';
import { placesOf } from './places.ts';
import { asReviewed, review } from './review.ts';
import { revisionOf } from './revisions.ts';
import {
  TURN_ANSWERS,
  type RefusedWish,
  type TurnAnswer,
  type TurnRequest,
  type TurnWish,
} from './turn-request.ts';
import type { Turn, TurnState } from './turn-state.ts';
import { openWaveOf } from './waves.ts';

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
  const names = returned.map(({ service }) => service);
  return { ...state, turns: withoutServices(state, host, names) };
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
