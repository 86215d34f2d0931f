import type { EdgeConfig, EdgeServer, EdgeServerState } from './edge-config.ts';

/** What can be done to a running edge. Each is idempotent: what is already so is success. */
export type EdgeAction =
  /** Becomes the file that a restarted edge reads. The running one does not notice. */
  | { readonly kind: 'edge-write'; readonly config: EdgeConfig }
  /** Known, checked, and in `drain`. One that is there already keeps its state, unless that is `maint`. */
  | {
      readonly kind: 'edge-add-server';
      readonly backend: string;
      readonly server: Pick<EdgeServer, 'name' | 'address' | 'port'>;
    }
  | {
      readonly kind: 'edge-set-state';
      readonly backend: string;
      readonly server: string;
      readonly state: EdgeServerState;
    }
  /** In every worker, leaving ones too. */
  | { readonly kind: 'edge-cut-sessions'; readonly backend: string; readonly server: string }
  /** `maint`, then deleted once nothing is connected to it any more. */
  | { readonly kind: 'edge-remove-server'; readonly backend: string; readonly server: string };
