import type { EdgeAction } from '../../core/edge/edge-action.ts';
import { hasHealthEndpoint } from '../../core/edge/render-health.ts';
import { renderConfig } from '../../core/edge/render-haproxy.ts';
import type { HealthMap } from '../../core/edge/health-answer.ts';
import type { EdgeConfig, EdgeState } from '../../core/edge/edge-config.ts';
import {
  addServer,
  closePort,
  cutSessions,
  removeServer,
  setState,
  type Patience,
} from './runtime-commands.ts';
import { createConfigFolder } from './config-folder.ts';
import { isNotRunning } from './edge-error.ts';
import { setAnswers } from './health-map.ts';
import { observeEdge } from './observe-edge.ts';
import { createRuntime } from './runtime.ts';

/** One edge: its runtime and its config folder. Methods reject with an AgentError or the signal's reason. */
export interface Edge {
  /** @throws AgentError EDGE_UNREACHABLE if the edge does not run or does not answer */
  readonly observe: (signal: AbortSignal) => Promise<EdgeState>;
  /** The file that a restarted edge would read; undefined if there is none. @throws AgentError STATE_DIR */
  readonly written: (signal: AbortSignal) => Promise<string | undefined>;
  /** Its map of the health endpoint; undefined if there is no file. @throws AgentError STATE_DIR */
  readonly answers: (signal: AbortSignal) => Promise<HealthMap | undefined>;
  /** False while the edge starts, or if its sockets were removed. */
  readonly hasSockets: () => Promise<boolean>;
  /** Idempotent. @throws AgentError EDGE_UNREACHABLE, EDGE, STATE_DIR */
  readonly apply: (action: EdgeAction, signal: AbortSignal) => Promise<void>;
  /** Removes its files, once its container is gone. @throws AgentError STATE_DIR */
  readonly discard: () => Promise<void>;
}

export interface EdgeOptions {
  /** The environment's folder on the host; `config/INSTANCE` and `run` are mounted from it. */
  readonly folder: string;
  readonly instance: string;
  /** Runs `edgeCheckCommand` in the edge's container; rejects if HAProxy refuses the candidate. */
  readonly check: (signal: AbortSignal) => Promise<void>;
  readonly timeoutMs?: number;
  readonly patience?: Patience;
}

const PATIENCE: Patience = { deadlineMs: 10_000, everyMs: 100 };

export const createEdge = ({
  folder,
  instance,
  check,
  timeoutMs,
  patience = PATIENCE,
}: EdgeOptions): Edge => {
  const files = createConfigFolder(folder, instance);
  const { runtimeSocket, masterSocket } = files;
  const runtime = createRuntime({
    runtimeSocket,
    masterSocket,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });

  /** Writes only a changed text, so that an idle tick writes nothing. */
  const write = async (config: EdgeConfig, signal: AbortSignal): Promise<void> => {
    const text = renderConfig(config);
    if (hasHealthEndpoint(config)) await files.ensureAnswers(signal);
    if ((await files.read(signal)) !== text) await files.write(text, () => check(signal));
  };
  /** The file first: an edge that does not run, or dies in between, begins with it. */
  const change = async (map: HealthMap, signal: AbortSignal): Promise<void> => {
    await files.writeAnswers(map, signal);
    await setAnswers(runtime, map, signal).catch((error: unknown) => {
      if (!isNotRunning(error)) throw error;
    });
  };
  const apply = async (action: EdgeAction, signal: AbortSignal): Promise<void> => {
    switch (action.kind) {
      case 'edge-write':
        return write(action.config, signal);
      case 'edge-answer':
        return change(action, signal);
      case 'edge-add-server':
        return addServer(runtime, action.backend, action.server, signal);
      case 'edge-set-state':
        return setState(runtime, action.backend, action.server, action.state, signal);
      case 'edge-cut-sessions':
        return cutSessions(runtime, action.backend, action.server, signal);
      case 'edge-close-port':
        return closePort(runtime, action.frontend, signal);
      case 'edge-remove-server':
        return removeServer(runtime, action.backend, action.server, patience, signal);
    }
  };
  return {
    observe: (signal) => observeEdge(runtime, signal),
    written: files.read,
    answers: files.readAnswers,
    hasSockets: files.hasSockets,
    apply,
    discard: files.discard,
  };
};
