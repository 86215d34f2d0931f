import type { ContainerSpec } from '../compose/project-model.ts';
import type { ImageId } from '../image/reference.ts';
import type { Container, CreateFacts, ProcessFacts } from '../state/actual.ts';
import type { Release } from '../state/release.ts';

export interface KnownRelease {
  readonly release: Release;
  /** Ids that its image has here, or had when it proved good; empty if unknown. */
  readonly imageIds: readonly ImageId[];
}

/**
 * Names of the facts in which a container differs from its release, never values. Only facts that engines
 * return as requested are compared: ports, limits, restart policy, labels and addresses are rewritten by
 * engines or changed on living containers.
 */
export const differencesFrom = (container: Container, known: KnownRelease): readonly string[] => {
  const { facts } = container.detail ?? {};
  const spec = known.release.spec.container;
  const isOfImage = known.imageIds.length === 0 || known.imageIds.includes(container.imageId);
  const rows: readonly (readonly [string, boolean])[] = [
    ['image', isOfImage],
    ...(facts === undefined
      ? []
      : ([
          [
            'entrypoint',
            isSameList(withoutEmptyWord(facts.process.entrypoint), entrypointOf(spec, facts.image)),
          ],
          ['command', isSameList(facts.process.command, commandOf(spec, facts.image))],
          ['environment', hasEnvironment(facts, spec)],
          ['network_mode', modeOf(facts.networkMode) === expectedMode(spec)],
          ['volumes', hasMounts(facts, spec)],
        ] as const)),
  ];
  return rows.flatMap(([name, isSame]) => (isSame ? [] : [name]));
};

/** Undefined if it is unknown, or if engines differ about it. */
type Expected<T> = T | undefined;

const isSameList = (actual: readonly string[], expected: Expected<readonly string[]>): boolean =>
  expected === undefined ||
  (actual.length === expected.length && actual.every((part, at) => part === expected[at]));

/** A list of one empty word removes the image's entrypoint. Engines store it as an empty list. */
const withoutEmptyWord = (entrypoint: readonly string[]): readonly string[] =>
  entrypoint.length === 1 && entrypoint[0] === '' ? [] : entrypoint;

/** Engines differ about the meaning of an empty list in the compose file. */
const entrypointOf = (spec: ContainerSpec, image: ProcessFacts | undefined): Expected<readonly string[]> => {
  if (spec.entrypoint?.length === 0) return undefined;
  const entrypoint = spec.entrypoint ?? image?.entrypoint;
  return entrypoint && withoutEmptyWord(entrypoint);
};

/** An entrypoint in the spec drops the image's command. */
const commandOf = (spec: ContainerSpec, image: ProcessFacts | undefined): Expected<readonly string[]> => {
  if (spec.command !== undefined) return spec.command.length === 0 ? undefined : spec.command;
  return spec.entrypoint === undefined ? image?.command : undefined;
};

/** Without the image its own variables are unknown, so only those of the spec have to be there. */
const hasEnvironment = ({ process, image }: CreateFacts, spec: ContainerSpec): boolean => {
  const expected = { ...image?.environment, ...spec.environment };
  const isThere = Object.entries(expected).every(([key, value]) => process.environment[key] === value);
  return isThere && (image === undefined || Object.keys(process.environment).every((key) => key in expected));
};

/** Only the kind counts: engines name a bridge differently, and names change with definitions. */
const modeOf = (mode: string): string => {
  const kind = mode.split(':')[0] ?? '';
  return kind === 'host' || kind === 'none' || kind === 'container' ? kind : 'network';
};

const expectedMode = (spec: ContainerSpec): string =>
  spec.networkMode.kind === 'mode' ? modeOf(spec.networkMode.mode) : 'network';

/** A mount's target without a slash at its end. */
export const pathOf = (target: string): string => (target.length > 1 ? target.replace(/\/+$/, '') : target);

/** An image may add volumes to the declared ones; bind mounts are exactly the declared ones. */
const hasMounts = ({ mounts }: CreateFacts, spec: ContainerSpec): boolean => {
  const here = (kind: string): ReadonlySet<string> =>
    new Set(mounts.filter((m) => m.kind === kind).map((m) => pathOf(m.target)));
  const declared = (kind: string): readonly string[] =>
    spec.mounts.filter((m) => m.kind === kind).map((m) => pathOf(m.target));
  const binds = here('bind');
  const volumes = here('volume');
  const expected = declared('bind');
  return (
    declared('volume').every((t) => volumes.has(t)) &&
    expected.every((t) => binds.has(t)) &&
    [...binds].every((t) => expected.includes(t))
  );
};
