import { join } from 'node:path';
import type { AgentValues } from './agent-variables.ts';
import type { Surroundings } from './host-facts.ts';

/** The credentials from the unit's LoadCredential=, which replace variables that are not set. */
export const credentialsOf = (
  { CREDENTIALS_DIRECTORY: folder }: AgentValues,
  { hasCredential }: Surroundings,
): Partial<Record<'manifestCredentialsFile' | 'reportTokenFile' | 'dockerConfigDir', string>> => {
  const has = (name: string): boolean => folder !== undefined && hasCredential(join(folder, name));
  if (folder === undefined) return {};
  return {
    ...(has('manifest-credentials') && { manifestCredentialsFile: join(folder, 'manifest-credentials') }),
    ...(has('report-token') && { reportTokenFile: join(folder, 'report-token') }),
    ...(has('config.json') && { dockerConfigDir: folder }),
  };
};
