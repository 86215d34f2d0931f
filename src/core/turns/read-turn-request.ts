import * as v from 'valibot';
import { refusal, type Refusal } from '../hub/refusal.ts';
import { isDigest } from '../image/reference.ts';
import { NAME } from '../docker-names.ts';
import { findStrangeKey, formatProblems, problemsOf } from '../manifest/schema-problem.ts';
import { decodeText, parseJson } from '../manifest/text.ts';
import { isReserved } from './report-word.ts';
import { SWITCH_KINDS, type TurnRequest } from './turn-request.ts';

/** Five hundred services with long names stay below it. */
export const TURN_REQUEST_CAP_BYTES = 512 * 1024;
const MOST_SECONDS = 366 * 24 * 3600;

const count = v.pipe(
  v.number('must be a whole number'),
  v.safeInteger('must be a whole number'),
  v.minValue(0, 'must not be negative'),
);
/** No control characters, so that a message with it stays one line. */
const token = (most: number) =>
  v.pipe(
    v.string('must be text'),
    v.nonEmpty('must not be empty'),
    v.maxLength(most, `must be at most ${String(most)} characters long`),
    v.regex(/^[\x21-\x7e]+$/, 'must be ASCII without blanks'),
  );
const name = v.pipe(
  token(255),
  v.regex(NAME, 'must be a service name'),
  v.check((text) => !isReserved(text), 'is a reserved word'),
);

const wish = v.strictObject({
  service: name,
  entry: v.nullable(name),
  release: token(128),
  digest: v.nullable(v.pipe(v.string(), v.check(isDigest, 'must be a digest: sha256: and 64 hex digits'))),
  attempt: count,
  kind: v.picklist(SWITCH_KINDS, `must be one of ${SWITCH_KINDS.join(', ')}`),
  serves: v.boolean('must be true or false'),
  dependents: v.exactOptional(v.pipe(v.array(name, 'must be a list'), v.maxLength(500))),
  group: v.exactOptional(token(512)),
});

const turnRequest = (mostServices: number) =>
  v.strictObject({
    life: token(64),
    seq: count,
    serial: count,
    engine: token(256),
    mostSeconds: v.pipe(count, v.maxValue(MOST_SECONDS, 'must be at most a year')),
    services: v.pipe(
      v.array(wish, 'must be a list'),
      v.nonEmpty('must name a service'),
      v.maxLength(mostServices, `must be at most ${String(mostServices)} services`),
      v.check(
        (services) => new Set(services.map(({ service }) => service)).size === services.length,
        'must name each service once',
      ),
    ),
  });

export type ReadDocument<T> =
  | { readonly kind: 'document'; readonly document: T }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Parses a request body strictly: what is not understood must not be granted or obeyed. */
export const readBody = <T>(
  bytes: Uint8Array,
  schema: v.GenericSchema<unknown, T>,
  { what, advice }: { readonly what: string; readonly advice: string },
): ReadDocument<T> => {
  const refused = (status: number, code: string, message: string): ReadDocument<T> => ({
    kind: 'refused',
    refusal: refusal(status, code, `${what} is not valid: ${message}`, advice),
  });
  const text = decodeText(bytes);
  if (text === undefined) return refused(400, 'malformed', 'it is not UTF-8 text');
  const json = parseJson(text);
  if (json.kind === 'problem') return refused(400, 'malformed', `it is ${json.message}`);
  const strange = findStrangeKey(json.value);
  if (strange !== undefined) return refused(422, 'schema', formatProblems([strange]));
  const parsed = v.safeParse(schema, json.value, { abortEarly: true });
  return parsed.success
    ? { kind: 'document', document: parsed.output }
    : refused(422, 'schema', formatProblems(problemsOf(parsed.issues)));
};

export const readTurnRequest = (bytes: Uint8Array, mostServices: number): ReadDocument<TurnRequest> =>
  readBody(bytes, turnRequest(mostServices), {
    what: 'the request for a turn',
    advice: 'use an agent of the same release line as the hub; upgrade the hub first',
  });
