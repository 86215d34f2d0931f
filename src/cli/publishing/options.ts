import type { Command } from 'commander';
import { AgentError } from '../../core/errors.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import type { Rollout } from '../../core/manifest/manifest.ts';
import type { EpochMs } from '../../core/time.ts';
import type { ChosenBase } from '../../publish/base-manifest.ts';
import { parseDuration, parseSerial } from '../arguments.ts';

/** Where the store is, and who is believed there. */
export interface StoreFlags {
  readonly to?: string;
  readonly trust?: string;
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly json?: boolean;
}

/** What `publish`, `promote` and `rollback` share. */
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
  readonly maxFailed: string;
  readonly onFailure: string;
}

const usage = (message: string, advice: string): AgentError => new AgentError('USAGE', message, { advice });

const collect = (value: string, list: readonly string[]): readonly string[] => [...list, value];

export const addStoreFlags = (command: Command): Command =>
  command
    .option(
      '--to <base>',
      'the store: a hub or another server (URL), or a folder; SUPERCARGO_STORE otherwise',
    )
    .option('--trust <file>', 'the trust.json of the hosts: whose manifests are built upon')
    .option('--ca <file>', 'certificate authority of the store (PEM)')
    .option('--client-cert <file>', 'certificate to show to the store (PEM)')
    .option('--client-key <file>', 'its private key (PEM)');

export const addPublishFlags = (command: Command): Command =>
  addStoreFlags(command)
    .option('--key <file>', 'sign with this private key; several for a threshold', collect, [])
    .option(
      '--insecure-unsigned',
      'publish without a signature, for hosts with SUPERCARGO_ALLOW_UNSIGNED=true',
    )
    .option('--wait', 'end when the hosts run it, or do not')
    .option('--timeout <duration>', 'how long to wait: 10m, or as long as the rollout and 10m more')
    .option('--hosts <file>', 'wait for these hosts: one a line, or a JSON list (those that the store knows)')
    .option('--max-failed <n>', 'as many hosts may fail', '0')
    .option('--on-failure <what>', 'when the wait fails: rollback, freeze or none', 'none')
    .option('--rollout <duration:share>', 'hosts follow one after the other: 1h:5% begins with 5 % at once')
    .option('--expires <duration>', 'hosts start nothing of it after that: 30d')
    .option('--serial <n>', 'this serial, or fail where it is not free')
    .option(
      '--base <serial>',
      'build upon the versions of this serial, or upon none (the newest that is signed)',
    )
    .option('--adopt-unverified', 'take over versions that no known key has signed, and show each')
    .option('--single-writer', 'the store ignores If-Match, and nobody else ever publishes there')
    .option('--dry-run', 'show what would change, and write nothing')
    .option('--json', 'the outcome as JSON (supercargo/publish/v1)');

export const addCreateFlag = (command: Command): Command =>
  command.option('--create', 'the environment may be a new one in this store');

export const checkEnvironment = (text: string): string => {
  if (isEnvironmentName(text)) return text;
  throw usage(
    `"${text}" is no name of an environment`,
    'write it as SUPERCARGO_ENVIRONMENT has it on the hosts: lower-case letters, digits, - and _',
  );
};

const PERCENT = 100;

/** `1h:5%`: over an hour, 5 % at once. @throws AgentError USAGE */
export const parseRollout = (text: string | undefined, nowMs: EpochMs): Rollout | undefined => {
  if (text === undefined) return undefined;
  const [duration = '', share = '0%', ...rest] = text.split(':');
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(share)?.[1];
  if (rest.length > 0 || percent === undefined || Number(percent) > PERCENT)
    throw usage(
      `"${text}" is no rollout`,
      'write it like 1h:5%: over one hour, and 5 % of the hosts at once',
    );
  return {
    startAtMs: Math.floor(nowMs / 1000) * 1000,
    durationSeconds: Math.ceil(parseDuration(duration) / 1000),
    startFraction: Number(percent) / PERCENT,
  };
};

export type OnFailure = 'rollback' | 'freeze' | 'none';

export const parseOnFailure = (text: string): OnFailure => {
  if (text === 'rollback' || text === 'freeze' || text === 'none') return text;
  throw usage(`"${text}" is nothing to do on failure`, 'write --on-failure rollback, freeze or none');
};

export const parseMaxFailed = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw usage(`"${text}" is no number of hosts`, 'write a whole number, like --max-failed 2');
};

const TIMEOUT_MS = 600_000;

/** Longer than the rollout, whose last host begins at its end. */
export const timeoutOf = (text: string | undefined, rollout: Rollout | undefined): number =>
  text === undefined ? TIMEOUT_MS + (rollout?.durationSeconds ?? 0) * 1000 : parseDuration(text);

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

/** @throws AgentError USAGE where the flags contradict each other */
export const checkPublishFlags = (flags: PublishFlags): void => {
  if (flags.key.length === 0 && flags.insecureUnsigned !== true)
    throw usage(
      'nothing to sign with',
      'name the private key: --key jenkins.key (`supercargo keygen jenkins --out DIR` makes one), or publish with --insecure-unsigned for hosts that accept that',
    );
  if (flags.key.length > 0 && flags.insecureUnsigned === true)
    throw usage('--key and --insecure-unsigned contradict each other', 'leave one of them out');
  if (
    flags.wait !== true &&
    (flags.timeout !== undefined || flags.hosts !== undefined || flags.onFailure !== 'none')
  )
    throw usage('--timeout, --hosts and --on-failure need --wait', 'add --wait');
  if (flags.dryRun === true && flags.wait === true)
    throw usage('there is nothing to wait for after --dry-run', 'leave one of them out');
  parseBase(flags.base);
  parseOnFailure(flags.onFailure);
  parseMaxFailed(flags.maxFailed);
};
