import { createHash } from 'node:crypto';
import type { ServiceStatus, Status } from '../../src/core/status/status-document.ts';
import { hostStatus, serviceStatus } from '../../test/support/status.ts';

export const hostName = (index: number): string => `host-${String(index).padStart(6, '0')}`;

const SERVICES = 11;

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** No compressor finds anything in ids and digests, as on a real host. */
const service = (index: number, version: string): ServiceStatus => {
  const name = `service-${String(index)}`;
  const release = hex(`${name} ${version}`);
  const [container] = serviceStatus().containers;
  if (container === undefined) throw new Error('a status without containers');
  return serviceStatus({
    service: name,
    desired: { version, release },
    containers: [
      {
        ...container,
        id: hex(`container of ${name} ${version}`),
        name: `bench-${name}-1-${release.slice(0, 8)}`,
        version,
        release,
      },
    ],
  });
};

const labelsOf = (index: number): Readonly<Record<string, string>> => ({
  zone: `zone-${String(index % 3)}`,
  role: `role-${String(index % 10)}`,
  rack: `rack-${String(index % 200)}`,
});

const FAILED: Partial<ServiceStatus> = {
  outcome: 'blocked',
  reason: 'pull-failed',
  message: 'cannot pull registry.example.com/org/service-3: 503 Service Unavailable',
  advice: 'look at the registry; the agent tries again by itself',
};

/** What the marks stand for changes with each report, and their length does not: the rest is made once. */
const MARKS = { host: '<host>', at: '<at>', seq: 987_654_321, life: '<life>', news: '<news>' } as const;

const statusOf = (index: number): Status => {
  const services = Array.from({ length: SERVICES }, (_, at) =>
    service(at, at === 0 ? `1.0.${MARKS.news}` : `2.${String(at)}.7`),
  );
  const [first, second, third, ...rest] = services;
  const isFailed = index % 50 === 7;
  return hostStatus({
    environment: 'bench',
    host: MARKS.host,
    at: MARKS.at,
    labels: labelsOf(index),
    outcome: isFailed ? 'blocked' : 'converged',
    services: [first, second, third && { ...third, ...(isFailed && FAILED) }, ...rest].filter(
      (s) => s !== undefined,
    ),
    turns: {
      mode: 'manifest',
      life: MARKS.life,
      seq: MARKS.seq,
      asked: [],
      store: 'answers',
      message: null,
      revision: null,
    },
  });
};

/** Hosts with equal labels and an equal outcome: 600 kinds. */
const KINDS = 600;

export interface ReportOf {
  /** Number of the agent's report. */
  readonly seq: number;
  /** Another version of a service is news; the same one is not. */
  readonly news: number;
}

type ReportText = (index: number, report: ReportOf) => string;

/** Makes the reports of hosts, 8 KiB each. Reports of one host differ as those of a real one. */
export const createReportTexts = (): ReportText => {
  const kinds = new Map<number, readonly string[]>();
  const split = /(<host>|<at>|<life>|<news>|987654321)/;
  const partsOf = (index: number): readonly string[] => {
    const kind = index % KINDS;
    const parts = kinds.get(kind) ?? JSON.stringify(statusOf(kind)).split(split);
    kinds.set(kind, parts);
    return parts;
  };
  return (index, { seq, news }) => {
    const host = hostName(index);
    const values: Readonly<Record<string, string>> = {
      '<host>': host,
      '<at>': new Date().toISOString(),
      '<life>': `${String(index).padStart(8, '0')}-5a1c-4e0b-9d3f-2b7c6a8e4d10`,
      '<news>': String(news).padStart(6, '0'),
      '987654321': String(seq),
    };
    return partsOf(index)
      .map((part) => values[part] ?? part)
      .join('');
  };
};
