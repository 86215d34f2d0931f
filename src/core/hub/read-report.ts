import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { findStrangeKey, formatProblems, problemsOf } from '../manifest/schema-problem.ts';
import { parseJson, quote } from '../manifest/text.ts';
import { agentFactsOf, type AgentFacts } from '../fleet/agent-facts.ts';
import type { HostLabels } from '../fleet/host-labels.ts';
import type { JudgedStatus } from '../fleet/host-findings.ts';
import { fingerprintOf } from '../status/fingerprint.ts';
import type { ReportedStatus } from '../status/reported-status.ts';
import { wordOfReport, type ReportWord } from '../turns/report-word.ts';
import { refusal, type Refusal } from './refusal.ts';
import { reportSchema } from './report-schema.ts';

export const REPORT_CAP_BYTES = 256 * 1024;

/**
 * Grows with each change of what `readReport` makes of a report: a database holds summaries of older and
 * newer hubs, which are then made again.
 */
export const SUMMARY_VERSION = 1;

/** What the hub itself uses of a report. */
export interface ReportSummary {
  readonly outcome: string;
  readonly serial: number | null;
  readonly labels: HostLabels | undefined;
  /** The part that verdicts depend on, without texts, to save memory: the hub keeps many reports. */
  readonly judged: JudgedStatus;
  /** The part that turns depend on. */
  readonly word: ReportWord;
  /** The part that publishers ask about. */
  readonly agent: AgentFacts;
  /** Equal for two reports if the second one is only a heartbeat. */
  readonly fingerprint: string;
}

export type ReadReport =
  | { readonly kind: 'report'; readonly summary: ReportSummary }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

const refused = (status: number, code: string, message: string): ReadReport => ({
  kind: 'refused',
  refusal: refusal(
    status,
    code,
    message,
    'a report is the status document of `supercargo status --json`; ' +
      'use an agent of the same release line as the hub',
  ),
});

/** Keeps a byte order mark, unlike `decodeText`: a report with one would break the list of reports. */
const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64');

const NO_TEXT = { message: null, advice: null, until: null } as const;

const judgedOf = ({
  outcome,
  agent,
  engine,
  manifest,
  services,
  edge,
  problems,
  draining,
}: ReportedStatus): JudgedStatus => ({
  outcome,
  agent: { running: agent.running },
  engine: { online: engine.online, message: null, advice: null },
  manifest: {
    serial: manifest.serial,
    rejection: manifest.rejection && { ...manifest.rejection, message: '', advice: '' },
    source: { ...NO_TEXT, reachable: manifest.source.reachable, checkedAt: null, nextAt: null },
    ignored: manifest.ignored.map(({ service }) => ({ service, why: '' })),
  },
  services: services.map(({ service, outcome: is, reason, desired }) => ({
    ...NO_TEXT,
    service,
    outcome: is,
    reason,
    desired: desired && { version: desired.version, release: '' },
    failure: null,
  })),
  edge: edge && { ...NO_TEXT, outcome: edge.outcome, reason: edge.reason },
  problems: problems.map(({ code }) => ({ code, message: '', advice: '' })),
  draining: draining ? { ...draining, reason: '', owner: '' } : null,
});

/** Judges a report that was sent to the address of this host. */
export const readReport = (bytes: Uint8Array, environment: string, host: string): ReadReport => {
  const text = decode(bytes);
  if (text === undefined) return refused(400, 'malformed', 'the report is not UTF-8 text');
  const json = parseJson(text);
  if (json.kind === 'problem') return refused(400, 'malformed', `the report is ${json.message}`);
  const strange = findStrangeKey(json.value);
  if (strange !== undefined)
    return refused(422, 'schema', `the report is not valid: ${formatProblems([strange])}`);
  // Stops at the first fault, so that a report with a quarter of a million faults costs no more than a valid
  // one.
  const parsed = v.safeParse(reportSchema, json.value, { abortEarly: true });
  if (!parsed.success) {
    return refused(422, 'schema', `the report is not valid: ${formatProblems(problemsOf(parsed.issues))}`);
  }
  const report = parsed.output;
  if (report.environment !== environment || report.host !== host) {
    return refused(
      422,
      'host',
      `the report is of ${quote(report.host)} in ${quote(report.environment)}, ` +
        `but the address is of ${host} in ${environment}`,
    );
  }
  const { outcome, manifest, labels } = report;
  const fingerprint = digestOf(fingerprintOf(report));
  const [judged, word, agent] = [judgedOf(report), wordOfReport(report), agentFactsOf(report)];
  const { serial } = manifest;
  return { kind: 'report', summary: { outcome, serial, labels, judged, word, agent, fingerprint } };
};
