/** A publish token that counts for one environment. */
export interface EnvironmentToken {
  readonly environment: string;
  readonly token: string;
  /** Whether another one of the environment has taken its place. */
  readonly isPrevious: boolean;
}

/** A host whose tokens are refused, although they are derived from the report secret. */
export interface RevokedHost {
  readonly environment: string;
  readonly host: string;
  /** Tokens of lower generations are refused; undefined refuses all of them. */
  readonly leastGeneration: number | undefined;
}

/** Kinds of secrets of which two may count. */
export const SECRET_KINDS = ['publish', 'report', 'read'] as const;
export type SecretKind = (typeof SECRET_KINDS)[number];

/** What a hub judges requests by. During a rotation a list holds two secrets, the current one first. */
export interface HubSecrets {
  /** Each publishes to all environments. */
  readonly publishTokens: readonly string[];
  readonly environmentTokens: readonly EnvironmentToken[];
  /** The tokens of hosts are derived from them. Without one the hub takes no reports. */
  readonly reportSecrets: readonly string[];
  /** Without one manifests are open to all, and reports and the page only to this machine. */
  readonly readTokens: readonly string[];
  readonly revokedHosts: readonly RevokedHost[];
}
