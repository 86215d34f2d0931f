import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EdgeRuntimeAction, Edges } from '../../core/ports/edge.ts';
import type { EdgeSeen, HostListener } from '../../core/state/actual.ts';
import { isInstance } from '../../core/edge/haproxy-names.ts';
import { readWritten, type Written } from '../../core/edge/parse-haproxy.ts';
import { hasHealthEndpoint } from '../../core/edge/render-health.ts';
import { absentAddresses } from './absent-addresses.ts';
import { createEdge, type Edge } from './edge.ts';
import { edgeError } from './edge-error.ts';
import { readListeners } from './listeners.ts';

export interface CheckResult {
  readonly exitCode: number;
  readonly output: string;
}

export interface EdgesOptions {
  /** The environment's folder on the host. */
  readonly folder: string;
  /** Runs `edgeCheckCommand` in this edge's container; undefined if the container does not run. */
  readonly check: (instance: string, signal: AbortSignal) => Promise<CheckResult | undefined>;
  readonly listeners?: () => Promise<readonly HostListener[]>;
}

/** For one command, so that a hanging edge does not delay the observation. */
const TIMEOUT_MS = 2_000;

/** HAProxy prints its version first, and errors as `[ALERT] (pid) : config : …`. */
const complaintOf = (output: string): string =>
  output.split('\n').find((line) => line.startsWith('[ALERT]')) ?? output.trim();

/** All edges of the environment on this host. No connection stays open between calls. */
export const createEdges = ({ folder, check, listeners = readListeners }: EdgesOptions): Edges => {
  const known = new Map<string, Edge>();
  const read = new Map<string, Written>();

  /** Checks nothing while the edge does not run: an edge that refuses its file will not answer. */
  const checkIn = async (instance: string, signal: AbortSignal): Promise<void> => {
    const result = await check(instance, signal);
    if (result && result.exitCode !== 0)
      throw edgeError(
        'write the file of the edge',
        complaintOf(result.output) || `haproxy -c ended with ${String(result.exitCode)}`,
      );
  };

  const edgeOf = (instance: string): Edge => {
    const there = known.get(instance);
    if (there) return there;
    const edge = createEdge({
      folder,
      instance,
      check: (signal) => checkIn(instance, signal),
      timeoutMs: TIMEOUT_MS,
    });
    known.set(instance, edge);
    return edge;
  };

  /** Returns the same object for the same text, so that callers need not compare or parse it again. */
  const writtenOf = (instance: string, text: string): Written => {
    const before = read.get(instance);
    if (before?.text === text) return before;
    const now = readWritten(text);
    read.set(instance, now);
    return now;
  };

  const observeOne = async (instance: string, signal: AbortSignal): Promise<EdgeSeen> => {
    // The instance comes from a label; an invalid one has no files of ours.
    if (!isInstance(instance)) return { instance, state: undefined, written: undefined, hasSockets: false };
    const edge = edgeOf(instance);
    const unknown = (): undefined => {
      signal.throwIfAborted();
      return undefined;
    };
    // With an unknown state, the planner stops no container that the edge may serve, and writes nothing.
    const [state, text, hasSockets] = await Promise.all([
      edge.observe(signal).catch(unknown),
      edge.written(signal).catch(unknown),
      edge.hasSockets(),
    ]);
    const written = text === undefined ? undefined : writtenOf(instance, text);
    // The answers of a new edge are written before its config file.
    const mayHaveAnswers = written === undefined || hasHealthEndpoint(written);
    const answers = mayHaveAnswers ? await edge.answers(signal).catch(unknown) : undefined;
    return { instance, state, written, hasSockets, ...answers };
  };

  const discardAllBut = async (keep: readonly string[]): Promise<void> => {
    const made = await readdir(join(folder, 'config')).catch(() => []);
    for (const instance of made.filter((name) => isInstance(name) && !keep.includes(name))) {
      await edgeOf(instance).discard();
      known.delete(instance);
      read.delete(instance);
    }
  };

  return {
    observe: async (instances, addresses, signal) => ({
      edges: await Promise.all(instances.map((instance) => observeOne(instance, signal))),
      // Before the listeners, which would show the test of an address.
      ...(addresses && { absentAddresses: await absentAddresses(addresses) }),
      listeners: addresses && (await listeners()),
    }),
    apply: async (action: EdgeRuntimeAction, signal) =>
      action.kind === 'edge-discard'
        ? discardAllBut(action.keep)
        : edgeOf(action.instance).apply(action, signal),
  };
};
