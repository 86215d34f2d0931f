import type { ContainerSpec } from '../compose/project-model.ts';
import type { ReleaseSpec } from './release.ts';

/** Shorter values reveal nothing, and occur in almost every message. */
const SHORTEST = 4;

interface Named {
  readonly name: string;
  readonly value: string;
}

const named = (what: string, record: Readonly<Record<string, string>> | undefined): readonly Named[] =>
  Object.entries(record ?? {}).map(([key, value]) => ({ name: `${what} ${key}`, value }));

/** The first word is the program, which an operator has to read. The other words may be secret. */
const wordsAfterFirst = (what: string, words: readonly string[] | undefined): readonly Named[] =>
  (words ?? []).slice(1).map((value, index) => ({ name: `word ${String(index + 2)} of ${what}`, value }));

const valuesOf = (container: ContainerSpec): readonly Named[] => [
  ...named('value of', container.environment),
  ...named('label', container.labels),
  ...named('log option', container.logging?.options),
  ...named('sysctl', container.sysctls),
  ...(container.files ?? []).map(({ target, content }) => ({ name: `content of ${target}`, value: content })),
  ...wordsAfterFirst('entrypoint', container.entrypoint),
  ...wordsAfterFirst('command', container.command),
  ...wordsAfterFirst('healthcheck', container.healthcheck?.test),
];

const hiddenIn = (spec: ReleaseSpec): readonly Named[] => [
  ...named('value of', spec.variables),
  ...valuesOf(spec.container),
  ...Object.values({ ...spec.networks, ...spec.volumes }).flatMap(({ definition }) => [
    ...named('driver option', definition.driverOptions),
    ...named('label', definition.labels),
  ]),
];

/** The value as it is, and as Go's %q and JSON write it. */
const formsOf = (value: string): readonly string[] => [
  ...new Set([value, JSON.stringify(value).slice(1, -1), value.trim()]),
];

const QUOTATION = /"((?:[^"\\]|\\.)*)"|'([^']*)'/g;

/**
 * Replaces the values of a release in an engine's message by the names of their settings: `[value of
 * DB_PASSWORD]`. A quotation that is part of a value counts as that value.
 */
export const withoutValues = (message: string, specs: readonly ReleaseSpec[]): string => {
  const hidden = specs
    .flatMap(hiddenIn)
    .filter(({ value }) => value.trim().length >= SHORTEST)
    .toSorted((a, b) => b.value.length - a.value.length);
  const replaced = hidden.reduce(
    (text, { name, value }) =>
      formsOf(value).reduce((t, form) => t.replaceAll(form, () => `[${name}]`), text),
    message,
  );
  return replaced.replaceAll(QUOTATION, (all: string, double?: string, single?: string) => {
    const inside = double ?? single ?? '';
    const owner =
      inside.length < SHORTEST
        ? undefined
        : hidden.find(({ value }) => formsOf(value).some((f) => f.includes(inside)));
    return owner === undefined ? all : `[${owner.name}]`;
  });
};
