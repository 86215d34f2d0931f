import { openFleetFiles } from '../../../src/adapters/hub-files/fleet-files.ts';
import type { FleetStore } from '../../../src/core/ports/fleet-store.ts';
import type { HubFiles } from '../../../src/core/ports/hub-files.ts';
import { openReports, type Reports } from '../../../src/hub/fleet/reports.ts';
import { noFiles } from './scene.ts';

export interface OpenedReports extends Reports {
  readonly store: FleetStore;
  /** `changed ENV` and `heard ENV`, in order. */
  readonly calls: readonly string[];
}

/** Reports without a hub, which follow their store like one. */
export const openReportsOf = async (
  clock: { readonly ms: number },
  files: HubFiles = noFiles,
  given?: FleetStore,
): Promise<OpenedReports> => {
  const opened: { reports?: Reports } = {};
  const calls: string[] = [];
  const store =
    given ??
    (await openFleetFiles({
      files,
      now: () => clock.ms,
      withTurns: [],
      onNews: (environment) => void opened.reports?.refresh(environment),
    }));
  const reports = await openReports({
    store,
    now: () => clock.ms,
    mostHosts: 9,
    mostEnvironments: 9,
    mostServices: 9,
    onChanged: (environment) => void calls.push(`changed ${environment}`),
    onHeard: (environment) => void calls.push(`heard ${environment}`),
  });
  opened.reports = reports;
  return { ...reports, store, calls };
};
