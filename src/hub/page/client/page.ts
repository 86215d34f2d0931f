import { byId, element, replace } from './dom.ts';
import {
  getJson,
  hubNowMs,
  LoggedOut,
  manifestIn,
  type FleetDocument,
  type HostEntry,
  type Published,
} from './documents.ts';
import { hostsTable, isCurrent, troubles } from './fleet.ts';
import { journalTable } from './journal.ts';

interface Shown {
  readonly environments: readonly string[];
  readonly environment: string | undefined;
  readonly hosts: readonly HostEntry[];
  readonly published: readonly Published[];
  readonly isWhole: boolean;
}

const JOURNAL_LENGTH = 15;
const POLL_MS = 10_000;
const CLOCK_MS = 5_000;

let shown: Shown = { environments: [], environment: undefined, hosts: [], published: [], isWhole: true };
let readAtMs: number | undefined;
let trouble: string | undefined;

const wanted = (): string => decodeURIComponent(location.hash.slice(1));

const readJournal = async (environment: string): Promise<Pick<Shown, 'published' | 'isWhole'>> => {
  const listed = await getJson<{ readonly names: readonly string[] }>(`/manifests/${environment}/`);
  const serials = (listed?.names ?? [])
    .map((name) => Number(name.replace(/\.json$/, '')))
    .filter((n) => Number.isSafeInteger(n))
    .toSorted((a, b) => b - a);
  // One more, to compare the oldest that is shown with.
  const some = serials.slice(0, JOURNAL_LENGTH + 1);
  const read = await Promise.all(some.map((s) => getJson(`/manifests/${environment}/${String(s)}.json`)));
  return {
    published: read.flatMap((value) => manifestIn(value) ?? []),
    isWhole: serials.length <= JOURNAL_LENGTH,
  };
};

const read = async (): Promise<void> => {
  const listed = await getJson<{ readonly environments: readonly string[] }>('/manifests/');
  const environments = [...(listed?.environments ?? [])].toSorted();
  const environment = environments.includes(wanted()) ? wanted() : environments[0];
  if (environment === undefined) {
    shown = { environments, environment, hosts: [], published: [], isWhole: true };
    return;
  }
  const [fleet, journal] = await Promise.all([
    getJson<FleetDocument>(`/reports/${environment}`),
    readJournal(environment),
  ]);
  shown = { environments, environment, hosts: fleet?.hosts ?? [], ...journal };
};

const summaryOf = (nowMs: number): string => {
  const { environment, hosts, published } = shown;
  if (environment === undefined)
    return 'Nothing is published here yet: supercargo publish ENVIRONMENT SERVICE=VERSION --to this address.';
  const [newest] = published;
  const good = hosts.filter((h) => isCurrent(h, newest, nowMs)).length;
  const serial = newest ? `serial ${String(newest.serial)}` : 'what they should';
  const frozen = newest?.freeze ? ` Frozen: ${newest.freeze.reason}.` : '';
  if (hosts.length === 0)
    return `No host has reported yet; ${newest ? `${serial} is published` : 'nothing is published'}.${frozen}`;
  return `${String(good)} of ${String(hosts.length)} hosts run ${serial}.${frozen}`;
};

const draw = (): void => {
  const nowMs = hubNowMs();
  const { environments, environment, hosts, published, isWhole } = shown;
  byId('title').textContent = environment ?? 'Fleet';
  document.title = environment === undefined ? 'supercargo fleet' : `${environment} · supercargo`;
  const summary = summaryOf(nowMs);
  // Said aloud when it changes, and not with every look at the clock.
  if (byId('summary').textContent !== summary) byId('summary').textContent = summary;
  const links = environments.map((name) =>
    element(
      'a',
      {
        id: `go-${name}`,
        href: `#${encodeURIComponent(name)}`,
        ...(name === environment && { 'aria-current': 'page' }),
      },
      name,
    ),
  );
  replace(byId('environments'), ...links);
  const behind = troubles(hosts, nowMs);
  byId('behind').hidden = behind.length === 0;
  replace(byId('behind'), ...behind);
  replace(
    byId('hosts'),
    hosts.length === 0 ? element('p', { class: 'note' }, 'No reports yet.') : hostsTable(hosts, nowMs),
  );
  replace(
    byId('journal'),
    published.length === 0
      ? element('p', { class: 'note' }, 'Nothing yet.')
      : journalTable(published, isWhole, nowMs),
  );
};

const drawConnection = (): void => {
  const place = byId('connection');
  const seconds = readAtMs === undefined ? undefined : Math.round((Date.now() - readAtMs) / 1000);
  const isOld = trouble !== undefined;
  const text = isOld
    ? `Not connected: ${trouble}${seconds === undefined ? '' : `; what is shown is ${String(seconds)} s old`}`
    : 'Live';
  if (place.textContent !== text) place.textContent = text;
  place.classList.toggle('lost', isOld);
};

let isReading = false;
let isWantedAgain = false;

/** Never twice at the same time: what comes meanwhile is answered by one more round. */
const refresh = async (): Promise<void> => {
  if (isReading) {
    isWantedAgain = true;
    return;
  }
  isReading = true;
  try {
    await read();
    readAtMs = Date.now();
    trouble = undefined;
    draw();
  } catch (error) {
    if (error instanceof LoggedOut) location.assign('/login');
    trouble = error instanceof Error ? error.message : String(error);
  } finally {
    isReading = false;
    drawConnection();
  }
  if (isWantedAgain) {
    isWantedAgain = false;
    await refresh();
  }
};

const again = (): void => void refresh();

const events = new EventSource('/events');
events.addEventListener('change', again);
events.addEventListener('open', again);
addEventListener('hashchange', again);
// Where events do not come through, and for what only time changes.
setInterval(again, POLL_MS);
setInterval(() => {
  draw();
  drawConnection();
}, CLOCK_MS);
again();
