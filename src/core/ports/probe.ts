/** `detail` completes "PORT …: " for people; it quotes nothing that the container sent but a status. */
export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly detail: string };

/** Probes once. Only an aborted signal rejects, with its reason; any other failure is a result. */
export interface Probe {
  readonly tcp: (host: string, port: number, timeoutMs: number, signal: AbortSignal) => Promise<ProbeResult>;
  /** `url` is http:. Every status from 200 to 399 is good; redirects are not followed. */
  readonly http: (
    url: string,
    timeoutMs: number,
    signal: AbortSignal,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<ProbeResult>;
}
