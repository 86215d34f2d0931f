/**
 * What was acknowledged to the clients of several hubs, and what they have seen. Times are of
 * `performance.now()`, which all of them share.
 */
export interface Evidence {
  readonly publishes: AcknowledgedPublish[];
  readonly reads: SeenManifest[];
  readonly reports: AcknowledgedReport[];
  readonly turns: TurnSpan[];
}

export interface AcknowledgedPublish {
  readonly publisher: string;
  readonly environment: string;
  readonly serial: number;
  /** In this publish alone. */
  readonly image: string;
  readonly atMs: number;
}

export interface SeenManifest {
  readonly environment: string;
  readonly host: string;
  readonly serial: number;
  readonly atMs: number;
}

export interface AcknowledgedReport {
  readonly environment: string;
  readonly host: string;
  readonly seq: number;
  /** False for a heartbeat. */
  readonly isWhole: boolean;
  readonly atMs: number;
}

/** From the answer that granted it to the moment before the host says that it is good. */
export interface TurnSpan {
  readonly host: string;
  readonly serial: number;
  readonly fromMs: number;
  toMs: number;
}

export const newEvidence = (): Evidence => ({ publishes: [], reads: [], reports: [], turns: [] });

/** Serials that two acknowledged publishes have: `shop 12: web:a and web:b`. */
export const reusedSerials = ({ publishes }: Evidence): readonly string[] => {
  const owners = new Map<string, string>();
  return publishes.flatMap(({ environment, serial, image }) => {
    const name = `${environment} ${String(serial)}`;
    const owner = owners.get(name);
    owners.set(name, image);
    return owner === undefined ? [] : [`${name}: ${owner} and ${image}`];
  });
};

/** What hosts were handed after a later one: `shop web-3: 12 after 13`. */
export const serialsGoingBack = ({ reads }: Evidence): readonly string[] => {
  const highest = new Map<string, number>();
  return reads.flatMap(({ environment, host, serial }) => {
    const name = `${environment} ${host}`;
    const before = highest.get(name) ?? 0;
    highest.set(name, Math.max(before, serial));
    return serial < before ? [`${name}: ${String(serial)} after ${String(before)}`] : [];
  });
};

/** The most turns that were open at one moment, and which ones. */
export const mostTurns = ({ turns }: Evidence): readonly TurnSpan[] => {
  const openAt = (ms: number): readonly TurnSpan[] =>
    turns.filter(({ fromMs, toMs }) => fromMs <= ms && ms < toMs);
  return turns
    .map(({ fromMs }) => openAt(fromMs))
    .reduce<readonly TurnSpan[]>((most, open) => (open.length > most.length ? open : most), []);
};

/** The number of the last whole report of each host that was acknowledged, by host. */
export const lastWhole = ({ reports }: Evidence, environment: string): ReadonlyMap<string, number> =>
  new Map(
    reports
      .filter((report) => report.isWhole && report.environment === environment)
      .map(({ host, seq }) => [host, seq]),
  );

/**
 * The longest time without one of them that touches this span, in ms; those outside of it count as its
 * neighbours.
 */
export const longestGap = (times: readonly number[], fromMs: number, toMs: number): number => {
  const before = times.findLast((ms) => ms <= fromMs) ?? fromMs;
  const after = times.find((ms) => ms >= toMs) ?? toMs;
  const within = [before, ...times.filter((ms) => ms > fromMs && ms < toMs), after];
  return Math.max(...within.slice(1).map((ms, at) => ms - (within[at] ?? ms)));
};

export const describeEvidence = (evidence: Evidence): string => {
  const { publishes, reads, reports, turns } = evidence;
  const whole = reports.filter(({ isWhole }) => isWhole).length;
  return (
    `${String(publishes.length)} publishes, ${String(reads.length)} manifests read, ${String(reports.length)} ` +
    `reports (${String(whole)} whole), ${String(turns.length)} turns, at most ${String(mostTurns(evidence).length)} at once`
  );
};
