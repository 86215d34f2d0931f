import type { ProbeRequest } from '../core/plan/host-plan.ts';
import type { Probe } from '../core/ports/probe.ts';
import type { Actual } from '../core/state/actual.ts';
import type { EpochMs } from '../core/time.ts';
import { delay } from './wake.ts';

const INTERVAL_MS = 100;
const LIMIT_MS = 2_000;

const keyOf = (p: ProbeRequest): string =>
  `${p.container.id} ${p.host}:${String(p.port)} ${JSON.stringify(p.http ?? null)}`;

/**
 * Probes candidates until they answer or the plan no longer asks for it. `onChange` is called for an answer,
 * and when a probe fails in a way that it had not failed in before.
 */
export const createProbing = (probe: Probe, onChange: () => void) => {
  const asking = new Map<string, AbortController>();
  const answered = new Map<string, EpochMs>();
  const unanswered = new Map<string, string>();

  const askOnce = (p: ProbeRequest, signal: AbortSignal): ReturnType<Probe['tcp']> => {
    const host = p.host.includes(':') ? `[${p.host}]` : p.host;
    return p.http === undefined
      ? probe.tcp(p.host, p.port, LIMIT_MS, signal)
      : probe.http(`http://${host}:${String(p.port)}${p.http.path}`, LIMIT_MS, signal, p.http.headers);
  };

  const ask = async (p: ProbeRequest, startedAtMs: EpochMs, signal: AbortSignal): Promise<void> => {
    const known = new Set<string>();
    while (!signal.aborted) {
      const result = await askOnce(p, signal);
      if (result.ok) {
        unanswered.delete(p.container.id);
        answered.set(p.container.id, startedAtMs);
        onChange();
        return;
      }
      unanswered.set(p.container.id, result.detail);
      if (!known.has(result.detail)) onChange();
      known.add(result.detail);
      await delay(INTERVAL_MS, signal);
    }
  };

  return {
    answered: (): Readonly<Record<string, EpochMs>> => Object.fromEntries(answered),
    unanswered: (): Readonly<Record<string, string>> => Object.fromEntries(unanswered),

    /** Starts and ends probes so that they are those of the plan. */
    update: (requests: readonly ProbeRequest[], actual: Actual): void => {
      const requested = new Map(requests.map((p) => [keyOf(p), p]));
      for (const [key, abort] of asking) {
        if (requested.has(key)) continue;
        abort.abort();
        asking.delete(key);
      }
      for (const results of [answered, unanswered])
        for (const id of results.keys())
          if (!actual.containers.some((container) => container.id === id)) results.delete(id);
      for (const [key, request] of requested) {
        if (asking.has(key)) continue;
        const startedAtMs =
          actual.containers.find((container) => container.id === request.container.id)?.detail?.startedAtMs ??
          0;
        const abort = new AbortController();
        asking.set(key, abort);
        ask(request, startedAtMs, abort.signal)
          // An aborted probe rejects; its result is not needed.
          .catch(() => undefined)
          .finally(() => {
            if (asking.get(key) === abort) asking.delete(key);
          });
      }
    },

    close: (): void => {
      for (const abort of asking.values()) abort.abort();
      asking.clear();
    },
  };
};
