import { findingsOf, type DesiredManifest } from '../../../core/fleet/host-findings.ts';
import { isWell, type Finding } from '../../../core/fleet/verdict-text.ts';
import { ago, element, foreign, type Child } from './dom.ts';
import type { HostEntry, Totals } from './documents.ts';
import { TONES, toneOf, type Tone } from '../../../core/vocabulary/outcomes.ts';

const chip = (word: string, text = word): HTMLElement =>
  element('span', { class: `word ${toneOf(word)}` }, foreign(text));

/** `1 rolled-back` `38 converged`, the worst first. */
export const countsOf = ({ words }: Totals): readonly HTMLElement[] =>
  words.map(({ word, hosts }) => element('li', {}, chip(word, `${String(hosts)} ${word}`)));

type ServiceEntry = HostEntry['status']['services'][number];

const running = (s: ServiceEntry): string =>
  [...new Set(s.containers.filter((c) => c.state === 'running').map((c) => c.version))].join(', ') ||
  'nothing';

/** Green only if the host is well: a stale host's last report on its services is no good news. */
const tick = (isHostWell: boolean): HTMLElement =>
  element('span', { class: isHostWell ? 'good' : 'faint', role: 'img', 'aria-label': 'converged' }, '✓');

const serviceCell = (
  name: string,
  service: ServiceEntry | undefined,
  isHostWell: boolean,
  nowMs: number,
): HTMLElement => {
  if (!service) return element('td', { 'data-label': name }, '–');
  const runs = running(service);
  const desired = service.desired?.version;
  const versions = desired === undefined || desired === runs ? runs : `${runs} → ${desired}`;
  const isGood = service.outcome === 'converged';
  return element(
    'td',
    { 'data-label': name },
    element(
      'span',
      {},
      foreign(versions),
      ' ',
      isGood ? tick(isHostWell) : chip(service.outcome),
      isGood ? undefined : element('small', {}, ago(service.since, nowMs)),
    ),
  );
};

const heading = (text: string): HTMLElement => element('th', { scope: 'col' }, foreign(text));

const agentText = ({ agent }: HostEntry['status']): string =>
  `agent ${agent.version}${agent.running ? '' : ', stopped'}`;

const verdictCell = ({ verdict }: HostEntry): HTMLElement => {
  const { word, reason } = verdict;
  const why = isWell(verdict) || reason === null ? undefined : element('small', {}, foreign(reason));
  return element('td', { 'data-label': 'Is' }, element('span', {}, chip(word), why));
};

const hostRow = (entry: HostEntry, names: readonly string[], nowMs: number): HTMLElement => {
  const { host, receivedAt, status, verdict } = entry;
  const byName = new Map(status.services.map((s) => [s.service, s]));
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, foreign(host), element('small', {}, foreign(agentText(status)))),
    verdictCell(entry),
    element('td', { 'data-label': 'Serial' }, String(status.manifest.serial ?? '–')),
    element('td', { 'data-label': 'Seen' }, ago(receivedAt, nowMs)),
    ...names.map((name) => serviceCell(name, byName.get(name), isWell(verdict), nowMs)),
  );
};

export const hostsTable = (hosts: readonly HostEntry[], nowMs: number): HTMLElement => {
  const services = hosts.flatMap(({ status }) => status.services);
  const names = [...new Set(services.map((s) => s.service))].toSorted();
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...['Host', 'Is', 'Serial', 'Seen', ...names].map(heading))),
    element('tbody', {}, ...hosts.map((each) => hostRow(each, names, nowMs))),
  );
};

/** A held host is well, but operators should see the hold. */
const holdOf = ({ hold }: HostEntry['status']): readonly Finding[] =>
  hold === null
    ? []
    : [
        {
          word: 'held',
          service: null,
          reason: null,
          message: `${hold.reason} (${hold.owner})`,
          advice: null,
          until: hold.until,
          log: [],
        },
      ];

const line = (text: string | null, ...before: readonly Child[]): HTMLElement | undefined =>
  text === null || text === '' ? undefined : element('p', {}, ...before, foreign(text));

const titleOf = ({ service, word, reason }: Finding): string =>
  `${service === null ? '' : `${service} `}${word}${reason === null ? '' : ` (${reason})`}`;

interface Trouble {
  readonly host: string;
  readonly finding: Finding;
  readonly tone: Tone;
}

const troubleElement = ({ host, finding, tone }: Trouble): HTMLElement => {
  const title = titleOf(finding);
  return element(
    'details',
    { id: `trouble-${host}-${title}`, class: tone },
    element('summary', { id: `look-${host}-${title}` }, foreign(host), ' · ', foreign(title)),
    line(finding.message),
    line(finding.until, 'Until '),
    line(finding.advice, '→ '),
    finding.log.length === 0
      ? undefined
      : element('pre', { tabindex: '0', 'aria-label': 'Last lines of its log' }, finding.log.join('\n')),
  );
};

/** One element for each finding of each host, the worst first. */
export const troubles = (
  hosts: readonly HostEntry[],
  desired: DesiredManifest | undefined,
  nowMs: number,
): readonly HTMLElement[] =>
  hosts
    .flatMap(({ host, receivedAt, status }) =>
      [
        ...findingsOf({ host, seenAtMs: Date.parse(receivedAt), status }, desired, nowMs),
        ...holdOf(status),
      ].map((finding): Trouble => ({ host, finding, tone: toneOf(finding.word) })),
    )
    .toSorted((a, b) => TONES.indexOf(a.tone) - TONES.indexOf(b.tone))
    .map(troubleElement);
