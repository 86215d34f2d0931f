import { formatImage } from '../image/reference.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { writtenPace } from '../manifest/written-pace.ts';
import { isoSeconds } from '../time.ts';

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : Number(a > b);

/** The document of a manifest (docs/DOCUMENTS.md, "The manifest"). Equal manifests give equal bytes. */
export const renderManifest = (manifest: Manifest): Uint8Array => {
  const { rollout, freeze, publisher, pace, urgent } = manifest;
  const value = {
    apiVersion: 'supercargo/v1',
    environment: manifest.environment,
    serial: manifest.serial,
    issuedAt: isoSeconds(manifest.issuedAtMs),
    expiresAt: manifest.expiresAtMs === undefined ? undefined : isoSeconds(manifest.expiresAtMs),
    services: Object.fromEntries(
      Object.entries(manifest.services)
        .toSorted(byName)
        .map(([name, { image, imageIds, archives, attempt }]) => [
          name,
          {
            image: formatImage(image),
            ...(Object.keys(imageIds).length > 0 && {
              imageIds: Object.fromEntries(Object.entries(imageIds).toSorted(byName)),
            }),
            ...(archives && {
              archives: Object.fromEntries(
                Object.entries(archives)
                  .toSorted(byName)
                  .map(([platform, { digest, bytes }]) => [platform, { digest, size: bytes }]),
              ),
            }),
            ...(attempt > 0 && { attempt }),
          },
        ]),
    ),
    rollout: rollout && {
      startAt: isoSeconds(rollout.startAtMs),
      durationSeconds: rollout.durationSeconds,
      startFraction: rollout.startFraction,
    },
    freeze,
    publisher,
    pace: pace && writtenPace(pace),
    urgent,
  };
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
};
