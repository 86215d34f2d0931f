import type { EventLog } from '../core/events.ts';
import type { HostLabels } from '../core/fleet/host-labels.ts';
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
import type { TurnSource } from '../core/ports/turn-source.ts';
import type { EpochMs } from '../core/time.ts';
import type { DeployWindow } from '../core/window/deploy-window.ts';

/** What the agent needs from outside; the command that runs the agent provides it. */
export interface AgentPorts {
  readonly engine: Engine;
  readonly edges: Edges;
  readonly source: ManifestSource;
  readonly files: HostFiles;
  readonly ledger: LedgerStore;
  readonly journal: Journal;
  readonly probe: Probe;
  /** Undefined if no report store is configured. */
  readonly reports?: ReportSink;
  /** Undefined if no report store is configured. */
  readonly turns?: TurnSource;
  /** Undefined if no metrics file is configured. */
  readonly metrics?: MetricsFile;
  readonly log: EventLog;
  readonly now: () => EpochMs;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface AgentOptions {
  readonly environment: string;
  readonly host: string;
  readonly labels?: HostLabels;
  readonly keepReleases: number;
  /** The container that the agent runs in; the agent never changes it. */
  readonly ownContainerId?: string | undefined;
  /** When a switch needs a turn: `manifest` if left out. */
  readonly turns?: 'manifest' | 'always';
  /** When switches may begin; always if undefined or empty. */
  readonly windows?: readonly DeployWindow[];
  readonly edge: EdgeSetting;
  /** Other servers of images, in the order to try them. */
  readonly mirrors?: readonly Mirror[];
}
