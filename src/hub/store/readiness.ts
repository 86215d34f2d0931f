import type { AgentError } from '../../core/errors.ts';
import type { HubStore } from '../../core/ports/hub-store.ts';
import type { EpochMs } from '../../core/time.ts';

/** Any client may ask, and a check can cost a write with a sync. */
const KEPT_MS = 1000;

/** Why the store cannot be used, from a check that began within the last second. */
export const createReadiness = (
  { check }: Pick<HubStore, 'check'>,
  now: () => EpochMs,
): (() => Promise<AgentError | undefined>) => {
  const last: { atMs: EpochMs; result: Promise<AgentError | undefined> | undefined } = {
    atMs: 0,
    result: undefined,
  };
  return async () => {
    const nowMs = now();
    if (last.result === undefined || Math.abs(nowMs - last.atMs) >= KEPT_MS) {
      last.atMs = nowMs;
      last.result = check();
    }
    return last.result;
  };
};
