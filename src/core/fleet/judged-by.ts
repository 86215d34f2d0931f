import { createHash } from 'node:crypto';
import { versionOf } from '../image/image-version.ts';
import type { DesiredManifest } from './host-findings.ts';

/**
 * Equal for manifests that judge hosts alike: after a failover that lost a publish, the next one may have got
 * the same serial for other versions.
 */
export const judgedByOf = ({ serial, services }: DesiredManifest): string => {
  const versions = Object.entries(services).map(([service, { image }]) => [service, versionOf(image)]);
  const text = JSON.stringify([serial, versions.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))]);
  return createHash('sha256').update(text).digest('base64url');
};
