import { basename, dirname, join } from 'node:path';
import { AgentError, messageOf } from '../core/errors.ts';
import type { MetricsFile } from '../core/ports/metrics-file.ts';
import { replaceFile } from '../io/durable-file.ts';

/** node_exporter runs as a user of its own. */
const MODE = 0o644;

/**
 * Replaced by a rename, so that a collector never sees half of it. Not synced to disk: after a power cut it
 * is written anew. The temporary file has one name, which does not end in `.prom`: nobody collects it, and
 * what a killed agent left is overwritten.
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
