import { nextDelayMs } from '../core/backoff.ts';
import type { AgentError } from '../core/errors.ts';
import type { Delivery } from '../core/ports/report-sink.ts';
import { uniformOf } from '../core/uniform.ts';
import { createWake } from './wake.ts';

/** A change is told at once, the next one not before. */
const LEAST_MS = 2_000;
const HEARTBEAT_MS = 60_000;
const BACKOFF = { baseMs: 2_000, capMs: 60_000 };

export interface ReporterOptions {
  /** What is so now. */
  readonly look: () => { readonly fingerprint: string; readonly send: Send };
  /** Decides when in the minute this host's heartbeat is: a fleet does not send at the same second. */
  readonly host: string;
  readonly random: () => number;
  /** Of the first failure in a row. */
  readonly onFailure: (error: AgentError) => void;
  /** Something arrived again. */
  readonly onRecovery: () => void;
  readonly onDelivery: () => void;
}

/** Only the abort of the signal rejects. */
export type Send = (signal: AbortSignal) => Promise<Delivery>;

/** Tells somebody else how this host is: when that changes and as a heartbeat. Nobody ever waits for it. */
export interface Reporter {
  /** What is so may have changed to this. */
  readonly see: (fingerprint: string) => void;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Tells the last change, if it is not yet told and that goes quickly. After `run`. */
  readonly close: (limitMs: number) => Promise<void>;
  readonly failure: () => AgentError | undefined;
}

export const createReporter = (options: ReporterOptions): Reporter => {
  const wake = createWake();
  // Monotonic: a clock that is set back must not silence a host.
  const firstBeatMs = performance.now() + uniformOf(options.host) * HEARTBEAT_MS;
  let seen: string | undefined;
  let told: string | undefined;
  let triedAtMs = -Infinity;
  let notBeforeMs = -Infinity;
  let failures = 0;
  let failure: AgentError | undefined;

  /** The first of this host's beats that is half a period away from the last delivery. */
  const nextBeatMs = (): number => {
    const afterMs = triedAtMs + HEARTBEAT_MS / 2;
    return firstBeatMs + Math.max(0, Math.ceil((afterMs - firstBeatMs) / HEARTBEAT_MS)) * HEARTBEAT_MS;
  };

  const dueMs = (): number => {
    if (seen === undefined) return Infinity;
    const earliestMs = Math.max(triedAtMs + LEAST_MS, notBeforeMs);
    return seen !== told || failures > 0 ? earliestMs : Math.max(earliestMs, nextBeatMs());
  };

  const tell = async (signal: AbortSignal): Promise<void> => {
    triedAtMs = performance.now();
    const { fingerprint, send } = options.look();
    seen = fingerprint;
    const delivery = await send(signal);
    if (delivery.kind === 'failed') {
      failures += 1;
      failure = delivery.error;
      const random = options.random();
      notBeforeMs =
        performance.now() + nextDelayMs({ failures, random, floorMs: delivery.retryAfterMs, ...BACKOFF });
      if (failures === 1) options.onFailure(delivery.error);
      return;
    }
    told = fingerprint;
    options.onDelivery();
    if (failures > 0) options.onRecovery();
    failures = 0;
    failure = undefined;
    notBeforeMs = -Infinity;
  };

  return {
    see: (fingerprint) => {
      if (fingerprint === seen) return;
      seen = fingerprint;
      wake.call();
    },
    run: async (signal) => {
      while (!signal.aborted) {
        const restMs = dueMs() - performance.now();
        if (restMs > 0) await wake.sleep(Math.min(Math.ceil(restMs), HEARTBEAT_MS), signal);
        // Only the abort of the signal rejects.
        else await tell(signal).catch(() => undefined);
      }
    },
    close: async (limitMs) => {
      if (seen === undefined || seen === told || failures > 0) return;
      await tell(AbortSignal.timeout(limitMs)).catch(() => undefined);
    },
    failure: () => failure,
  };
};
