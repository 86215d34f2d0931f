import { AgentError } from '../../core/errors.ts';
import { LABELS_FORM, parseLabels, type HostLabels } from '../../core/fleet/host-labels.ts';
import { reasonProblem } from '../../core/manifest/pace-schema.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import type { Rollout } from '../../core/manifest/manifest.ts';
import type { EpochMs } from '../../core/time.ts';
import type { ChosenBase } from '../../publish/base-manifest.ts';
import { durationArgument, parseSerial } from '../arguments.ts';

/** The store's address, certificates and trusted keys. */
export interface StoreFlags {
  readonly to?: string;
  readonly trust?: string;
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly json?: boolean;
}

/** The options of `publish`, `promote` and `rollback`. */
export interface PublishFlags extends StoreFlags {
  readonly key: readonly string[];
  readonly insecureUnsigned?: boolean;
  readonly singleWriter?: boolean;
  readonly serial?: string;
  readonly base?: string;
  readonly adoptUnverified?: boolean;
  readonly create?: boolean;
  readonly expires?: string;
  readonly rollout?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly timeout?: string;
  readonly hosts?: string;
  readonly waitWhere: readonly string[];
  readonly maxFailed?: string;
  readonly onFailure: string;
  /** Why the change goes on without waves and soak. */
  readonly urgent?: string;
  readonly after?: boolean;
  readonly anyway?: boolean;
}

const usage = (message: string, advice: string): AgentError => new AgentError('USAGE', message, { advice });

export const checkEnvironment = (text: string): string => {
  if (isEnvironmentName(text)) return text;
  throw usage(
    `"${text}" is not a valid environment name`,
    'write it as SUPERCARGO_ENVIRONMENT has it on the hosts: lower-case letters, digits, - and _',
  );
};

const PERCENT = 100;

/** Parses `1h:5%`: over one hour, and 5 % of the hosts at once. @throws AgentError USAGE */
export const parseRollout = (text: string | undefined, nowMs: EpochMs): Rollout | undefined => {
  if (text === undefined) return undefined;
  const [duration = '', share = '0%', ...rest] = text.split(':');
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(share)?.[1];
  if (rest.length > 0 || percent === undefined || Number(percent) > PERCENT)
    throw usage(
      `"${text}" is not a valid rollout`,
      'write it like 1h:5%: over one hour, and 5 % of the hosts at once',
    );
  return {
    startAtMs: Math.floor(nowMs / 1000) * 1000,
    durationSeconds: Math.ceil(durationArgument(duration) / 1000),
    startFraction: Number(percent) / PERCENT,
  };
};

export type OnFailure = 'rollback' | 'freeze' | 'none';

export const parseOnFailure = (text: string): OnFailure => {
  if (text === 'rollback' || text === 'freeze' || text === 'none') return text;
  throw usage(`"${text}" is not a valid --on-failure`, 'write --on-failure rollback, freeze or none');
};

export const parseMaxFailed = (text = '0'): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw usage(`"${text}" is not a number of hosts`, 'write a whole number, like --max-failed 2');
};

const TIMEOUT_MS = 600_000;

/** The default is longer than the rollout, because the last host starts at the rollout's end. */
export const timeoutOf = (text: string | undefined, rollout: Rollout | undefined): number =>
  text === undefined ? TIMEOUT_MS + (rollout?.durationSeconds ?? 0) * 1000 : durationArgument(text);

export const parseSerialFlag = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const serial = parseSerial(text);
  if (serial > 0) return serial;
  throw usage('"0" is not a serial', 'serials begin at 1');
};

/** @throws AgentError USAGE */
export const parseBase = (text: string | undefined): ChosenBase | undefined => {
  if (text === undefined) return undefined;
  if (text === 'none') return { kind: 'none' };
  const serial = parseSerial(text);
  if (serial > 0) return { kind: 'serial', serial };
  throw usage('"0" is not a serial', 'serials begin at 1; to build upon nothing write --base none');
};

/** The labels of `--where`, which may be given several times. @throws AgentError USAGE */
export const parseWhere = (option: string, texts: readonly string[]): HostLabels | undefined => {
  if (texts.length === 0) return undefined;
  const parsed = parseLabels(texts.join(','));
  if (parsed.kind === 'labels') return parsed.labels;
  throw usage(
    `${option} ${parsed.message}`,
    `write ${LABELS_FORM}; for example ${option} zone=a,canary=true`,
  );
};

/** @throws AgentError USAGE if options that count failed hosts stand beside a pace, which counts them itself */
export const refuseBesideHalt = ({ maxFailed, onFailure }: PublishFlags, environment: string): void => {
  if (maxFailed === undefined && onFailure === 'none') return;
  throw usage(
    `${environment} has a pace, whose limit of failures halts a change: ` +
      `leave ${maxFailed === undefined ? '--on-failure' : '--max-failed'} out`,
    `set the limit with \`supercargo pace ${environment} --halt-after N\`, ` +
      `and go back with \`supercargo rollback ${environment}\``,
  );
};

const checkUrgent = ({ urgent, after }: PublishFlags): void => {
  if (urgent === undefined) return;
  const problem = urgent.trim() === '' ? 'is empty' : reasonProblem(urgent);
  if (problem !== undefined) throw usage(`the reason of --urgent ${problem}`, 'say why in one line');
  if (after === true)
    throw usage(
      '--urgent and --after contradict each other',
      'an urgent change does not wait: leave one out',
    );
};

/**
 * `hasSigningKey`: SUPERCARGO_SIGNING_KEY is set.
 * @throws AgentError USAGE if flags are missing, invalid or contradictory
 */
export const checkPublishFlags = (flags: PublishFlags, hasSigningKey: boolean): void => {
  const key = flags.key.length > 0 ? '--key' : hasSigningKey ? 'SUPERCARGO_SIGNING_KEY' : undefined;
  if (key === undefined && flags.insecureUnsigned !== true)
    throw usage(
      'nothing to sign with',
      'name the private key: --key jenkins.key (`supercargo keygen jenkins --out DIR` makes one), ' +
        'give its text in SUPERCARGO_SIGNING_KEY, ' +
        'or publish with --insecure-unsigned for hosts that accept that',
    );
  if (key !== undefined && flags.insecureUnsigned === true)
    throw usage(`${key} and --insecure-unsigned contradict each other`, 'leave one of them out');
  if (flags.timeout !== undefined && flags.wait !== true && flags.after !== true)
    throw usage('--timeout needs --wait or --after', 'add one of them');
  if (
    flags.wait !== true &&
    (flags.hosts !== undefined || flags.waitWhere.length > 0 || flags.onFailure !== 'none')
  )
    throw usage('--hosts, --wait-where and --on-failure need --wait', 'add --wait');
  if (flags.dryRun === true && flags.wait === true)
    throw usage('there is nothing to wait for after --dry-run', 'leave one of them out');
  checkUrgent(flags);
  parseBase(flags.base);
  parseOnFailure(flags.onFailure);
  parseMaxFailed(flags.maxFailed);
  parseWhere('--wait-where', flags.waitWhere);
};
