import { parseProject } from '../../src/core/compose/project.ts';
import type { CreateContainer } from '../../src/core/plan/action.ts';
import type { ImageId } from '../../src/core/image/reference.ts';
import { resolveHost } from '../../src/core/state/desired.ts';
import type { Release } from '../../src/core/state/release.ts';

const indented = (text: string): string => text.trim().replaceAll(/^/gm, '    ');

/** Any digest: where only the spec matters. */
export const SOME_DIGEST = `sha256:${'0'.repeat(64)}`;

/** The release of service `web` with these settings (YAML), whose image is pinned by the host (`…@sha256:…`). */
export const releaseOf = (settings: string, image = `org/web:1.0.0@${SOME_DIGEST}`, top = ''): Release => {
  const text = `services:\n  web:\n    image: ${image}\n${indented(settings)}\n${top}`;
  const parsed = parseProject({
    folder: '/srv',
    files: [{ path: '/srv/compose.yaml', text }],
    read: new Map(),
  });
  if (parsed.kind === 'errors') throw new Error(JSON.stringify(parsed.errors));
  const host = resolveHost({
    project: parsed.project,
    manifest: undefined,
    ledger: { tags: {}, services: {} },
    platform: 'linux/amd64',
  });
  const web = host.services['web'];
  if (web?.kind !== 'release') throw new Error(`no release: ${JSON.stringify(web)}`);
  return web.release;
};

/** Its container: armed, on networks and volumes that are called as in the file. */
export const createOf = (
  release: Release,
  name: string,
  changes: Partial<CreateContainer> = {},
): CreateContainer => ({
  kind: 'create',
  name,
  release,
  replica: 1,
  serial: 7,
  imageId: release.image.imageId ?? (release.image.digest as string as ImageId),
  armed: true,
  named: true,
  networks: {},
  volumes: {},
  carried: {},
  ...changes,
});
