import * as v from 'valibot';

/** Text of a signed document, without control characters. */
export const text = (max: number) =>
  v.pipe(
    v.string('must be text: put it in quotes'),
    v.maxLength(max, `must be at most ${max} characters long`),
    v.regex(/^\P{Cc}*$/u, 'must not contain control characters'),
  );

export const wholeNumber = (
  min: number,
  max: number,
  message = `must be a whole number from ${min} to ${max}`,
) => v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));

/** A record, and an object without a needed member, would let a list pass. */
export const notList = v.check((value: unknown) => !Array.isArray(value), 'must be an object, not a list');
