/** `detail` completes "the probe of … ": it is shown to people. */
export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly detail: string };

/**
 * Asks once whether something answers. Only an aborted signal rejects (with its reason); all else is a
 * result.
 */
export interface Probe {
  readonly tcp: (host: string, port: number, timeoutMs: number, signal: AbortSignal) => Promise<ProbeResult>;
  /** `url` is http:. Every status from 200 to 399 is good; redirects are not followed. */
  readonly http: (url: string, timeoutMs: number, signal: AbortSignal) => Promise<ProbeResult>;
}
