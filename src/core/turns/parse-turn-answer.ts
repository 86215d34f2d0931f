import * as v from 'valibot';
import { oneLine } from '../printable-text.ts';
import { TURN_ANSWERS, type RefusedWish, type TurnAnswer } from './turn-request.ts';

const MOST_TEXT = 500;
const text = v.pipe(
  v.string(),
  v.transform((value) => oneLine(value).slice(0, MOST_TEXT)),
);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A word of a newer store refuses: no switch begins by a word that this agent does not know. */
const refusal = v.pipe(
  v.string(),
  v.transform((word): RefusedWish['answer'] =>
    word === 'halted' || word === 'other-version' ? word : 'wait',
  ),
);

const holder = v.looseObject({
  host: text,
  service: text,
  state: v.string(),
  since: v.nullable(v.string()),
});

const schema = v.looseObject({
  revision: count,
  answer: v.string(),
  services: v.array(v.string()),
  refused: v.array(
    v.looseObject({
      service: v.string(),
      answer: refusal,
      message: text,
      holders: v.optional(v.array(holder), []),
      hosts: v.optional(v.array(text), []),
    }),
  ),
  done: v.optional(v.array(v.object({ service: v.string(), digest: v.string(), attempt: count })), []),
  askAfterSeconds: v.pipe(v.number(), v.finite(), v.minValue(0)),
});

/** Undefined if it is not what a store answers to a request for turns. */
export const parseTurnAnswer = (body: string): TurnAnswer | undefined => {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(schema, document);
  if (!parsed.success) return undefined;
  const { revision, answer, services, refused, done, askAfterSeconds } = parsed.output;
  return {
    apiVersion: 'supercargo/turn/v1',
    revision,
    answer: TURN_ANSWERS.find((word) => word === answer) ?? 'wait',
    services,
    refused: refused as readonly RefusedWish[],
    done,
    askAfterSeconds,
  };
};
