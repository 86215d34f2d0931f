import * as v from 'valibot';
import { isReportingHost } from '../hub/file-names.ts';
import { isReserved } from './report-word.ts';
import { readBody, type ReadDocument } from './read-turn-request.ts';
import type { RolloutCommand } from './rollout-command.ts';

/** The longest reason and name, in characters of four bytes. */
export const ROLLOUT_COMMAND_CAP_BYTES = 8 * 1024;
const LONGEST_SECONDS = 366 * 24 * 3600;

const line = (most: number) =>
  v.pipe(
    v.string('must be text'),
    v.check((text) => text.trim() !== '', 'must not be empty'),
    v.maxLength(most, `must be at most ${String(most)} characters long`),
    v.regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, 'must be one line without control characters'),
  );
const said = { reason: line(1024), by: line(256) };
const host = v.pipe(
  v.string('must be text'),
  v.check((text) => isReportingHost(text) && !isReserved(text), 'must be the name of a host that reports'),
);
const seconds = `must be null or a whole number of seconds from 1 to ${String(LONGEST_SECONDS)}`;

const SCHEMAS: {
  readonly [K in RolloutCommand['kind']]: v.GenericSchema<
    unknown,
    Omit<Extract<RolloutCommand, { kind: K }>, 'kind'>
  >;
} = {
  halt: v.strictObject({
    ...said,
    forSeconds: v.nullable(
      v.pipe(
        v.number(seconds),
        v.integer(seconds),
        v.minValue(1, seconds),
        v.maxValue(LONGEST_SECONDS, seconds),
      ),
    ),
  }),
  resume: v.strictObject({ ...said, jobElsewhere: v.optional(v.boolean('must be true or false'), false) }),
  free: v.strictObject({ host, ...said }),
  'leave-out': v.strictObject({ host, ...said, undo: v.boolean('must be true or false') }),
};

/** The body of `POST /rollouts/ENV/KIND`. */
export const readRolloutCommand = (
  bytes: Uint8Array,
  kind: RolloutCommand['kind'],
): ReadDocument<RolloutCommand> => {
  const schema = v.pipe(
    SCHEMAS[kind] as v.GenericSchema<unknown, object>,
    v.transform((members) => ({ kind, ...members }) as RolloutCommand),
  );
  return readBody(bytes, schema, {
    what: 'the command',
    advice: `send it with \`supercargo rollout ${kind}\` of the same release line as the hub`,
  });
};
