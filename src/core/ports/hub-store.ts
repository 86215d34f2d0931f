import type { AgentError } from '../errors.ts';
import type { FleetStore } from './fleet-store.ts';
import type { ManifestStore } from './manifest-store.ts';
import type { TurnStore } from './turn-store.ts';

/** What has changed in a store. */
export type StoreNews = (environment: string, what: 'manifests' | 'reports' | 'turns') => void;

/**
 * Keeps all that a hub keeps, except archives: files for one hub, or a database for several ones. Passes the
 * contract suites of test/support.
 */
export interface HubStore {
  /** For messages and logs; without credentials. */
  readonly name: string;
  /** Other hubs may use it too. */
  readonly isShared: boolean;
  readonly manifests: ManifestStore;
  readonly fleets: FleetStore;
  readonly turns: TurnStore;
  /**
   * Calls back soon after a change by this hub or another one, several times if in doubt. A hint: what is
   * stored must be read. Returns what ends it.
   */
  readonly follow: (onNews: StoreNews) => () => void;
  /** Why it can be neither read nor written now; undefined if it can. */
  readonly check: () => Promise<AgentError | undefined>;
  readonly close: () => Promise<void>;
}
