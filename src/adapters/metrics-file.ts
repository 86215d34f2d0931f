import { basename, dirname, join } from 'node:path';
import { AgentError, messageOf } from '../core/errors.ts';
import type { MetricsFile } from '../core/ports/metrics-file.ts';
import { replaceFile } from '../io/durable-file.ts';

/** node_exporter runs as another user. */
const MODE = 0o644;

/**
 * Replaces the file by a rename, so that a collector never sees half of it. Does not sync it, because the
 * agent writes it again after a power cut. The temporary file has a fixed name, so that the agent overwrites
 * what a killed agent left; it does not end in `.prom`, so that no collector reads it.
 */
export const createMetricsFile = (path: string): MetricsFile => {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  return {
    path,
    write: async (text) => {
      try {
        await replaceFile(path, text, { mode: MODE, temporary, isDurable: false });
        return { ok: true };
      } catch (cause) {
        const error = new AgentError('STATE_DIR', `cannot write ${path}: ${messageOf(cause)}`, {
          retry: 'later',
          cause,
          advice: 'let the agent write into the folder that SUPERCARGO_METRICS_FILE names',
        });
        return { ok: false, error };
      }
    },
  };
};
