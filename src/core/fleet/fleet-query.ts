import { isReportingHost } from '../hub/file-names.ts';
import { quote } from '../manifest/text.ts';
import type { EpochMs } from '../time.ts';
import { VERDICT_KINDS, type VerdictKind } from '../vocabulary/outcomes.ts';
import { formatLabels, parseLabels, type HostLabels } from './host-labels.ts';

export const PAGE_ORDERS = ['name', 'severity'] as const;
export type PageOrder = (typeof PAGE_ORDERS)[number];

/** Who counts, and by what they are judged. */
export interface FleetSelection {
  /** Of the manifest that hosts are judged by; 0 for none; undefined for the current one. */
  readonly serial?: number | undefined;
  readonly where?: HostLabels | undefined;
  /** Undefined for all that report. A named one that never reported is in the answer. */
  readonly hosts?: readonly string[] | undefined;
}

/** What a reader asks of a fleet: `GET /reports/ENV?…` (docs/HUB.md). */
export interface FleetQuery extends FleetSelection {
  /** All kinds without it. */
  readonly kinds?: readonly VerdictKind[] | undefined;
  readonly order: PageOrder;
  /** The most hosts in the answer; with 0 it has totals alone. */
  readonly limit: number;
  /** `next` of the answer before. */
  readonly after?: string | undefined;
  /** `revision` of an earlier answer: only hosts whose verdict may have changed since. */
  readonly since?: string | undefined;
  /** `whole` gives each host's report too. */
  readonly status: 'none' | 'whole';
}

export const MOST_NAMED = 100;
export const MOST_ON_PAGE = 1000;
export const DEFAULT_ON_PAGE = 100;

const MEMBERS = ['serial', 'where', 'kind', 'host', 'order', 'limit', 'after', 'since', 'status'] as const;
type Member = (typeof MEMBERS)[number];

const isMember = (name: string): name is Member => MEMBERS.some((member) => member === name);

export type ParsedQuery =
  | { readonly kind: 'query'; readonly query: FleetQuery }
  /** No member of a query: the whole list is asked for, as by older readers. */
  | { readonly kind: 'none' }
  | { readonly kind: 'problem'; readonly message: string };

class Problem extends Error {}

const oneOf = <W extends string>(name: Member, text: string, words: readonly W[]): W => {
  const found = words.find((word) => word === text);
  if (found === undefined) throw new Problem(`${name} is ${quote(text)}, and none of ${words.join(', ')}`);
  return found;
};

const number = (name: Member, text: string, most: number): number => {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value) || value > most)
    throw new Problem(`${name} is ${quote(text)}, and no whole number up to ${String(most)}`);
  return value;
};

const labels = (texts: readonly string[]): HostLabels => {
  const parsed = parseLabels(texts.join(','));
  if (parsed.kind === 'problem') throw new Problem(`where ${parsed.message}`);
  return parsed.labels;
};

const named = (hosts: readonly string[]): readonly string[] => {
  const wrong = hosts.find((host) => !isReportingHost(host));
  if (wrong !== undefined) throw new Problem(`host is ${quote(wrong)}, and no valid name of a host`);
  const distinct = [...new Set(hosts)];
  if (distinct.length <= MOST_NAMED) return distinct;
  throw new Problem(`it names ${String(distinct.length)} hosts, more than ${String(MOST_NAMED)}`);
};

const read = (params: URLSearchParams): FleetQuery => {
  const unknown = [...params.keys()].find((name) => !isMember(name));
  if (unknown !== undefined) throw new Problem(`it has ${quote(unknown)}, which this version does not know`);
  const all = (name: Member): readonly string[] => params.getAll(name);
  const one = (name: Member): string | undefined => {
    const [first, second] = all(name);
    if (second !== undefined) throw new Problem(`it has ${name} twice`);
    return first;
  };
  const [serial, limit, order, status] = [one('serial'), one('limit'), one('order'), one('status')];
  const [where, kinds, hosts] = [all('where'), all('kind'), all('host')];
  return {
    serial: serial === undefined ? undefined : number('serial', serial, Number.MAX_SAFE_INTEGER),
    where: where.length === 0 ? undefined : labels(where),
    kinds: kinds.length === 0 ? undefined : kinds.map((kind) => oneOf('kind', kind, VERDICT_KINDS)),
    hosts: hosts.length === 0 ? undefined : named(hosts),
    order: order === undefined ? 'name' : oneOf('order', order, PAGE_ORDERS),
    limit: limit === undefined ? DEFAULT_ON_PAGE : number('limit', limit, MOST_ON_PAGE),
    after: one('after'),
    since: one('since'),
    status: status === undefined ? 'none' : oneOf('status', status, ['none', 'whole'] as const),
  };
};

/** `message` completes "the query is not valid: …". */
export const parseFleetQuery = (params: URLSearchParams): ParsedQuery => {
  if (![...params.keys()].some(isMember)) return { kind: 'none' };
  try {
    const query = read(params);
    if (query.after !== undefined && readCursor(query.after, query.order) === undefined)
      return { kind: 'problem', message: 'after is no next of an answer in this order' };
    return { kind: 'query', query };
  } catch (error) {
    if (error instanceof Problem) return { kind: 'problem', message: error.message };
    throw error;
  }
};

/** `limit=100&order=name…`; the same members as `parseFleetQuery` reads. */
export const formatFleetQuery = (query: FleetQuery): string => {
  const { serial, where, kinds = [], hosts = [], order, limit, after, since, status } = query;
  const params = new URLSearchParams({ limit: String(limit), order, status });
  if (serial !== undefined) params.set('serial', String(serial));
  if (where !== undefined) params.set('where', formatLabels(where));
  for (const kind of kinds) params.append('kind', kind);
  for (const host of hosts) params.append('host', host);
  if (after !== undefined) params.set('after', after);
  if (since !== undefined) params.set('since', since);
  return params.toString();
};

/** The place of a host in an order; `rank` is that of its word, 0 in the order of names. */
export interface Cursor {
  readonly rank: number;
  readonly host: string;
}

export const writeCursor = ({ rank, host }: Cursor, order: PageOrder): string =>
  `${order === 'name' ? 'n' : String(rank)}.${host}`;

export const readCursor = (text: string, order: PageOrder): Cursor | undefined => {
  const [, rank = '', host = ''] = /^(n|\d{1,3})\.(.+)$/.exec(text) ?? [];
  if (!isReportingHost(host) || (rank === 'n') !== (order === 'name')) return undefined;
  return { rank: rank === 'n' ? 0 : Number(rank), host };
};

/** How much of a fleet an answer has seen. Opaque to readers. */
export interface FleetRevision {
  /** Of the store: revisions of another life cannot be compared. */
  readonly life: string;
  readonly number: number;
  /** By which the hosts were judged; 0 for none. */
  readonly serial: number;
  /** A host that falls silent changes without a report, so the time counts too. */
  readonly atMs: EpochMs;
}

export const writeRevision = ({ life, number: of, serial, atMs }: FleetRevision): string =>
  `${String(of)}.${String(serial)}.${String(atMs)}.${life}`;

export const readRevision = (text: string): FleetRevision | undefined => {
  const [, of, serial, atMs, life = ''] = /^(\d{1,16})\.(\d{1,16})\.(\d{1,16})\.(.+)$/.exec(text) ?? [];
  return of === undefined
    ? undefined
    : { life, number: Number(of), serial: Number(serial), atMs: Number(atMs) };
};
