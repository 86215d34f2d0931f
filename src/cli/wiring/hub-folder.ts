import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openHubFiles, type OpenHubFiles } from '../../adapters/hub-files/hub-files.ts';
import { AgentError } from '../../core/errors.ts';

/** @throws AgentError USAGE unless a hub has used it */
export const requireHubFolder = async (data: string): Promise<void> => {
  const found = await stat(join(data, 'manifests')).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw new AgentError('USAGE', `${data} is not the folder of a hub`, {
    advice: 'name the folder that the hub has as --data, as a user who may read it',
  });
};

/**
 * Takes the lock of a folder for a command.
 * @param doIt as in "to repair"
 * @throws AgentError STORE if a hub has it
 */
export const openStoppedFolder = async (data: string, doIt: string): Promise<OpenHubFiles> => {
  try {
    return await openHubFiles(data);
  } catch (error) {
    if (!(error instanceof AgentError) || !error.message.startsWith('another hub')) throw error;
    throw new AgentError('STORE', `a hub is at work in ${data}`, {
      advice:
        `check with --dry-run; ${doIt}, stop the hub (systemctl stop supercargo-hub) ` +
        'and start it again afterwards; the hosts keep running meanwhile',
    });
  }
};
