import { formatLabels } from '../../../core/fleet/host-labels.ts';
import { byId, element, replace } from './dom.ts';
import { getJson, hubNowMs, LoggedOut, manifestIn, desiredIn, type Published } from './documents.ts';
import { countsOf, hostsTable, troubles } from './fleet.ts';
import { journalTable } from './journal.ts';
import { filterIn, labelLinks, type Filter } from './labels.ts';
import { NO_FLEET, readFleet, STEP, type ShownFleet } from './read-fleet.ts';

interface Shown {
  readonly environments: readonly string[];
  readonly environment: string | undefined;
  readonly fleet: ShownFleet;
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
  fleet: NO_FLEET,
  current: undefined,
  published: [],
  isWhole: true,
};

let shown: Shown = NOTHING;
let mostHosts = STEP;
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
    readFleet(environment, filterIn(location.search), mostHosts),
    getJson(`/manifests/${environment}.json`),
    readJournal(environment),
  ]);
  shown = { environments, environment, fleet, current: manifestIn(current), ...journal };
};

const isKnown = (): boolean => shown.environments.some((name) => name === shown.environment);

const summaryOf = (filter: Filter): string => {
  const { environments, environment, fleet, current } = shown;
  const { all, selected } = fleet;
  if (environment === undefined)
    return 'Nothing is published here yet: supercargo publish ENVIRONMENT SERVICE=VERSION --to this address.';
  if (!isKnown())
    return `This hub has no environment ${environment}. It has ${environments.join(', ') || 'none yet'}.`;
  const serial = current ? `serial ${String(current.serial)}` : 'what they should';
  const frozen = current?.freeze ? ` Frozen: ${current.freeze.reason}.` : '';
  if (all.hosts === 0)
    return `No host has reported yet; ${current ? serial : 'nothing'} is published.${frozen}`;
  if (filter.kind === 'problem') return `The filter in the address ${filter.message}.${frozen}`;
  const labels = filter.kind === 'labels' ? formatLabels(filter.labels) : '';
  if (selected.hosts === 0) return `No host has ${labels}.${frozen}`;
  const whose = `hosts${labels === '' ? '' : ` with ${labels}`}`;
  return `${String(selected.kinds.converged)} of ${String(selected.hosts)} ${whose} run ${serial}.${frozen}`;
};

const noReports = (): string =>
  shown.environment === undefined || !isKnown()
    ? 'No reports yet.'
    : 'No reports yet. Check SUPERCARGO_REPORT_URL on the hosts, ' +
      `and that their SUPERCARGO_ENVIRONMENT is ${shown.environment}.`;

/** Says how many are not shown, with a button for more. */
const moreHosts = ({ hosts, selected }: ShownFleet): readonly HTMLElement[] =>
  hosts.length >= selected.hosts
    ? []
    : [
        element(
          'p',
          { class: 'note' },
          `${String(hosts.length)} of ${String(selected.hosts)} hosts are shown, the worst first. `,
          element('button', { id: 'more', type: 'button' }, 'Show more'),
        ),
      ];

const hostsArea = (fleet: ShownFleet, nowMs: number): readonly HTMLElement[] => {
  if (fleet.hosts.length > 0) return [hostsTable(fleet.hosts, nowMs), ...moreHosts(fleet)];
  const none = fleet.all.hosts === 0 ? noReports() : 'No host has the labels in the address.';
  return [element('p', { class: 'note' }, none)];
};

const draw = (): void => {
  const nowMs = hubNowMs();
  const { environments, environment, fleet, current, published, isWhole } = shown;
  const desiredManifest = desiredIn(current);
  const filter = filterIn(location.search);
  byId('title').textContent = environment ?? 'Fleet';
  document.title = environment === undefined ? 'supercargo fleet' : `${environment} · supercargo`;
  const summary = summaryOf(filter);
  // Screen readers read this text at every assignment.
  if (byId('summary').textContent !== summary) byId('summary').textContent = summary;
  const choices = labelLinks(fleet.all, filter);
  byId('labels').hidden = choices.length === 0;
  replace(byId('labels'), ...choices);
  byId('counts').hidden = fleet.selected.hosts === 0;
  replace(byId('counts'), ...countsOf(fleet.selected));
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
  const behind = troubles(fleet.hosts, desiredManifest, nowMs);
  byId('behind').hidden = behind.length === 0;
  replace(byId('behind'), ...behind);
  replace(byId('hosts'), ...hostsArea(fleet, nowMs));
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
addEventListener('hashchange', () => {
  mostHosts = STEP;
  again();
});
byId('hosts').addEventListener('click', ({ target }) => {
  if (!(target instanceof Element) || target.id !== 'more') return;
  mostHosts += STEP;
  again();
});
// For networks that block event streams, and for texts that change with time alone.
setInterval(again, POLL_MS);
setInterval(() => {
  draw();
  drawConnection();
}, CLOCK_MS);
again();
