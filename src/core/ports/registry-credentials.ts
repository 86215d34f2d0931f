import type { Repository } from '../image/reference.ts';

/** The content of X-Registry-Auth (Docker Engine API, "Authentication"). */
export type RegistryAuth =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string }
  | { readonly registrytoken: string; readonly serveraddress: string };

/** The registry logins of this host. They are read before every pull, because tokens expire. */
export interface RegistryCredentials {
  /** Undefined for an anonymous pull. @throws AgentError CREDENTIALS, which never contains a secret. */
  readonly for: (repository: Repository, signal: AbortSignal) => Promise<RegistryAuth | undefined>;
}
