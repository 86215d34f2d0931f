import type { Actual } from '../../core/state/actual.ts';
import { hint, type Check } from './check.ts';

/** Containers of ours whose logs fill the disk in time. */
export const checkLogs = ({ containers }: Pick<Actual, 'containers'>): readonly Check[] => {
  const names = containers
    .filter(({ detail }) => detail?.isLogUnlimited)
    .flatMap(({ owner, edge }) => owner?.service ?? (edge ? '(edge)' : []));
  if (names.length === 0) return [];
  return [
    hint(
      'logs',
      `without a limit (json-file without max-size): ${[...new Set(names)].toSorted().join(', ')}`,
      'set "log-opts": {"max-size": "10m", "max-file": "3"} in /etc/docker/daemon.json, which counts for new ' +
        'containers, or logging: {options: {max-size: 10m}} in the compose file',
    ),
  ];
};
