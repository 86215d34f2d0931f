import type { HostReport } from '../../src/core/fleet/host-report.ts';
import type { FleetReader } from '../../src/publish/fleet-reader.ts';
import { pageOfReports } from '../../src/publish/whole-fleet.ts';

/** The hosts of a store that has no pages. */
export const fleetOfReports =
  (readReports: () => readonly HostReport[], now: () => number = Date.now): FleetReader =>
  async ({ target, ...request }) => {
    const query = { order: 'name', limit: 0, status: 'none', ...request } as const;
    const reports = readReports();
    return Promise.resolve(pageOfReports(reports, { target, query }, now()));
  };
