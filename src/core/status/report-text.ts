import { REPORT_CAP_BYTES } from '../hub/read-report.ts';
import type { ServiceStatus, Status } from './status-document.ts';

const withLog = (services: readonly ServiceStatus[], lines: number): readonly ServiceStatus[] =>
  services.map((s) =>
    s.failure ? { ...s, failure: { ...s.failure, log: s.failure.log.slice(-lines) } } : s,
  );

/** Cuts for a report that is too long, the least loss first. */
const CUTS: readonly ((status: Status) => Status)[] = [
  (status) => status,
  (status) => ({ ...status, services: withLog(status.services, 5) }),
  (status) => ({ ...status, services: withLog(status.services, 1) }),
  ({ foreign: _foreign, ...status }) => ({
    ...status,
    services: status.services.map((s) => ({
      ...s,
      containers: [],
      failure: s.failure && { ...s.failure, log: [] },
    })),
    manifest: { ...status.manifest, ignored: [] },
  }),
];

/** The report of a status, within the size that a hub accepts. */
export const reportText = (status: Status, cap = REPORT_CAP_BYTES): string => {
  const texts = CUTS.map((cut) => (): string => `${JSON.stringify(cut(status))}\n`);
  const fits = (text: string): boolean => Buffer.byteLength(text) <= cap;
  for (const make of texts) {
    const text = make();
    if (fits(text)) return text;
  }
  const { foreign: _foreign, ...rest } = status;
  return `${JSON.stringify({ ...rest, services: [], manifest: { ...rest.manifest, ignored: [] } })}\n`;
};
