export interface HubLimits {
  readonly environments: number;
  /** Per environment. */
  readonly hosts: number;
  readonly connections: number;
  /** In one report. */
  readonly services: number;
  /** Of one archive. */
  readonly archiveBytes: number;
  /** A host that is silent for longer, in ms, leaves the reports. Undefined keeps every host. */
  readonly forgetAfterMs?: number;
}

export const DEFAULT_LIMITS: HubLimits = {
  environments: 100,
  hosts: 5000,
  connections: 10_000,
  services: 500,
  archiveBytes: 16 * 1024 ** 3,
};
