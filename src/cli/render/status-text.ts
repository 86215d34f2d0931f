import { formatLabels } from '../../core/fleet/host-labels.ts';
import { foreignText } from '../../core/plan/foreign-container.ts';
import type {
  ContainerStatus,
  OriginStatus,
  ProgressStatus,
  ServiceStatus,
  Status,
} from '../../core/status/status-document.ts';
import type { Screen } from '../streams.ts';
import type { Palette } from '../terminal/colour.ts';
import { printableDocument } from '../../core/printable-text.ts';
import { renderTable } from '../terminal/table.ts';
import { formatBytes, relativeTime } from '../terminal/units.ts';
import { toneOf } from '../../core/vocabulary/outcomes.ts';

/** Headlines, a row for each container, then each problem with its advice. Ends with a line break. */
export const renderStatus = (document: Status, screen: Screen, nowMs: number): string => {
  const status = printableDocument(document);
  return [
    headline(status, screen, nowMs),
    ...labelsLine(status),
    manifestLine(status, screen, nowMs),
    ...drainLine(status, screen, nowMs),
    ...holdLine(status, screen),
    ...switchNowLine(status, screen),
    ...reportLine(status, screen, nowMs),
    '',
    servicesTable(status, screen, nowMs),
    ...reasons(status, screen, nowMs),
  ].join('\n');
};

/** Shows an unknown outcome (of a newer agent) as it is, and never as good. */
export const paintOutcome = (outcome: string, palette: Palette): string => palette[toneOf(outcome)](outcome);

const ago = (nowMs: number, iso: string | null): string =>
  iso === null ? '–' : relativeTime(nowMs, Date.parse(iso));

const headline = (
  { environment, host, outcome, agent, engine }: Status,
  { palette }: Screen,
  nowMs: number,
): string => {
  const daemon = agent.running
    ? `agent ${agent.version}, started ${ago(nowMs, agent.since)}`
    : palette.warn('no agent runs');
  const docker = engine.online ? `engine ${engine.version ?? '?'}` : palette.bad('engine offline');
  const name = `${palette.strong(environment)} on ${host}`;
  return `${name}: ${paintOutcome(outcome, palette)} · ${daemon} · ${docker}`;
};

const labelsLine = ({ labels = {} }: Status): readonly string[] => {
  const text = formatLabels(labels);
  return text === '' ? [] : [`labels: ${text}`];
};

const manifestLine = ({ manifest }: Status, { palette }: Screen, nowMs: number): string => {
  const by = manifest.publisher
    ? ` by ${[manifest.publisher.name, manifest.publisher.build].filter((p) => p !== null).join(' ')}`
    : '';
  const when = manifest.acceptedAt === null ? '' : `, accepted ${ago(nowMs, manifest.acceptedAt)}`;
  const known =
    manifest.serial === null
      ? 'no manifest accepted yet'
      : `manifest ${String(manifest.serial)}${by}${when}${manifest.signed === false ? ', unsigned' : ''}`;
  const { source } = manifest;
  const seen =
    source.reachable === false
      ? palette.warn(`source unreachable (${source.message ?? ''})`)
      : source.reachable === true
        ? `source read ${ago(nowMs, source.checkedAt)}`
        : 'source not read yet';
  return `${known} · ${seen}`;
};

const drainLine = ({ draining }: Status, { palette }: Screen, nowMs: number): readonly string[] => {
  if (!draining) return [];
  const { owner, reason, since, until, done } = draining;
  const back = until === null ? 'back with `supercargo undrain`' : `until ${until}, then back by itself`;
  const when = `since ${since} (${ago(nowMs, since)})`;
  return [
    palette.warn(
      `${done ? 'drained' : 'going out of service, drained'} by ${owner} ${when}: ${reason}; ${back}`,
    ),
  ];
};

const holdLine = ({ hold }: Status, { palette }: Screen): readonly string[] =>
  hold
    ? [
        palette.warn(
          `held by ${hold.owner}${hold.all ? ', repairs too' : ''}, ` +
            `until ${hold.until ?? 'resumed'}: ${hold.reason}`,
        ),
      ]
    : [];

const switchNowLine = ({ switchNow }: Status, { palette }: Screen): readonly string[] =>
  switchNow ? [palette.warn(`begins without a turn, by ${switchNow.owner}: ${switchNow.reason}`)] : [];

const reportLine = ({ agent, report }: Status, { palette }: Screen, nowMs: number): readonly string[] => {
  if (!report || !agent.running) return [];
  const { url, sentAt, message } = report;
  if (message !== null) {
    const last = sentAt === null ? '' : `, the last one did ${ago(nowMs, sentAt)}`;
    return [palette.warn(`reports do not arrive${last}: ${message}`)];
  }
  return [sentAt === null ? `no report sent yet to ${url}` : `last report sent ${ago(nowMs, sentAt)}`];
};

