import type { Namespace } from '../../src/core/compose/namespaces.ts';
import { AgentError } from '../../src/core/errors.ts';
import type { Container } from '../../src/core/state/actual.ts';
import { ended } from './simulated-life.ts';
import { memoryOf, replaceLife, type EngineState } from './simulated-state.ts';

/** What an engine looks up at each start: the id, or the name where none was there at the creation. */
const donorOf = (state: EngineState, joined: string): Container | undefined =>
  state.actual.containers.find((c) => c.id === joined || c.name === joined);

const joinedIn = ({ detail }: Container): readonly (readonly [Namespace, string])[] =>
  Object.entries(detail?.joined ?? {}) as [Namespace, string][];

const isGiving = (donor: Container | undefined): boolean =>
  donor?.state === 'running' || donor?.state === 'paused';

/** Why it can't be started: a donor of its is gone or does not run. */
export const donorRefusal = (state: EngineState, container: Container): AgentError | undefined => {
  const absent = joinedIn(container).find(([, joined]) => !isGiving(donorOf(state, joined)));
  return (
    absent &&
    new AgentError('ENGINE', `cannot join ${absent[0]} of a non running container: ${absent[1]}`, {
      retry: 'later',
    })
  );
};

/** Those that are seen to have started at once count as one: a donor is refused to none of them. */
export const countStarts = (state: EngineState): void => {
  const count = 1 + Math.max(0, ...[...state.starts.values()].map((s) => s.count));
  for (const { id, state: now, detail } of state.actual.containers) {
    const atMs = detail?.startedAtMs;
    if (now !== 'running' || atMs === undefined || state.starts.get(id)?.atMs === atMs) continue;
    state.starts.set(id, { atMs, count });
  }
};

/** The namespace that it joined is its donor's still: that one runs, and has not been started again since. */
const isLive = (state: EngineState, { id }: Container, joined: string): boolean => {
  const donor = donorOf(state, joined);
  const startOf = (of: string): number => state.starts.get(of)?.count ?? 0;
  return isGiving(donor) && startOf(donor?.id ?? '') <= startOf(id);
};

export const hasLiveNamespaces = (state: EngineState, container: Container): boolean =>
  joinedIn(container).every(([, joined]) => isLive(state, container, joined));

export const hasLiveNetwork = (state: EngineState, container: Container): boolean => {
  const joined = container.detail?.joined?.network;
  return joined === undefined || isLive(state, container, joined);
};

/** Those that run in its network: a port that one of them opens is its own. */
export const networkGuests = (state: EngineState, id: string): readonly Container[] =>
  state.actual.containers.filter(
    (c) => c.state === 'running' && c.detail?.joined?.network === id && isLive(state, c, id),
  );

const KILLED = 137;

/** With its first process a PID namespace ends, and everyone in it. Other namespaces go on, and nothing reaches them. */
export const endWithDonors = (state: EngineState): void => {
  for (const container of state.actual.containers) {
    const donor = container.detail?.joined?.pid;
    if (container.state !== 'running' || donor === undefined || isLive(state, container, donor)) continue;
    const life = { container, memory: memoryOf(state, container.id) };
    replaceLife(state, ended(life, KILLED, state.nowMs));
  }
};

/** The engine starts it again as its policy says, once: where that is refused, it stays as it is. */
export const giveUpRestarts = (state: EngineState): void => {
  for (const container of state.actual.containers) {
    const { restartAtMs } = memoryOf(state, container.id);
    if (container.state !== 'restarting' || restartAtMs === undefined || restartAtMs > state.nowMs) continue;
    if (!donorRefusal(state, container)) continue;
    replaceLife(state, {
      container: { ...container, state: 'exited' },
      memory: { ...memoryOf(state, container.id), restartAtMs: undefined },
    });
  }
};
