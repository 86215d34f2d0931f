import type { EdgeAction } from '../../core/edge/action.ts';
import { renderConfig } from '../../core/edge/render.ts';
import type { Edge } from '../../core/ports/edge.ts';
import { addServer, cutSessions, removeServer, setState, type Patience } from './commands.ts';
import { createConfigFolder } from './config-folder.ts';
import { observeEdge } from './observe.ts';
import { createRuntime } from './runtime.ts';

export interface EdgeOptions {
  /** Of the environment, on the host: `config/INSTANCE` and `run` are mounted from it. */
  readonly folder: string;
  readonly instance: string;
  /** Runs `edgeCheckCommand` where this folder is mounted; rejects where HAProxy refuses the candidate. */
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

  /** The same text is not written again: an idle tick writes nothing. */
  const write = async (text: string, signal: AbortSignal): Promise<void> => {
    if ((await files.read(signal)) !== text) await files.write(text, () => check(signal));
  };
  const apply = async (action: EdgeAction, signal: AbortSignal): Promise<void> => {
    switch (action.kind) {
      case 'edge-write':
        return write(renderConfig(action.config), signal);
      case 'edge-add-server':
        return addServer(runtime, action.backend, action.server, signal);
      case 'edge-set-state':
        return setState(runtime, action.backend, action.server, action.state, signal);
      case 'edge-cut-sessions':
        return cutSessions(runtime, action.backend, action.server, signal);
      case 'edge-remove-server':
        return removeServer(runtime, action.backend, action.server, patience, signal);
    }
  };
  return {
    observe: (signal) => observeEdge(runtime, signal),
    written: files.read,
    apply,
    discard: files.discard,
  };
};
