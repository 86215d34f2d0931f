import { BACKOFF, nextDelayMs } from '../core/backoff.ts';
import type { AgentError } from '../core/errors.ts';
import type { Delivery } from '../core/ports/report-sink.ts';
import { uniformOf } from '../core/hash-fraction.ts';
import { createWake } from './wake.ts';

/** The shortest time between two deliveries. */
const LEAST_MS = 2_000;
const HEARTBEAT_MS = 60_000;

export interface ReporterOptions {
  /** The current status: its fingerprint, and how to send it. */
  readonly current: () => { readonly fingerprint: string; readonly send: Send };
  /** Determines the second of this host's heartbeat, so that the hosts of a fleet do not send all at once. */
  readonly host: string;
  readonly random: () => number;
  /** Called for the first failure in a row. */
  readonly onFailure: (error: AgentError) => void;
  /** Called for the first delivery after failures. */
  readonly onRecovery: () => void;
  readonly onDelivery: () => void;
}

/** Rejects only when the signal aborts. */
export type Send = (signal: AbortSignal) => Promise<Delivery>;

/** Sends this host's status when it changes, and as a heartbeat. The loop never waits for it. */
export interface Reporter {
  /** Takes the fingerprint of the current status; wakes the sender if it changed. */
  readonly see: (fingerprint: string) => void;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Sends the last change if it is unsent and the last delivery did not fail. Call after `run`. */
  readonly close: (limitMs: number) => Promise<void>;
  readonly failure: () => AgentError | undefined;
}

export const createReporter = (options: ReporterOptions): Reporter => {
  const wake = createWake();
  // Monotonic: a clock that is set back must not silence a host.
  const firstBeatMs = performance.now() + uniformOf(options.host) * HEARTBEAT_MS;
  let seen: string | undefined;
  let sent: string | undefined;
  let triedAtMs = -Infinity;
  let notBeforeMs = -Infinity;
  let failures = 0;
  let failure: AgentError | undefined;

  /** The host's first heartbeat at least half a period after the last attempt. */
  const nextBeatMs = (): number => {
    const afterMs = triedAtMs + HEARTBEAT_MS / 2;
    return firstBeatMs + Math.max(0, Math.ceil((afterMs - firstBeatMs) / HEARTBEAT_MS)) * HEARTBEAT_MS;
  };

  const dueMs = (): number => {
    if (seen === undefined) return Infinity;
    const earliestMs = Math.max(triedAtMs + LEAST_MS, notBeforeMs);
    return seen !== sent || failures > 0 ? earliestMs : Math.max(earliestMs, nextBeatMs());
  };

  const deliver = async (signal: AbortSignal): Promise<void> => {
    triedAtMs = performance.now();
    const { fingerprint, send } = options.current();
    seen = fingerprint;
    const delivery = await send(signal);
    if (delivery.kind === 'failed') {
      failures += 1;
      failure = delivery.error;
      const random = options.random();
      notBeforeMs =
        performance.now() +
        nextDelayMs({ failures, random, floorMs: delivery.retryAfterMs, ...BACKOFF.report });
      if (failures === 1) options.onFailure(delivery.error);
      return;
    }
    sent = fingerprint;
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
        // Rejects only when the signal aborts.
        else await deliver(signal).catch(() => undefined);
      }
    },
    close: async (limitMs) => {
      if (seen === undefined || seen === sent || failures > 0) return;
      await deliver(AbortSignal.timeout(limitMs)).catch(() => undefined);
    },
    failure: () => failure,
  };
};
