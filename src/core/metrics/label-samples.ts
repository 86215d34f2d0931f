import { validLabels, type HostLabels } from '../fleet/host-labels.ts';
import type { Sample } from './exposition.ts';

/** Prometheus allows letters, digits and `_`, no digit at the start, and keeps names with `__` to itself. */
const validName = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9_]/g, '_')
    .replace(/^__+/, '_')
    .replace(/^(?=\d)/, '_');

/** The name, or with `_2` and so on if it is taken: the format forbids two labels of one name. */
const freeName = (name: string, taken: Readonly<Record<string, string>>): string => {
  const candidates = [name, ...Array.from({ length: 64 }, (_, at) => `${name}_${String(at + 2)}`)];
  return candidates.find((candidate) => !Object.hasOwn(taken, candidate)) ?? name;
};

/**
 * One sample with the value 1 that has a host's labels beside `own`; none if the host has no labels. Leaves
 * out labels that no agent of this version can have, so that no host makes the metric large.
 */
export const labelSamples = (own: Sample[0], labels: HostLabels | undefined): readonly Sample[] => {
  const valid = Object.entries(validLabels(labels ?? {}));
  if (valid.length === 0) return [];
  let all = own;
  for (const [name, value] of valid) all = { ...all, [freeName(validName(name), all)]: value };
  return [[all, 1]];
};
