import type { ReportedStatus } from '../status/reported-status.ts';

/** What a publisher asks of a host beside its verdict. Equal for many hosts. */
export interface AgentFacts {
  readonly version: string;
  /** Null if the agent is too old for turns, or does not run. */
  readonly turns: { readonly isAlways: boolean; readonly hasNone: boolean } | null;
  /** Versions that containers run, by the entry of the manifest that they are of. */
  readonly runs: readonly { readonly entry: string; readonly version: string }[];
}

const MOST_TEXT = 100;

/** The longest list of versions: one service rarely runs more than two. */
const MOST_RUNS = 200;

const short = (text: string): string => text.slice(0, MOST_TEXT);

export const agentFactsOf = ({ agent, turns, services }: ReportedStatus): AgentFacts => {
  const runs = services.flatMap(({ switching, containers }) => {
    const entry = switching?.entry;
    if (entry === undefined || entry === null) return [];
    const running = containers.filter((c) => c.state === 'running').map((c) => c.version);
    return [...new Set(running)].map((version) => [entry, version] as const);
  });
  const distinct = new Map(runs.map(([entry, version]) => [`${entry} ${version}`, { entry, version }]));
  return {
    version: short(agent.version),
    turns: turns ? { isAlways: turns.mode === 'always', hasNone: turns.store === 'none' } : null,
    runs: [...distinct.values()]
      .slice(0, MOST_RUNS)
      .map(({ entry, version }) => ({ entry: short(entry), version: short(version) })),
  };
};
