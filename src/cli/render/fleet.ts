import { tellVerdict, type HostFault, type HostVerdict } from '../../core/fleet/judge.ts';
import type { HostReport } from '../../core/fleet/report.ts';
import { oneLine } from '../../core/manifest/text.ts';
import type { VersionChange } from '../../core/publish/diff.ts';
import type { JudgedHost } from '../../publish/wait.ts';
import type { Screen } from '../io.ts';
import { renderTable } from '../terminal/table.ts';

const paintVerdict = ({ palette }: Screen, verdict: HostVerdict): string => {
  if (verdict.kind === 'converged') return palette.good(verdict.kind);
  if (verdict.kind === 'failed') return palette.bad(verdict.kind);
  return palette.warn(verdict.kind);
};

/** `web  1.2.2 → 1.2.3`, a line each. */
export const renderChanges = (changes: readonly VersionChange[], screen: Screen): string => {
  const rows = changes.map(({ service, from, to, kind, note }) => [
    `  ${service}`,
    kind === 'unchanged' ? (to ?? '') : `${from ?? 'nothing'} → ${to ?? 'nothing'}`,
    [kind === 'changed' ? '' : kind, note ?? ''].filter((t) => t !== '').join('; '),
  ]);
  return rows.length === 0 ? '  no services\n' : renderTable({ rows }, screen);
};

/** Summary, and a line for each host; for a terminal, redrawn. */
export const renderWait = (hosts: readonly JudgedHost[], screen: Screen): string => {
  const rows = hosts.map(({ host, verdict }) => [
    host,
    paintVerdict(screen, verdict),
    verdict.kind === 'converged' ? '' : tellVerdict(verdict),
  ]);
  return rows.length === 0
    ? 'no host has reported yet\n'
    : renderTable({ header: ['HOST', 'IS', 'WHY'], rows }, screen);
};

export const renderFault = (host: string, fault: HostFault, { palette }: Screen): string =>
  [
    oneLine(
      `${host}: ${fault.service === null ? '' : `${fault.service}: `}${fault.message} (${fault.reason})`,
    ),
    ...fault.log.map((line) => `  ${palette.faint('│')} ${oneLine(line)}`),
    ...(fault.advice === null ? [] : [`  ${palette.info('→')} ${oneLine(fault.advice)}`]),
  ]
    .map((line) => `${line}\n`)
    .join('');

const SECOND = 1000;
const MINUTE = 60;
const ago = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / SECOND));
  return seconds < 2 * MINUTE
    ? `${String(seconds)} s ago`
    : `${String(Math.round(seconds / MINUTE))} min ago`;
};

const seenText = (
  { seenAtMs, status, isSilent }: HostReport & { readonly isSilent: boolean },
  { palette }: Screen,
  nowMs: number,
): string => {
  const when = ago(nowMs - seenAtMs);
  if (!status.agent.running) return palette.warn(`stopped, ${when}`);
  return isSilent ? palette.bad(`silent, ${when}`) : when;
};

/** Hosts × services: what is wanted against what runs, outcome, since when. */
export const renderFleet = (
  reports: readonly (HostReport & { readonly isSilent: boolean })[],
  missing: readonly string[],
  screen: Screen,
  nowMs: number,
): string => {
  const { palette } = screen;
  const rows = reports
    .toSorted((a, b) => (a.host < b.host ? -1 : Number(a.host > b.host)))
    .flatMap((report) => {
      const { host, status } = report;
      const seen = seenText(report, screen, nowMs);
      const serial = status.manifest.serial === null ? '–' : String(status.manifest.serial);
      const services = status.services.map((s, index) => {
        const runs = [...new Set(s.containers.filter((c) => c.state === 'running').map((c) => c.version))];
        const paint =
          s.outcome === 'converged'
            ? palette.good
            : s.outcome === 'blocked' || s.outcome === 'rolled-back'
              ? palette.bad
              : palette.warn;
        return [
          ...(index === 0 ? [host, serial, seen] : ['', '', '']),
          s.service,
          s.desired?.version ?? '–',
          runs.join(', ') || '–',
          paint(s.outcome),
          s.since,
          oneLine(s.message ?? ''),
        ];
      });
      return services.length === 0 ? [[host, serial, seen, '–', '', '', status.outcome, '', '']] : services;
    });
  const header = ['HOST', 'SERIAL', 'SEEN', 'SERVICE', 'DESIRED', 'RUNS', 'OUTCOME', 'SINCE', 'WHY'];
  const table = rows.length === 0 ? 'no host has reported yet\n' : renderTable({ header, rows }, screen);
  return table + missing.map((host) => `${host}: ${palette.bad('it has never reported')}\n`).join('');
};
