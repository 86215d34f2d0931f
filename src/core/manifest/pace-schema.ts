import * as v from 'valibot';
import { LABELS_FORM, validLabels } from '../fleet/host-labels.ts';
import { DEFAULT_PACE, type Amount, type Pace, type Wave } from './pace.ts';
import { problemsOf, type Problem } from './schema-problem.ts';
import { notList, text, wholeNumber } from './schema-values.ts';

const MOST_WAVES = 20;
const MOST_HOSTS = 1_000_000;
const MINUTE = 60;
const DAY = 24 * 3600;
const MOST_SOAK_SECONDS = 30 * DAY;
/** As long as until a host counts as silent: heartbeats of a host come up to 90 s apart. */
const LEAST_TURN_SECONDS = 3 * MINUTE;
const MOST_TURN_SECONDS = 7 * DAY;

const PERCENT = /^(100(?:\.0{1,2})?|\d{1,2}(?:\.\d{1,2})?)%$/;

/** Parses `10%` or `0.25%`, with at most two decimals. Undefined for other text. */
const parsePercent = (value: string): number | undefined => {
  const digits = PERCENT.exec(value)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

const SHARE =
  'must be a share of the hosts like "10%", more than 0% and at most 100%, with up to two decimals';

const amount = (least: number, message: string) =>
  v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }): Amount => {
      const percent = typeof value === 'string' ? parsePercent(value) : undefined;
      // Every share above 0% stands for at least one host.
      if (percent !== undefined && (percent > 0 || least === 0)) return { percent };
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= MOST_HOSTS)
        return { hosts: value };
      addIssue({ message });
      return NEVER;
    }),
  );

const share = v.pipe(
  text(16),
  v.rawTransform(({ dataset, addIssue, NEVER }): number => {
    const percent = parsePercent(dataset.value);
    if (percent !== undefined && percent > 0) return percent;
    addIssue({ message: SHARE });
    return NEVER;
  }),
);

const labels = v.pipe(
  v.unknown(),
  notList,
  v.record(v.string(), text(63), 'must be an object of labels'),
  v.check(
    (value) =>
      Object.keys(value).length > 0 && Object.keys(validLabels(value)).length === Object.keys(value).length,
    `must be labels that a host can have (${LABELS_FORM})`,
  ),
);

const wave = v.pipe(
  v.strictObject({ labels: v.optional(labels), share: v.optional(share) }),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }): Wave => {
    if (value.labels !== undefined && value.share === undefined) return { labels: value.labels };
    if (value.share !== undefined && value.labels === undefined) return { percent: value.share };
    addIssue({ message: 'must have either labels or a share' });
    return NEVER;
  }),
);

const waveCount = `must be a list of 1 to ${String(MOST_WAVES)} waves`;

export const paceSchema = v.pipe(
  v.unknown(),
  notList,
  v.strictObject({
    maxParallel: v.optional(
      amount(1, 'must be a number of hosts from 1 on, or a share of them like "10%" above 0%'),
    ),
    waves: v.optional(
      v.pipe(v.array(wave, waveCount), v.minLength(1, waveCount), v.maxLength(MOST_WAVES, waveCount)),
    ),
    soakSeconds: v.optional(
      wholeNumber(
        0,
        MOST_SOAK_SECONDS,
        `must be a whole number of seconds from 0 to ${String(MOST_SOAK_SECONDS)} (30 days)`,
      ),
    ),
    haltAfter: v.optional(amount(0, 'must be a number of hosts from 0 on, or a share of them like "5%"')),
    turnSeconds: v.optional(
      wholeNumber(
        LEAST_TURN_SECONDS,
        MOST_TURN_SECONDS,
        `must be a whole number of seconds from ${String(LEAST_TURN_SECONDS)} (3 minutes) to ` +
          `${String(MOST_TURN_SECONDS)} (7 days)`,
      ),
    ),
  }),
  v.transform((written): Pace => ({
    maxParallel: written.maxParallel ?? DEFAULT_PACE.maxParallel,
    waves: written.waves ?? DEFAULT_PACE.waves,
    soakSeconds: written.soakSeconds ?? DEFAULT_PACE.soakSeconds,
    haltAfter: written.haltAfter ?? DEFAULT_PACE.haltAfter,
    turnSeconds: written.turnSeconds ?? DEFAULT_PACE.turnSeconds,
  })),
);

export type ParsedPace =
  | { readonly kind: 'pace'; readonly pace: Pace }
  | { readonly kind: 'problems'; readonly problems: readonly [Problem, ...Problem[]] };

/** Reads a pace as a manifest writes it. */
export const parsePace = (value: unknown): ParsedPace => {
  const result = v.safeParse(paceSchema, value);
  return result.success
    ? { kind: 'pace', pace: result.output }
    : { kind: 'problems', problems: problemsOf(result.issues) };
};

const REASON = text(1024);
/** Why a reason cannot be in a manifest; undefined if it can. */
export const reasonProblem = (reason: string): string | undefined =>
  v.safeParse(REASON, reason).issues?.[0].message;

export const urgentSchema = v.strictObject({ reason: REASON });
