import { ago, element, foreign, type Child } from './dom.ts';
import type { HostEntry, Published, ServiceEntry } from './documents.ts';

/** Three heartbeats. */
const SILENT_MS = 180_000;
const TONES: Readonly<Record<string, string>> = {
  converged: 'good',
  progressing: 'warn',
  waiting: 'warn',
  'rolled-back': 'bad',
  blocked: 'bad',
  offline: 'bad',
};

const toneOf = (outcome: string): string => TONES[outcome] ?? 'warn';
const word = (outcome: string): HTMLElement => element('span', { class: `word ${toneOf(outcome)}` }, outcome);

export const isSilent = ({ receivedAt }: HostEntry, nowMs: number): boolean =>
  nowMs - Date.parse(receivedAt) > SILENT_MS;

/** It runs what is published, as far as it told. */
export const isCurrent = (entry: HostEntry, published: Published | undefined, nowMs: number): boolean =>
  !isSilent(entry, nowMs) &&
  entry.status.outcome === 'converged' &&
  entry.status.problems.length === 0 &&
  (published === undefined || (entry.status.manifest.serial ?? 0) >= published.serial);

const running = (s: ServiceEntry): string =>
  [...new Set(s.containers.filter((c) => c.state === 'running').map((c) => c.version))].join(', ') ||
  'nothing';

const serviceCell = (name: string, service: ServiceEntry | undefined, nowMs: number): HTMLElement => {
  if (!service) return element('td', { 'data-label': name }, '–');
  const runs = running(service);
  const wanted = service.desired?.version;
  const versions = wanted === undefined || wanted === runs ? runs : `${runs} → ${wanted}`;
  const isGood = service.outcome === 'converged';
  return element(
    'td',
    { 'data-label': name },
    element(
      'span',
      {},
      foreign(versions),
      ' ',
      isGood
        ? element('span', { class: 'good', role: 'img', 'aria-label': 'converged' }, '✓')
        : word(service.outcome),
      isGood ? undefined : element('small', {}, ago(service.since, nowMs)),
    ),
  );
};

const sorted = (hosts: readonly HostEntry[]): readonly HostEntry[] =>
  [...hosts].toSorted((a, b) => a.host.localeCompare(b.host, 'en', { numeric: true }));

const heading = (text: string): HTMLElement => element('th', { scope: 'col' }, foreign(text));

const agentText = ({ agent }: HostEntry['status']): string =>
  `agent ${agent.version}${agent.running ? '' : ', stopped'}`;

export const hostsTable = (hosts: readonly HostEntry[], nowMs: number): HTMLElement => {
  const names = [...new Set(hosts.flatMap((h) => h.status.services.map((s) => s.service)))].toSorted();
  const rows = sorted(hosts).map((entry) => {
    const { host, receivedAt, status } = entry;
    const silent = isSilent(entry, nowMs);
    const byName = new Map(status.services.map((s) => [s.service, s]));
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, foreign(host), element('small', {}, agentText(status))),
      element(
        'td',
        { 'data-label': 'Is' },
        silent
          ? element('span', { class: 'word bad' }, status.agent.running ? 'silent' : 'stopped')
          : word(status.outcome),
      ),
      element('td', { 'data-label': 'Serial' }, String(status.manifest.serial ?? '–')),
      element('td', { 'data-label': 'Seen' }, ago(receivedAt, nowMs)),
      ...names.map((name) => serviceCell(name, byName.get(name), nowMs)),
    );
  });
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...['Host', 'Is', 'Serial', 'Seen', ...names].map(heading))),
    element('tbody', {}, ...rows),
  );
};

interface Trouble {
  readonly title: string;
  readonly tone: string;
  readonly message: string;
  readonly advice: string | null;
  readonly log: readonly string[];
}

const plain = (title: string, tone: string, message: string, advice: string | null = null): Trouble => ({
  title,
  tone,
  message,
  advice,
  log: [],
});

const troublesOf = (entry: HostEntry, nowMs: number): readonly Trouble[] => {
  const { status } = entry;
  const { rejection } = status.manifest;
  return [
    ...(status.agent.running
      ? []
      : [
          plain(
            'stopped',
            'warn',
            `no agent runs there since ${entry.receivedAt}`,
            'start it: systemctl start supercargo',
          ),
        ]),
    ...(status.agent.running && isSilent(entry, nowMs)
      ? [
          plain(
            'silent',
            'bad',
            `no report since ${entry.receivedAt}`,
            'look at the host and its agent: systemctl status supercargo',
          ),
        ]
      : []),
    ...(status.engine.online
      ? []
      : [plain('offline', 'bad', status.engine.message ?? 'its engine does not answer')]),
    ...(rejection
      ? [
          plain(
            `refuses ${String(rejection.serial ?? 'a manifest')}`,
            'bad',
            rejection.message,
            rejection.advice,
          ),
        ]
      : []),
    ...status.problems.map((p) => plain('blocked', 'bad', p.message, p.advice)),
    ...(status.hold
      ? [
          plain(
            'held',
            'warn',
            `${status.hold.reason} (${status.hold.owner}${status.hold.until === null ? '' : `, until ${status.hold.until}`})`,
          ),
        ]
      : []),
    ...status.services
      .filter((s) => s.outcome !== 'converged')
      .map((s) => ({
        title: `${s.service} ${s.outcome}${s.reason === null ? '' : ` (${s.reason})`}`,
        tone: toneOf(s.outcome),
        message: s.message ?? '',
        advice: s.advice,
        log: s.failure?.log ?? [],
      })),
  ];
};

const line = (text: string | null, ...before: readonly Child[]): HTMLElement | undefined =>
  text === null || text === '' ? undefined : element('p', {}, ...before, foreign(text));

/** Who is behind, and why: one to open for each trouble of a host. */
export const troubles = (hosts: readonly HostEntry[], nowMs: number): readonly HTMLElement[] =>
  sorted(hosts).flatMap((entry) =>
    troublesOf(entry, nowMs).map((t) =>
      element(
        'details',
        { id: `trouble-${entry.host}-${t.title}`, class: t.tone },
        element(
          'summary',
          { id: `look-${entry.host}-${t.title}` },
          foreign(entry.host),
          ' · ',
          foreign(t.title),
        ),
        line(t.message),
        line(t.advice, '→ '),
        t.log.length === 0
          ? undefined
          : element('pre', { tabindex: '0', 'aria-label': 'Last lines of its log' }, t.log.join('\n')),
      ),
    ),
  );
