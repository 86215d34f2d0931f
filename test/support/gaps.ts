/** An event of a container, as an engine tells it. */
export interface EngineEvent {
  readonly atMs: number;
  /** `start`, `die`. */
  readonly action: string;
}

/** A time in which no container of a service ran on a host. */
export interface Gap {
  readonly host: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** From the end of each container to the next start. */
export const gapsIn = (host: string, events: readonly EngineEvent[]): readonly Gap[] =>
  events.flatMap(({ atMs, action }, at) => {
    if (action !== 'die') return [];
    const next = events.slice(at + 1).find((event) => event.action === 'start');
    return [{ host, fromMs: atMs, toMs: next?.atMs ?? Infinity }];
  });

/** `web-1 and web-2 at 12:00:00` for gaps of different hosts that overlap. */
export const overlapsOf = (gaps: readonly Gap[]): readonly string[] =>
  gaps.flatMap((a, at) =>
    gaps
      .slice(at + 1)
      .filter((b) => b.host !== a.host && a.fromMs < b.toMs && b.fromMs < a.toMs)
      .map((b) => `${a.host} and ${b.host} at ${new Date(Math.max(a.fromMs, b.fromMs)).toISOString()}`),
  );
