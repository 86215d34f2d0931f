import { isDeepStrictEqual } from 'node:util';
import type { Facts } from './oracle-facts.ts';

export interface Difference {
  readonly of: string;
  readonly path: string;
  readonly compose: unknown;
  readonly supercargo: unknown;
}

/** A difference that is meant. */
export interface Explanation {
  readonly path: RegExp;
  readonly why: string;
  /** Where only some values are meant. */
  readonly when?: (difference: Difference) => boolean;
}

const differencesOf = (compose: Facts, supercargo: Facts): readonly Difference[] => {
  const paths = [...new Set([...Object.keys(compose.facts), ...Object.keys(supercargo.facts)])].toSorted();
  return paths.flatMap((path) => {
    const [theirs, ours] = [compose.facts[path], supercargo.facts[path]];
    return isDeepStrictEqual(theirs, ours)
      ? []
      : [{ of: compose.of, path, compose: theirs, supercargo: ours }];
  });
};

const names = (side: readonly Facts[]): string =>
  side
    .map((facts) => facts.of)
    .toSorted()
    .join(' ');

/** Thing by thing. @throws where one side has one that the other has not. */
export const compareFacts = (
  compose: readonly Facts[],
  supercargo: readonly Facts[],
): readonly Difference[] => {
  if (names(compose) !== names(supercargo))
    throw new Error(`docker-compose made ${names(compose)}, supercargo made ${names(supercargo)}`);
  return compose.flatMap((theirs) =>
    supercargo.filter((facts) => facts.of === theirs.of).flatMap((ours) => differencesOf(theirs, ours)),
  );
};

export const explain = (
  difference: Difference,
  explanations: readonly Explanation[],
): Explanation | undefined =>
  explanations.find(({ path, when }) => path.test(difference.path) && (when?.(difference) ?? true));
