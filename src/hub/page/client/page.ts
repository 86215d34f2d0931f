import { formatLabels, selectHosts } from '../../../core/fleet/host-labels.ts';
import { byId, element, replace } from './dom.ts';
import {
  getJson,
  hubNowMs,
  LoggedOut,
  manifestIn,
  desiredIn,
  type FleetDocument,
  type HostEntry,
  type Published,
} from './documents.ts';
import { countsOf, hostsTable, judgeHosts, troubles } from './fleet.ts';
import { journalTable } from './journal.ts';
import { filterIn, labelLinks, type Filter } from './labels.ts';

interface Shown {
  readonly environments: readonly string[];
  readonly environment: string | undefined;
  readonly hosts: readonly HostEntry[];
  readonly current: Published | undefined;
  /** Newest first. */
  readonly published: readonly Published[];
  readonly isWhole: boolean;
}

const JOURNAL_LENGTH = 15;
const POLL_MS = 10_000;
const CLOCK_MS = 5_000;

const NOTHING = {
  environments: [],
  environment: undefined,
  hosts: [],
  current: undefined,
  published: [],
  isWhole: true,
};

let shown: Shown = NOTHING;
let readAtMs: number | undefined;
let trouble: string | undefined;

const environmentInAddress = (): string => decodeURIComponent(location.hash.slice(1));

const readJournal = async (environment: string): Promise<Pick<Shown, 'published' | 'isWhole'>> => {
  const listed = await getJson<{ readonly names: readonly string[] }>(`/manifests/${environment}/`);
  const serials = (listed?.names ?? [])
    .map((name) => Number(name.replace(/\.json$/, '')))
    .filter((n) => Number.isSafeInteger(n))
    .toSorted((a, b) => b - a);
  // One more, as the comparison for the oldest row.
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
  // An unknown environment in the address must not show another environment.
  const environment = environmentInAddress() === '' ? environments[0] : environmentInAddress();
  if (environment === undefined || !environments.includes(environment)) {
    shown = { ...NOTHING, environments, environment };
    return;
  }
  const [fleet, current, journal] = await Promise.all([
    getJson<FleetDocument>(`/reports/${environment}`),
    getJson(`/manifests/${environment}.json`),
    readJournal(environment),
  ]);
  shown = { environments, environment, hosts: fleet?.hosts ?? [], current: manifestIn(current), ...journal };
};

const isKnown = (): boolean => shown.environments.some((name) => name === shown.environment);

type Judged = ReturnType<typeof judgeHosts>;

/** An unreadable filter shows no hosts, because all of them are not what the address asks for. */
const filtered = (judged: Judged, filter: Filter): Judged => {
  if (filter.kind === 'problem') return [];
  return filter.kind === 'none' ? judged : selectHosts(judged, filter.labels);
};

const summaryOf = (judged: Judged, filter: Filter): string => {
  const { environments, environment, hosts, current } = shown;
  if (environment === undefined)
    return 'Nothing is published here yet: supercargo publish ENVIRONMENT SERVICE=VERSION --to this address.';
  if (!isKnown())
    return `This hub has no environment ${environment}. It has ${environments.join(', ') || 'none yet'}.`;
  const serial = current ? `serial ${String(current.serial)}` : 'what they should';
  const frozen = current?.freeze ? ` Frozen: ${current.freeze.reason}.` : '';
  if (hosts.length === 0)
    return `No host has reported yet; ${current ? serial : 'nothing'} is published.${frozen}`;
  if (filter.kind === 'problem') return `The filter in the address ${filter.message}.${frozen}`;
  const labels = filter.kind === 'labels' ? formatLabels(filter.labels) : '';
  if (judged.length === 0) return `No host has ${labels}.${frozen}`;
  const running = judged.filter(({ verdict }) => verdict.kind === 'converged').length;
  const whose = `hosts${labels === '' ? '' : ` with ${labels}`}`;
  return `${String(running)} of ${String(judged.length)} ${whose} run ${serial}.${frozen}`;
};

const noReports = (): string =>
  shown.environment === undefined || !isKnown()
    ? 'No reports yet.'
    : 'No reports yet. Check SUPERCARGO_REPORT_URL on the hosts, ' +
      `and that their SUPERCARGO_ENVIRONMENT is ${shown.environment}.`;

const hostsArea = (judged: Judged, nowMs: number): HTMLElement => {
  if (judged.length > 0) return hostsTable(judged, nowMs);
  const none = shown.hosts.length === 0 ? noReports() : 'No host has the labels in the address.';
  return element('p', { class: 'note' }, none);
};

const draw = (): void => {
  const nowMs = hubNowMs();
  const { environments, environment, hosts, current, published, isWhole } = shown;
  const desiredManifest = desiredIn(current);
  const filter = filterIn(location.search);
  const judged = filtered(judgeHosts(hosts, desiredManifest, nowMs), filter);
  byId('title').textContent = environment ?? 'Fleet';
  document.title = environment === undefined ? 'supercargo fleet' : `${environment} · supercargo`;
  const summary = summaryOf(judged, filter);
  // Screen readers read this text at every assignment.
  if (byId('summary').textContent !== summary) byId('summary').textContent = summary;
  const choices = labelLinks(hosts, filter);
  byId('labels').hidden = choices.length === 0;
  replace(byId('labels'), ...choices);
  byId('counts').hidden = judged.length === 0;
  replace(byId('counts'), ...countsOf(judged));
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
  const behind = troubles(judged, desiredManifest, nowMs);
  byId('behind').hidden = behind.length === 0;
  replace(byId('behind'), ...behind);
  replace(byId('hosts'), hostsArea(judged, nowMs));
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

/** Reads one at a time. A call during a read causes one more read. */
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
// For networks that block event streams, and for texts that change with time alone.
setInterval(again, POLL_MS);
setInterval(() => {
  draw();
  drawConnection();
}, CLOCK_MS);
again();
