import { historyPath, reportFolder, TURNS_FOLDER } from '../../core/fleet/store-layout.ts';
import { environmentOfFile } from '../../core/hub/file-names.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import type { HubContents } from '../../core/ports/hub-contents.ts';
import type { HubFiles } from '../../core/ports/hub-files.ts';
import { findEnvironment } from './find-environment.ts';
import { createTurnFiles } from './turn-files.ts';

/** Reads the folder of a hub and writes nothing. */
export const readFolderContents = (name: string, files: Pick<HubFiles, 'read' | 'list'>): HubContents => {
  const turns = createTurnFiles({ ...files, apply: () => Promise.resolve([]) });
  return {
    name,
    environments: async () => {
      const entries = [
        ...(await files.list('manifests')),
        ...(await files.list('reports')),
        ...(await files.list(TURNS_FOLDER)),
      ];
      const names = entries.flatMap((entry) =>
        entry.kind === 'file'
          ? (environmentOfFile(entry.name) ?? [])
          : isEnvironmentName(entry.name)
            ? [entry.name]
            : [],
      );
      return [...new Set(names)].toSorted();
    },
    read: async (environment) => {
      const { current, serials, epoch, remark } = await findEnvironment(files, environment);
      return {
        current: current && { serial: current.serial, document: current.bytes },
        remark,
        epoch,
        serials: [...serials].toSorted((a, b) => a - b),
        turns: await turns.read(environment),
        hasReports: (await files.list(reportFolder(environment))).length > 0,
      };
    },
    past: (environment, serial) => files.read(historyPath(environment, serial)),
  };
};
