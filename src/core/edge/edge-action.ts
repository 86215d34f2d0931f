import type { EdgeConfig, EdgeFrontend, EdgeServer, EdgeServerState } from './edge-config.ts';
import type { HealthMap } from './health-answer.ts';

/** Actions on a running edge. Each is idempotent: a state that is already reached is a success. */
export type EdgeAction =
  /** Writes the config file that a restarted edge reads. The running edge does not notice. */
  | { readonly kind: 'edge-write'; readonly config: EdgeConfig }
  /** Writes what the health endpoint answers after a restart, then lets it answer so. */
  | ({ readonly kind: 'edge-answer' } & HealthMap)
  /** Adds a server, checked and in `drain`. An existing server keeps its state, unless that is `maint`. */
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
  /** Cuts the sessions in every worker, leaving ones too. */
  | { readonly kind: 'edge-cut-sessions'; readonly backend: string; readonly server: string }
  /** Refuses new connections at a port from now on; those that are open go on. */
  | { readonly kind: 'edge-close-port'; readonly frontend: Pick<EdgeFrontend, 'hostAddress' | 'hostPort'> }
  /** Sets `maint`, then deletes the server once its last connection has ended. */
  | { readonly kind: 'edge-remove-server'; readonly backend: string; readonly server: string };
