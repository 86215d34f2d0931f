import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EdgeRuntimeAction, Edges } from '../../core/ports/edge.ts';
import type { EdgeSeen, HostListener } from '../../core/state/actual.ts';
import { isInstance } from '../../core/edge/haproxy-names.ts';
import { readWritten, type Written } from '../../core/edge/parse-haproxy.ts';
import { createEdge, type Edge } from './edge.ts';
import { edgeError } from './edge-error.ts';
import { readListeners } from './listeners.ts';

export interface CheckResult {
  readonly exitCode: number;
  readonly output: string;
}

export interface EdgesOptions {
  /** Of the environment, on the host. */
  readonly folder: string;
  /** `edgeCheckCommand` in the container of this edge; undefined: it does not run. */
  readonly check: (instance: string, signal: AbortSignal) => Promise<CheckResult | undefined>;
  /** Undefined: this host's own listeners can't be seen from here. */
  readonly listeners?: () => Promise<readonly HostListener[]>;
}

/** For one answer: an edge that hangs must not hold up a look. */
const TIMEOUT_MS = 2_000;

/** HAProxy says its version first, and what is wrong as `[ALERT] (pid) : config : …`. */
const complaintOf = (output: string): string =>
  output.split('\n').find((line) => line.startsWith('[ALERT]')) ?? output.trim();

/**
 * All edges of the environment on this host. One that is asked again is the same object: nothing is connected
 * in between.
 */
export const createEdges = ({ folder, check, listeners = readListeners }: EdgesOptions): Edges => {
  const known = new Map<string, Edge>();
  const read = new Map<string, Written>();

  /** Nothing to check with before it runs: what it then refuses is told by its not answering. */
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

  /** The same text is the same object: nobody has to compare it, or read it again. */
  const writtenOf = (instance: string, text: string): Written => {
    const before = read.get(instance);
    if (before?.text === text) return before;
    const now = readWritten(text);
    read.set(instance, now);
    return now;
  };

  const look = async (instance: string, signal: AbortSignal): Promise<EdgeSeen> => {
    // Somebody wrote such a label: nothing of ours is there.
    if (!isInstance(instance)) return { instance, state: undefined, written: undefined, hasSockets: false };
    const edge = edgeOf(instance);
    const unknown = (): undefined => {
      signal.throwIfAborted();
      return undefined;
    };
    // Unknown ⇒ nothing that it may serve is stopped, and nothing is written.
    const [state, written, hasSockets] = await Promise.all([
      edge.observe(signal).catch(unknown),
      edge.written(signal).catch(unknown),
      edge.hasSockets(),
    ]);
    return {
      instance,
      state,
      written: written === undefined ? undefined : writtenOf(instance, written),
      hasSockets,
    };
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
    observe: async (instances, withListeners, signal) => ({
      edges: await Promise.all(instances.map((instance) => look(instance, signal))),
      listeners: withListeners ? await listeners() : undefined,
    }),
    apply: async (action: EdgeRuntimeAction, signal) =>
      action.kind === 'edge-discard'
        ? discardAllBut(action.keep)
        : edgeOf(action.instance).apply(action, signal),
  };
};
