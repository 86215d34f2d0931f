import type { Repository } from '../image/reference.ts';

/** What the engine takes in X-Registry-Auth (Docker Engine API, "Authentication"). */
export type RegistryAuth =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string }
  | { readonly registrytoken: string; readonly serveraddress: string };

/** The logins of this host. Tokens expire, so that they are asked for again before every pull. */
export interface RegistryCredentials {
  /**
   * Undefined: none are known, pull as nobody. @throws AgentError CREDENTIALS, which never holds a secret.
   */
  readonly for: (repository: Repository, signal: AbortSignal) => Promise<RegistryAuth | undefined>;
}
