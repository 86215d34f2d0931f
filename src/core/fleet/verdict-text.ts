import { oneLine } from '../printable-text.ts';
import { isoSeconds, type EpochMs } from '../time.ts';
import type { VerdictKind } from '../vocabulary/outcomes.ts';

/** Something on a host that an operator should know. */
export interface Finding {
  /** One of VERDICT_WORDS, or the outcome of a newer agent. */
  readonly word: string;
  /** Null for the host itself. */
  readonly service: string | null;
  readonly reason: string | null;
  readonly message: string;
  readonly advice: string | null;
  readonly until: string | null;
  /** Last lines of the failed container. */
  readonly log: readonly string[];
}

/** Why a published manifest cannot run on a host. */
export interface HostFault extends Omit<Finding, 'word' | 'until'> {
  readonly reason: string;
}

/** Plain JSON. A host that runs the manifest (`kind`) may still need attention (`word`). */
export interface HostVerdict extends Omit<Finding, 'log'> {
  readonly kind: VerdictKind;
  /** At least one if `kind` is `failed`, else none. */
  readonly faults: readonly HostFault[];
  /** Time of the last report if `kind` is `stopped` or `silent`; absent if there was none. */
  readonly sinceMs?: EpochMs;
}

export const isWell = ({ word }: HostVerdict): boolean => word === 'converged';

const sentenceOf = ({ kind, word, faults, message, advice, until }: HostVerdict): string => {
  if (word === 'converged') return 'converged';
  const isLost = word === 'stopped' && advice !== null;
  const text = isLost ? `${message}: ${advice}` : message;
  if (kind === 'converged') return `converged; ${text}`;
  if (kind === 'failed')
    return faults.map((f) => (f.service === null ? f.message : `${f.service}: ${f.message}`)).join('; ');
  return until === null ? text : `${text} (until ${until})`;
};

/** A short text on one line, whatever the host's texts contain. */
export const verdictText = (verdict: HostVerdict): string => oneLine(sentenceOf(verdict));

export const silentSince = (sinceMs: EpochMs | undefined): string =>
  sinceMs === undefined ? 'it has never reported' : `it has been silent since ${isoSeconds(sinceMs)}`;
