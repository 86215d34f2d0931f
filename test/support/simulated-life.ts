import type { ContainerSpec } from '../../src/core/compose/project-model.ts';
import type { Container, ContainerDetail } from '../../src/core/state/actual.ts';
import type { Behaviour } from './simulated-registry.ts';

/** What the engine remembers of a container beside what it tells. */
export interface Memory {
  /** Stopped by somebody: `unless-stopped` does not bring it back. */
  readonly isStoppedByHand: boolean;
  /** Ids of the networks that it was connected to: another one of the same name is not the same. */
  readonly networkIds: Readonly<Record<string, string>>;
  /** When the engine starts it again after it ended by itself. */
  readonly restartAtMs: number | undefined;
  /** What it was made from; foreign ones were made elsewhere. */
  readonly spec?: ContainerSpec;
}

export interface Life {
  readonly container: Container;
  readonly memory: Memory;
}

const FIRST_PAUSE_MS = 100;

const shouldRestart = (detail: ContainerDetail, code: number): boolean => {
  const { name, maxRetries } = detail.restart;
  if (name === 'always' || name === 'unless-stopped') return true;
  return name === 'on-failure' && code !== 0 && (maxRetries === 0 || detail.restartCount < maxRetries);
};

const withDetail = (life: Life, state: Container['state'], change: Partial<ContainerDetail>): Life => {
  const { container } = life;
  return {
    ...life,
    container: {
      ...container,
      state,
      ...(container.detail && { detail: { ...container.detail, ...change } }),
    },
  };
};

export const ended = (life: Life, code: number, atMs: number): Life => {
  const detail = life.container.detail;
  const isRestarted = detail !== undefined && shouldRestart(detail, code);
  const count = detail?.restartCount ?? 0;
  const after = withDetail(life, isRestarted ? 'restarting' : 'exited', {
    finishedAtMs: atMs,
    exitCode: code,
  });
  const restartAtMs = isRestarted ? atMs + FIRST_PAUSE_MS * 2 ** Math.min(count, 10) : undefined;
  return { ...after, memory: { ...after.memory, restartAtMs } };
};

const restarted = (life: Life, atMs: number): Life => {
  const after = withDetail(life, 'running', {
    startedAtMs: atMs,
    restartCount: (life.container.detail?.restartCount ?? 0) + 1,
  });
  return { ...after, memory: { ...after.memory, restartAtMs: undefined } };
};

const MAX_TURNS = 10_000;

/** A container as it is by now: ended, restarted by its policy, healthy or not. It may behave otherwise after each start. */
export const lived = (life: Life, behaviourOf: (c: Container) => Behaviour, nowMs: number): Life => {
  let current = life;
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    const next = turned(current, behaviourOf(current.container), nowMs);
    if (!next) return current;
    current = next;
  }
  return current;
};

const turned = (life: Life, behaviour: Behaviour, nowMs: number): Life | undefined => {
  const { container, memory } = life;
  const startedAtMs = container.detail?.startedAtMs ?? 0;
  const speaksAtMs = startedAtMs + (behaviour.afterMs ?? 0);
  if (container.state === 'restarting') {
    const at = memory.restartAtMs;
    return at !== undefined && at <= nowMs ? restarted(life, at) : undefined;
  }
  if (container.state !== 'running' || nowMs < speaksAtMs) return undefined;
  if (behaviour.exits !== undefined) return ended(life, behaviour.exits, speaksAtMs);
  const diesAtMs = startedAtMs + (behaviour.diesAfterMs ?? Infinity);
  if (nowMs >= diesAtMs) return ended(life, 1, diesAtMs);
  const isSick = nowMs >= startedAtMs + (behaviour.sickAfterMs ?? Infinity);
  const told = isSick ? 'unhealthy' : (behaviour.health ?? 'absent');
  const hasCheck = container.detail?.health !== 'none';
  const isNews = hasCheck && told !== 'absent' && container.detail?.health !== told;
  return isNews ? withDetail(life, 'running', { health: told }) : undefined;
};
