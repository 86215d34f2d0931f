import type { VolumeDefinition } from '../compose/project-model.ts';
import { volumeName } from '../docker-names.ts';
import type { Hashed, Release } from '../state/release.ts';
import type { Action } from './action.ts';
import type { Blocked } from './gate.ts';
import { refusedNeed, type Need } from './need.ts';
import type { PlanInput } from './plan-input.ts';

export const nameOfVolume = (
  environment: string,
  logical: string,
  desired: Hashed<VolumeDefinition>,
): string =>
  desired.definition.external
    ? (desired.definition.fixedName ?? logical)
    : (desired.definition.fixedName ?? volumeName(environment, logical));

type DesiredVolume = readonly [logical: string, desired: Hashed<VolumeDefinition>];

/**
 * Two environments can come to one volume name: `eu_data` of `e`, and `data` of `e_eu`. A volume without our
 * labels is used as Compose uses it, and two definitions that both name it explicitly share it.
 */
const takenVolume = (input: PlanInput, [logical, desired]: DesiredVolume): Blocked | undefined => {
  const name = nameOfVolume(input.environment, logical, desired);
  const live = input.actual.volumes.find((v) => v.name === name);
  if (!live || desired.definition.external) return undefined;
  const made = live.owner?.volume ?? logical;
  const isShared = input.project.volumes[made]?.fixedName === name && desired.definition.fixedName === name;
  const holder =
    live.otherEnvironment === undefined
      ? `was made for the volume ${made}`
      : `belongs to the environment ${live.otherEnvironment}`;
  if (live.otherEnvironment === undefined && (made === logical || isShared)) return undefined;
  return {
    kind: 'blocked',
    reason: 'volume',
    message: `the volume ${name} ${holder}, and ${logical} has the same name`,
    advice:
      `give ${logical} another name in the compose file (name: below volumes.${logical}), ` +
      `or write external: true and name: ${name} there to share it`,
  };
};

/** The first volume of this release that belongs to another environment, or to another volume of this one. */
export const takenVolumes = (input: PlanInput, release: Release): Blocked | undefined =>
  Object.entries(release.spec.volumes)
    .map((volume) => takenVolume(input, volume))
    .find((decision) => decision !== undefined);

export const volumesNeed = (input: PlanInput, release: Release): Need => {
  const taken = takenVolumes(input, release);
  if (taken) return { kind: 'blocked', decision: taken };
  const missing: Action[] = [];
  for (const [logical, desired] of Object.entries(release.spec.volumes)) {
    const name = nameOfVolume(input.environment, logical, desired);
    const live = input.actual.volumes.find((v) => v.name === name);
    if (desired.definition.external) {
      if (live) continue;
      return refusedNeed(
        'volume',
        `the external volume ${name} does not exist`,
        `create it (docker volume create ${name}), or correct its name in the compose file`,
      );
    }
    if (live?.owner && live.owner.hash !== desired.hash) {
      return refusedNeed(
        'volume',
        `the volume ${name} exists with another definition`,
        'a volume cannot be changed: give it a new name in the compose file, and move what it holds',
      );
    }
    if (!live)
      missing.push({
        kind: 'create-volume',
        name,
        volume: logical,
        hash: desired.hash,
        definition: desired.definition,
      });
  }
  const [first, ...rest] = missing;
  return first ? { kind: 'act', actions: [first, ...rest] } : { kind: 'met' };
};
