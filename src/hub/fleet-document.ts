import { isoTime, type EpochMs } from '../core/time.ts';
import type { Report } from './reports.ts';

/**
 * The reports of an environment, each byte for byte as received: `supercargo/fleet/v1`. Equal reports give
 * equal bytes.
 */
export const fleetDocument = (environment: string, reports: readonly Report[], atMs: EpochMs): Buffer => {
  const head = {
    apiVersion: 'supercargo/fleet/v1',
    environment,
    at: isoTime(atMs),
    names: reports.map(({ host }) => `${host}.json`),
  };
  const parts: Uint8Array[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"hosts":[`)];
  for (const [index, { host, receivedAtMs, bytes }] of reports.entries()) {
    const opening = JSON.stringify({ host, receivedAt: isoTime(receivedAtMs) }).slice(0, -1);
    parts.push(Buffer.from(`${index === 0 ? '' : ','}${opening},"status":`), bytes, Buffer.from('}'));
  }
  parts.push(Buffer.from(']}\n'));
  return Buffer.concat(parts);
};
