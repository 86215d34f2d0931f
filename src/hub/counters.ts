/** Counters for `/metrics`, since the start of the hub. */
export interface Counters {
  readonly answers: Map<string, number>;
  publishes: number;
  refusedPublishes: number;
  reports: number;
  archives: number;
  failedWrites: number;
}

export const createCounters = (): Counters => ({
  answers: new Map(),
  publishes: 0,
  refusedPublishes: 0,
  reports: 0,
  archives: 0,
  failedWrites: 0,
});

/** Counts by method and status: these are few enough to keep them all. */
export const countAnswer = ({ answers }: Counters, method: string, status: number): void => {
  const key = `${method} ${String(status)}`;
  answers.set(key, (answers.get(key) ?? 0) + 1);
};
