import * as v from 'valibot';
import { findStrangeKey, formatProblems, problemsOf } from '../manifest/schema-problem.ts';
import { decodeText, parseJson } from '../manifest/text.ts';
import { SWITCH_KINDS } from './turn-request.ts';
import type { TurnState } from './turn-state.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A year, so that every sum is a time that can be shown. */
const seconds = v.pipe(v.number(), v.minValue(0), v.maxValue(366 * 24 * 3600));
const time = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(8e15));
const text = v.string();
const names = v.array(text);
const byName = <S extends v.GenericSchema>(schema: S) => v.record(text, schema);

const amount = v.union([v.strictObject({ hosts: v.number() }), v.strictObject({ percent: v.number() })]);
const wave = v.union([v.strictObject({ labels: byName(text) }), v.strictObject({ percent: v.number() })]);
const waves = v.array(wave);

const pace = v.strictObject({
  maxParallel: amount,
  waves,
  soakSeconds: seconds,
  haltAfter: amount,
  turnSeconds: seconds,
});

const entryVersion = { digest: v.nullable(text), attempt: count };
const said = { reason: text, by: text, atMs: time };

const change = v.strictObject({
  serial: count,
  madeAtMs: time,
  urgent: v.nullable(v.strictObject({ reason: text })),
  waves,
  soakSeconds: seconds,
  haltAfter: amount,
  entries: byName(v.strictObject({ ...entryVersion, version: text })),
  opened: v.array(v.strictObject({ openedAtMs: time, upTo: v.nullable(v.number()) })),
  ends: byName(
    v.strictObject({
      result: v.picklist(['good', 'failed', 'lost', 'stuck', 'returned']),
      atMs: time,
      entries: names,
      countsUntilGood: v.boolean(),
      forgiven: v.boolean(),
      message: v.nullable(text),
      log: names,
    }),
  ),
  turned: byName(v.strictObject({ wave: count, unserved: names })),
  delays: byName(v.strictObject({ reason: text, sinceMs: time })),
  halted: v.nullable(v.strictObject({ reason: text, entries: names, atMs: time, hosts: names })),
  finishedAtMs: v.nullable(time),
});

const turn = v.strictObject({
  life: text,
  seq: count,
  engine: text,
  grantedAtMs: time,
  mostSeconds: seconds,
  services: byName(
    v.strictObject({
      entry: v.nullable(text),
      release: text,
      ...entryVersion,
      kind: v.picklist(SWITCH_KINDS),
      served: v.boolean(),
      begunAtMs: v.nullable(time),
    }),
  ),
  lostAtMs: v.nullable(time),
});

const job = v.strictObject({
  service: text,
  digest: text,
  attempt: count,
  entries: names,
  state: v.picklist(['running', 'done', 'failed', 'lost']),
  host: v.nullable(text),
  life: text,
  seq: count,
  atMs: time,
  hasBegun: v.boolean(),
  message: v.nullable(text),
  log: names,
});

const AUDITED = [
  'change',
  'wave',
  'granted',
  'good',
  'failed',
  'returned',
  'lost',
  'stuck',
  'halted',
  'finished',
  'halt',
  'resume',
  'free',
  'leave-out',
  'undo',
  'job',
] as const;

/** Strict: a state that is only half understood must not hand out turns. */
const turnState = v.strictObject({
  apiVersion: v.literal('supercargo/turns/v1', 'must be supercargo/turns/v1'),
  environment: text,
  revision: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  serial: count,
  entries: byName(v.strictObject(entryVersion)),
  pace: v.nullable(pace),
  abandoned: byName(names),
  changes: v.array(change),
  turns: byName(turn),
  lives: byName(v.strictObject({ life: text, seq: count, replaced: names })),
  halt: v.nullable(v.strictObject({ ...said, untilMs: v.nullable(time), serial: count })),
  leftOut: byName(v.strictObject(said)),
  returned: byName(v.strictObject({ count, atMs: time })),
  jammed: byName(time),
  jobs: byName(job),
  restored: v.nullable(v.strictObject({ serial: time, seen: count })),
  start: v.nullable(v.strictObject({ atMs: time, before: count, from: count })),
  audit: v.array(
    v.strictObject({
      atMs: time,
      what: v.picklist(AUDITED),
      host: v.nullable(text),
      by: v.nullable(text),
      message: text,
    }),
  ),
}) satisfies v.GenericSchema<unknown, TurnState>;

export type ReadTurnState =
  | { readonly kind: 'state'; readonly state: TurnState }
  /** Completes "the file is damaged: …". */
  | { readonly kind: 'damaged'; readonly message: string };

const damaged = (message: string): ReadTurnState => ({ kind: 'damaged', message });

/** Parses a stored state, which must be of this environment. */
export const readTurnState = (bytes: Uint8Array, environment: string): ReadTurnState => {
  const decoded = decodeText(bytes);
  if (decoded === undefined) return damaged('it is not UTF-8 text');
  const json = parseJson(decoded);
  if (json.kind === 'problem') return damaged(`it is ${json.message}`);
  const strange = findStrangeKey(json.value);
  if (strange !== undefined) return damaged(formatProblems([strange]));
  const parsed = v.safeParse(turnState, json.value, { abortEarly: true });
  if (!parsed.success) return damaged(formatProblems(problemsOf(parsed.issues)));
  if (parsed.output.environment !== environment) return damaged('it is of another environment');
  return { kind: 'state', state: parsed.output };
};
