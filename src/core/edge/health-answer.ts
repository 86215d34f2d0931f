import type { EpochMs } from '../time.ts';
import { checkedBackend, checkedCount, checkedService, isCheckBackend } from './haproxy-names.ts';

/** What a load balancer hears about a service, or about the host: 200 if `isUp`, else 503. */
export interface HealthAnswer {
  readonly isUp: boolean;
  /** Since when it hears this. */
  readonly sinceMs: EpochMs;
  /** One line for people; it becomes the body. */
  readonly reason: string;
}

/** By service. Any other path is answered with 404. */
export type HealthAnswers = Readonly<Record<string, HealthAnswer>>;

/** All that the edge answers from, in one file that a running edge can exchange as a whole. */
export interface HealthMap {
  readonly answers: HealthAnswers;
  /**
   * Backends for which the edge itself answers 503 once they have no usable server. A running edge keeps the
   * rules that it started with, also for ports that are closed by now.
   */
  readonly counted: readonly string[];
}

/** The key of the host's own answer, at the path `/`. */
export const HOST_ANSWER = '';

/** The backend of the health endpoint. No service's backend has such a name: theirs end in a port. */
export const HEALTH_BACKEND = 'health';

/** Stands for a service where an edge names the owners of its ports. No service's name has a blank. */
export const HEALTH_OWNER = 'health endpoint';

/**
 * A port that a container publishes itself: the edge tries it, so that its answer is true without an agent.
 */
export interface CheckedPort {
  readonly service: string;
  /** Empty means every address of the host. */
  readonly hostAddress: string;
  readonly hostPort: number;
}

/** `/web 503:1764512345678:draining` */
const LINE = /^\/(\S*) (200|503):(\d{1,16}):(\S*)$/;

/** `web:8888 counted`. The path of a request begins with a slash, so that none reaches it. */
const COUNTED = /^([^\s/]+) counted$/;

const lineOf = ([service, { isUp, sinceMs, reason }]: [string, HealthAnswer]): string =>
  `/${service} ${isUp ? '200' : '503'}:${String(sinceMs)}:${encodeURIComponent(reason.toWellFormed())}`;

/** The lines of HAProxy's map: a path, a blank, and the answer without a blank; then the counted backends. */
export const mapLines = ({ answers, counted }: HealthMap): readonly string[] => [
  ...Object.entries(answers)
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(lineOf),
  ...[...new Set(counted)].toSorted().map((backend) => `${backend} counted`),
];

/** @throws AgentError EDGE if a name or time would break HAProxy's text */
export const checkedMapLines = (map: HealthMap): readonly string[] => {
  const { answers, counted } = map;
  for (const backend of counted) if (!isCheckBackend(backend)) checkedBackend(backend);
  for (const [service, { sinceMs }] of Object.entries(answers)) {
    if (service !== HOST_ANSWER) checkedService(service);
    checkedCount('time', sinceMs);
  }
  return mapLines(map);
};

/** As it stands if its encoding is damaged: the next correction of the answers mends it. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Reads what `mapLines` wrote; skips all other lines. */
export const readMap = (lines: readonly string[]): HealthMap => ({
  answers: Object.fromEntries(
    lines.flatMap((line) => {
      const [, service, status, since, reason] = LINE.exec(line) ?? [];
      if (service === undefined || reason === undefined) return [];
      return [[service, { isUp: status === '200', sinceMs: Number(since), reason: decoded(reason) }]];
    }),
  ),
  counted: lines.flatMap((line) => COUNTED.exec(line)?.[1] ?? []),
});

export const sameMap = (a: HealthMap, b: HealthMap): boolean => {
  const lines = mapLines(b);
  return mapLines(a).length === lines.length && mapLines(a).every((line, at) => line === lines[at]);
};
