import * as v from 'valibot';
import { formatProblems, problemsOf } from '../manifest/schema-problem.ts';
import { decodeText, parseJson } from '../manifest/text.ts';
import type { Widened } from '../status/reported-status.ts';
import type { RolloutStatus } from './rollout-status.ts';

/**
 * The document of a hub of another version: any word may be unknown. Readers keep and show an unknown word,
 * but do not count it as finished.
 */
export type ReportedRollout = Widened<RolloutStatus>;
export type ReportedChange = ReportedRollout['changes'][number];
export type ReportedWave = ReportedChange['waves'][number];
export type ReportedFailure = ReportedChange['failures'][number];

/** A newer hub may add members and words; the types of these members are fixed. */
const text = v.string();
const texts = v.array(text);
const time = v.pipe(text, v.isoTimestamp());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const maybe = <S extends v.GenericSchema>(schema: S) => v.nullable(schema);
const amount = v.union([v.number(), text]);

const pace = v.looseObject({
  maxParallel: amount,
  waves: v.array(v.union([v.looseObject({ labels: v.record(text, text) }), v.looseObject({ share: text })])),
  soakSeconds: v.number(),
  haltAfter: amount,
  turnSeconds: v.number(),
});

const wave = v.looseObject({
  name: text,
  openedAt: maybe(time),
  hosts: count,
  good: count,
  failed: texts,
  switching: texts,
  waiting: texts,
  unready: v.array(v.looseObject({ host: text, reason: text })),
  excused: v.array(v.looseObject({ host: text, reason: text })),
});

const change = v.looseObject({
  serial: count,
  at: time,
  state: text,
  urgent: maybe(text),
  entries: v.array(v.looseObject({ entry: text, version: text })),
  waves: v.array(wave),
  soaksUntil: maybe(time),
  halted: maybe(v.looseObject({ reason: text, at: time, hosts: texts })),
  failures: v.array(
    v.looseObject({
      host: text,
      result: text,
      at: time,
      message: maybe(text),
      log: texts,
      forgiven: v.boolean(),
    }),
  ),
});

const schema = v.looseObject({
  apiVersion: v.literal('supercargo/rollout/v1', 'must be supercargo/rollout/v1'),
  environment: text,
  at: time,
  revision: count,
  serial: count,
  pace: maybe(pace),
  starting: maybe(v.looseObject({ hosts: texts, until: time })),
  halt: maybe(v.looseObject({ reason: text, by: text, at: time, until: maybe(time) })),
  abandoned: v.array(v.looseObject({ entry: text, digest: text })),
  changes: v.array(change),
  holders: v.array(v.looseObject({ host: text, service: text, state: text, since: maybe(time) })),
  leftOut: v.array(v.looseObject({ host: text, reason: text, by: text, at: time })),
  jobs: v.array(
    v.looseObject({
      job: text,
      digest: text,
      attempt: count,
      state: text,
      host: maybe(text),
      at: time,
      message: maybe(text),
      log: texts,
    }),
  ),
  tooOld: texts,
  audit: v.array(v.looseObject({ at: time, what: text, host: maybe(text), by: maybe(text), message: text })),
});

export type ReadRollout =
  | { readonly kind: 'rollout'; readonly rollout: ReportedRollout }
  /** Completes "the answer is". */
  | { readonly kind: 'problem'; readonly message: string };

const problem = (message: string): ReadRollout => ({ kind: 'problem', message });

/** Reads the answer of `GET /rollouts/ENV`. */
export const readRollout = (bytes: Uint8Array): ReadRollout => {
  const decoded = decodeText(bytes);
  if (decoded === undefined) return problem('not UTF-8 text');
  const json = parseJson(decoded);
  if (json.kind === 'problem') return problem(json.message);
  const parsed = v.safeParse(schema, json.value, { abortEarly: true });
  if (parsed.success) return { kind: 'rollout', rollout: parsed.output };
  return problem(`not valid: ${formatProblems(problemsOf(parsed.issues))}`);
};
