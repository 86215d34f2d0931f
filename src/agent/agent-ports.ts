import type { EventLog } from '../core/events.ts';
import type { Mirror } from '../core/image/mirror.ts';
import type { EdgeSetting } from '../core/plan/plan-input.ts';
import type { Edges } from '../core/ports/edge.ts';
import type { Engine } from '../core/ports/engine.ts';
import type { HostFiles } from '../core/ports/host-files.ts';
import type { Journal } from '../core/ports/journal.ts';
import type { LedgerStore } from '../core/ports/ledger-store.ts';
import type { ManifestSource } from '../core/ports/manifest-source.ts';
import type { MetricsFile } from '../core/ports/metrics-file.ts';
import type { Probe } from '../core/ports/probe.ts';
import type { ReportSink } from '../core/ports/report-sink.ts';
import type { EpochMs } from '../core/time.ts';
import type { DeployWindow } from '../core/window/deploy-window.ts';

/** Everything the agent needs of the world; handed in by the command that runs it. */
export interface AgentPorts {
  readonly engine: Engine;
  readonly edges: Edges;
  readonly source: ManifestSource;
  readonly files: HostFiles;
  readonly ledger: LedgerStore;
  readonly journal: Journal;
  readonly probe: Probe;
  /** Absent: nobody is told. */
  readonly reports?: ReportSink;
  /** Absent: nothing is written. */
  readonly metrics?: MetricsFile;
  readonly log: EventLog;
  readonly now: () => EpochMs;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface AgentOptions {
  readonly environment: string;
  readonly host: string;
  readonly keepReleases: number;
  /** The container that the agent runs in, which it leaves alone. */
  readonly ownContainerId?: string | undefined;
  /** When switches may begin; absent or none: always. */
  readonly windows?: readonly DeployWindow[];
  readonly edge: EdgeSetting;
  /** Other servers of images, in the order to try; absent: none. */
  readonly mirrors?: readonly Mirror[];
}
