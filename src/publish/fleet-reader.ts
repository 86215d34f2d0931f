import { AgentError } from '../core/errors.ts';
import { judgedByOf } from '../core/fleet/judged-by.ts';
import { readFleetPage, type FleetPage, type PageHost } from '../core/fleet/fleet-page.ts';
import { formatFleetQuery, MOST_NAMED, MOST_ON_PAGE, type FleetQuery } from '../core/fleet/fleet-query.ts';
import { addTotals, NO_TOTALS } from '../core/fleet/fleet-totals.ts';
import { readFleetDocument } from '../core/fleet/host-report.ts';
import { rankOf } from '../core/fleet/select-page.ts';
import { reportFolder } from '../core/fleet/store-layout.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import { compareNaturally } from '../core/natural-order.ts';
import type { DocumentStore } from '../core/ports/document-store.ts';
import { pageOfReports, readEachReport } from './whole-fleet.ts';

/** Which hosts count, and how they are judged. */
export interface FleetSelection extends Pick<FleetQuery, 'where'> {
  /** Undefined to judge each host by itself. */
  readonly target: Manifest | undefined;
  /** Undefined for all that report. Any number. */
  readonly hosts?: readonly string[] | undefined;
}

/** Without more members the totals alone are read. */
export interface PageRequest
  extends
    FleetSelection,
    Partial<Pick<FleetQuery, 'kinds' | 'order' | 'limit' | 'after' | 'since' | 'status'>> {}

/**
 * Reads a page of a fleet. A page may have fewer hosts than its limit and still a next one. A store that has
 * no pages gives all hosts on one page, and so does a request that names hosts.
 * @throws AgentError STORE
 */
export type FleetReader = (request: PageRequest, signal: AbortSignal) => Promise<FleetPage>;

const queryOf = ({ target, ...request }: PageRequest): FleetQuery => ({
  order: 'name',
  limit: 0,
  status: 'none',
  ...request,
  serial: target?.serial ?? 0,
});

/** Reports of an older hub come with the answer, those of other stores are read one by one. */
const readPart = async (
  store: DocumentStore,
  environment: string,
  query: FleetQuery,
  signal: AbortSignal,
): Promise<FleetPage | ReturnType<typeof readFleetDocument>> => {
  const stored = await store.ask(reportFolder(environment), formatFleetQuery(query), signal);
  return stored && (readFleetPage(stored, Date.now()) ?? readFleetDocument(stored, Date.now()));
};

/** @throws AgentError STORE for a page by another manifest of the same serial */
const requireTarget = (
  { judgedBy }: FleetPage,
  { target }: Pick<FleetSelection, 'target'>,
  { name }: Pick<DocumentStore, 'name'>,
): void => {
  if (target === undefined || judgedBy === undefined || judgedBy === judgedByOf(target)) return;
  throw new AgentError('STORE', `${name} has other versions in serial ${String(target.serial)}`, {
    advice: 'its store has lost that publish, and another one got the serial: publish again',
  });
};

const isPage = (answer: Awaited<ReturnType<typeof readPart>>): answer is FleetPage =>
  answer !== undefined && 'totals' in answer;

/** Servers refuse an address with more characters. */
const MOST_TEXT = 4_000;

/** Groups that a query can name. */
const partsOf = (hosts: readonly string[]): readonly (readonly string[])[] => {
  const parts: string[][] = [];
  let length = Infinity;
  for (const host of [...new Set(hosts)].toSorted(compareNaturally)) {
    length += 'host=&'.length + host.length;
    const last = parts.at(-1);
    if (last !== undefined && last.length < MOST_NAMED && length <= MOST_TEXT) last.push(host);
    else {
      parts.push([host]);
      length = host.length;
    }
  }
  return parts;
};

/** Revisions of the parts; a revision has no blank. */
const BETWEEN = ' ';

const inOrder = (hosts: readonly PageHost[], order: FleetQuery['order']): readonly PageHost[] =>
  order === 'name' ? hosts : hosts.toSorted((a, b) => rankOf(a.verdict.word) - rankOf(b.verdict.word));

const join = (pages: readonly FleetPage[], order: FleetQuery['order']): FleetPage => ({
  atMs: Math.min(...pages.map(({ atMs }) => atMs)),
  revision: pages.map(({ revision }) => revision).join(BETWEEN),
  isWhole: pages.every(({ isWhole }) => isWhole),
  incompleteUntilMs: undefined,
  totals: pages.reduce((sum, { totals }) => addTotals(sum, totals), NO_TOTALS),
  hosts: inOrder(
    pages.flatMap(({ hosts }) => hosts),
    order,
  ),
  next: undefined,
});

export const createFleetReader = (store: DocumentStore, environment: string): FleetReader => {
  const readAll = async (
    answer: ReturnType<typeof readFleetDocument>,
    request: PageRequest,
    signal: AbortSignal,
  ): Promise<FleetPage> => {
    const reports = answer ?? (await readEachReport(store, environment, request.hosts, signal));
    return pageOfReports(reports, { target: request.target, query: queryOf(request) }, Date.now());
  };
  /** All named hosts of one part. Undefined if the store has no pages. */
  const readNamed = async (query: FleetQuery, signal: AbortSignal) => {
    const first = await readPart(store, environment, query, signal);
    if (!isPage(first)) return first;
    const hosts = [...first.hosts];
    let { next } = first;
    while (next !== undefined) {
      const page = await readPart(store, environment, { ...query, after: next }, signal);
      if (!isPage(page)) return page;
      hosts.push(...page.hosts);
      next = page.next;
    }
    return { ...first, hosts, next: undefined };
  };
  return async (request, signal) => {
    const query = queryOf(request);
    if (request.hosts?.length === 0) return readAll([], request, signal);
    if (request.hosts === undefined) {
      const answer = await readPart(store, environment, query, signal);
      if (!isPage(answer)) return readAll(answer, request, signal);
      requireTarget(answer, request, store);
      return answer;
    }
    const parts = partsOf(request.hosts);
    const revisions = query.since?.split(BETWEEN) ?? [];
    const pages: FleetPage[] = [];
    for (const [at, hosts] of parts.entries()) {
      const since = revisions.length === parts.length ? revisions[at] : undefined;
      const limit = query.limit === 0 ? 0 : MOST_ON_PAGE;
      const page = await readNamed({ ...query, hosts, since, limit }, signal);
      if (!isPage(page)) return readAll(page, request, signal);
      requireTarget(page, request, store);
      pages.push(page);
    }
    return join(pages, query.order);
  };
};

/** Every host of a selection, page by page. */
export const eachPage = async function* (
  read: FleetReader,
  request: PageRequest,
  signal: AbortSignal,
): AsyncGenerator<FleetPage> {
  let after: string | undefined;
  do {
    const page: FleetPage = await read({ limit: MOST_ON_PAGE, ...request, after }, signal);
    yield page;
    after = page.next;
  } while (after !== undefined);
};

/** All hosts that the reader can be asked for. */
export const readHosts = async (
  read: FleetReader,
  request: PageRequest,
  signal: AbortSignal,
): Promise<readonly PageHost[]> => {
  const hosts: PageHost[] = [];
  for await (const page of eachPage(read, request, signal)) hosts.push(...page.hosts);
  return hosts;
};