const servicesTable = (status: Status, screen: Screen, nowMs: number): string => {
  const rows = [
    ...status.services.flatMap((service) => rowsOf(service, screen.palette, nowMs)),
    ...edgeRows(status, screen.palette),
  ];
  if (rows.length === 0) return 'no services\n';
  return renderTable(
    { header: ['SERVICE', 'OUTCOME', 'DESIRED', 'RUNS', 'CONTAINER', 'STATE', 'SINCE'], rows },
    screen,
  );
};

const rowsOf = (service: ServiceStatus, palette: Palette, nowMs: number): readonly (readonly string[])[] => {
  const head = [service.service, paintOutcome(service.outcome, palette), service.desired?.version ?? '–'];
  if (service.containers.length === 0) return [[...head, '–', '–', '–', ago(nowMs, service.since)]];
  return service.containers.map((container, index) => [
    ...(index === 0 ? head : ['', '', '']),
    container.version,
    container.name,
    stateOf(container, palette),
    ago(nowMs, container.since),
  ]);
};

/** The edge's rows, in brackets because the edge is no service. */
const edgeRows = ({ edge }: Status, palette: Palette): readonly (readonly string[])[] =>
  (edge?.containers ?? []).map((c, index) => [
    ...(index === 0 ? ['(edge)', paintOutcome(edge?.outcome ?? 'converged', palette)] : ['', '']),
    '',
    c.version ?? '–',
    c.name,
    `${c.state}${palette.faint(c.role === 'serving' ? outdatedSuffix(c) : ` (${c.role})`)}`,
    '',
  ]);

type EdgeContainer = NonNullable<Status['edge']>['containers'][number];

/** The agent does not restart an edge for new settings: the next start of the edge applies them. */
const outdatedSuffix = ({ outdated }: EdgeContainer): string =>
  outdated === true ? ' (settings of an older agent)' : '';

const stateOf = (container: ContainerStatus, palette: Palette): string => {
  const health = container.health === 'none' ? '' : ` ${container.health}`;
  const role = container.role === 'serving' ? '' : ` (${container.role}${drainText(container)})`;
  const isGood = container.state === 'running' && container.health !== 'unhealthy';
  return `${palette[isGood ? 'good' : 'warn'](container.state + health)}${palette.faint(role)}`;
};

/** `, 3 sessions left, until …` */
export const drainText = ({ drain }: ContainerStatus): string => {
  if (!drain) return '';
  const { sessions } = drain;
  const left = sessions === null ? '' : `, ${String(sessions)} session${sessions === 1 ? '' : 's'} left`;
  return `${left}, until ${drain.until}`;
};

export const formatPull = (p: ProgressStatus): string =>
  `${String(p.layersDone)} of ${String(p.layersTotal)} layers, ` +
  `${formatBytes(p.bytesDone)} of ${formatBytes(p.bytesTotal)}`;

/** An image straight from the registry is the normal case. */
const isUnusualOrigin = ({ kind, skipped }: OriginStatus): boolean =>
  kind !== 'registry' || skipped.length > 0;

/** The source of an image, and a line for each source that failed before it. */
const originLines = (subject: string, { source, fetchedAt, skipped }: OriginStatus): readonly string[] => [
  `${subject}: its image came from ${source} at ${fetchedAt}`,
  ...skipped.map((s) => `  skipped ${s.source}: ${s.message}`),
];

const reasons = (status: Status, { palette }: Screen, nowMs: number): readonly string[] => {
  const lines: string[] = [];
  const add = (subject: string, message: string, advice: string | null): void => {
    lines.push(`${palette.strong(subject)}: ${message}`);
    if (advice !== null && advice !== '') lines.push(`  ${palette.info('→')} ${advice}`);
  };
  if (status.engine.message !== null) add('engine', status.engine.message, status.engine.advice);
  const { rejection } = status.manifest;
  if (rejection)
    add(
      'manifest refused',
      `${rejection.message} (${rejection.reason}, ${ago(nowMs, rejection.since)})`,
      rejection.advice,
    );
  for (const p of status.problems) add(p.code.toLowerCase(), p.message, p.advice);
  for (const s of status.services) {
    if (s.outcome === 'offline' || s.message === null) continue;
    const until = s.until === null ? '' : ` (until ${s.until})`;
    const progress = s.progress ? `, ${formatPull(s.progress)}` : '';
    add(s.service, `${s.message}${progress}${until}`, s.advice);
    if (s.failure && s.outcome !== 'progressing')
      lines.push(...s.failure.log.slice(-5).map((l) => palette.faint(`  │ ${l}`)));
  }
  for (const { service, desired, origin } of status.services)
    if (origin && origin.release === desired?.release && isUnusualOrigin(origin))
      lines.push(...originLines(service, origin).map((l) => palette.faint(l)));
  if (status.edge && status.edge.outcome !== 'converged' && status.edge.message !== null)
    add('edge', status.edge.message, status.edge.advice);
  for (const f of status.foreign ?? []) add(`${f.name} (foreign)`, foreignText(f), null);
  for (const i of status.manifest.ignored)
    lines.push(palette.faint(`${i.service}: the manifest's entry is ignored: ${i.why}`));
  return lines.length === 0 ? [] : [`${lines.join('\n')}\n`];
};
