import { isoTime, type EpochMs } from '../../core/time.ts';
import type { Report } from '../fleet/fleet-index.ts';
import type { Reports } from '../fleet/reports.ts';

/** Readers of whole lists take no more. */
const MOST_BYTES = 64 * 1024 * 1024;
/** So many reports are read at once. */
const AT_ONCE = 500;

const entryOf = ({ host, receivedAtMs }: Report): string =>
  JSON.stringify({ host, receivedAt: isoTime(receivedAtMs) }).slice(0, -1);

/**
 * The reports of an environment, each byte for byte as received: `supercargo/fleet/v1`. Equal reports give
 * equal bytes. Undefined if it would have more than 64 MiB. @throws AgentError STORE
 */
export const fleetDocument = async (
  reports: Pick<Reports, 'all' | 'bytesOf'>,
  environment: string,
  atMs: EpochMs,
  mostBytes = MOST_BYTES,
): Promise<Buffer | undefined> => {
  const [all, names]: [readonly Report[], string[]] = [reports.all(environment), []];
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let first = 0; first < all.length; first += AT_ONCE) {
    const some = all.slice(first, first + AT_ONCE);
    const bytesOf = await reports.bytesOf(
      environment,
      some.map(({ host }) => host),
    );
    for (const report of some) {
      const bytes = bytesOf.get(report.host);
      // It was removed meanwhile.
      if (bytes === undefined) continue;
      const opening = Buffer.from(`${names.length === 0 ? '' : ','}${entryOf(report)},"status":`);
      names.push(`${report.host}.json`);
      parts.push(opening, bytes, Buffer.from('}'));
      length += opening.length + bytes.length + 1;
    }
    if (length > mostBytes) return undefined;
  }
  const head = { apiVersion: 'supercargo/fleet/v1', environment, at: isoTime(atMs), names };
  const opening = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"hosts":[`);
  return Buffer.concat([opening, ...parts, Buffer.from(']}\n')]);
};
