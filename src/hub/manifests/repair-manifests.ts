import { planRepair, type Repair, type RepairInput } from '../../core/hub/plan-repair.ts';
import type { ManifestRepair } from '../../core/ports/manifest-repair.ts';

export interface RepairOptions extends Omit<RepairInput, 'stored'> {
  readonly manifests: ManifestRepair;
  /** Only tells what it would do. */
  readonly isDryRun: boolean;
}

/**
 * Plans the repair of an environment and carries it out; again if hubs publish meanwhile. @throws AgentError
 * STORE
 */
export const repairManifests = async (options: RepairOptions): Promise<Repair> => {
  const { manifests, isDryRun, environment } = options;
  for (;;) {
    const stored = await manifests.read(environment);
    const repair = planRepair({ ...options, stored });
    if (isDryRun || repair.steps.length === 0) return repair;
    if ((await manifests.apply(environment, repair.changes, stored.mark)) === 'done') return repair;
  }
};
