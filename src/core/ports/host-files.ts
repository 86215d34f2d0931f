import type { ComposeProject } from '../compose/project-model.ts';
import type { Trust } from '../manifest/manifest.ts';

export interface FileProblem {
  readonly message: string;
  readonly advice: string;
}

export type ReadProject =
  | { readonly kind: 'ok'; readonly project: ComposeProject }
  | { readonly kind: 'problems'; readonly problems: readonly [FileProblem, ...FileProblem[]] };

export type ReadTrust =
  | { readonly kind: 'trust'; readonly trust: Trust }
  /** No trust file is configured, and unsigned manifests are allowed. */
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'problem'; readonly problem: FileProblem };

/** Files that Chef writes on this host. */
export interface HostFiles {
  readonly project: (signal: AbortSignal) => Promise<ReadProject>;
  readonly trust: (signal: AbortSignal) => Promise<ReadTrust>;
}
