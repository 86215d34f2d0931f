import { readPublisherConfig, type PublisherConfig } from '../../config/publisher-config.ts';
import { AgentError, messageOf } from '../../core/errors.ts';
import { formatImage } from '../../core/image/reference.ts';
import type { Manifest, Publisher as PublisherName, Rollout, Trust } from '../../core/manifest/manifest.ts';
import { writtenPace } from '../../core/manifest/written-pace.ts';
import type { ArchiveStore } from '../../core/ports/archive-store.ts';
import type { DocumentStore } from '../../core/ports/document-store.ts';
import type { Rollouts } from '../../core/ports/rollouts.ts';
import { diffTerms, diffVersions } from '../../core/publish/diff-manifests.ts';
import { restored } from '../../core/publish/choose-versions.ts';
import type { DraftOptions, Services } from '../../core/publish/draft.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { EpochMs } from '../../core/time.ts';
import { findCurrent } from '../../publish/base-manifest.ts';
import { createPublisher, type Proposal, type Published, type Publisher } from '../../publish/publisher.ts';
import { createEnvironmentStore, type EnvironmentStore } from '../../publish/environment-store.ts';
import { durationArgument } from '../arguments.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';
import { renderChanges } from '../render/fleet-text.ts';
import { readHosts, readKeys, readTrust, trustInKeys } from './key-files.ts';
import {
  checkEnvironment,
  checkPublishFlags,
  parseBase,
  parseMaxFailed,
  parseOnFailure,
  parseRollout,
  parseSerialFlag,
  parseWhere,
  timeoutOf,
  type PublishFlags,
} from './options.ts';
import { followAndPrint } from './follow-and-print.ts';
import { findAwaited, waitAndPrint } from './wait-for-hosts.ts';
import { openStore } from './open-store.ts';
import { keptSpeed, publishInTurn, speedBack } from './publish-with-pace.ts';
import { oneLine, printableMessage } from '../../core/printable-text.ts';

/** A call of `publish`, `promote` or `rollback` with checked options and an open store. */
export interface Session {
  readonly io: Io;
  readonly flags: PublishFlags;
  readonly environment: string;
  readonly config: PublisherConfig;
  readonly store: DocumentStore;
  readonly archives: ArchiveStore;
  readonly rollouts: Rollouts;
  readonly trust: Trust | undefined;
  readonly view: EnvironmentStore;
  /** For waits: a store that is away is told at once. */
  readonly watched: { readonly view: EnvironmentStore; readonly rollouts: Rollouts };
  readonly publisher: Publisher;
  readonly nowMs: EpochMs;
}

/** Reads only local files. @throws AgentError USAGE, KEY, TRUST or CONFIG */
export const openSession = async (io: Io, environmentText: string, flags: PublishFlags): Promise<Session> => {
  const environment = checkEnvironment(environmentText);
  const config = readPublisherConfig(io.env);
  checkPublishFlags(flags, config.signingKey !== undefined);
  const read = await readKeys(flags.key, config.signingKey, io.stdin);
  const keys = read.map(({ key }) => key);
  for (const warning of [...config.warnings, ...read.flatMap((r) => r.warning ?? [])])
    io.stderr.write(`warning: ${printableMessage(warning)}\n`);
  const trust = flags.trust === undefined ? trustInKeys(keys) : await readTrust(flags.trust);
  const {
    documents: store,
    archives,
    rollouts,
    watched,
  } = await openStore(flags, config, (message) => io.stderr.write(`${printableMessage(message)}\n`));
  const view = createEnvironmentStore(store, environment, trust);
  const isSingleWriter = flags.singleWriter === true;
  const isHostsTrust = flags.trust !== undefined;
  return {
    io,
    flags,
    environment,
    config,
    store,
    archives,
    rollouts,
    trust,
    view,
    watched: {
      view: createEnvironmentStore(watched.documents, environment, trust),
      rollouts: watched.rollouts,
    },
    publisher: createPublisher({ store, environment, view, keys, isSingleWriter, isHostsTrust }),
    nowMs: Date.now(),
  };
};

const publisherName = ({ build: { name, build, url } }: PublisherConfig): PublisherName => ({
  name,
  build,
  url,
});

const termsOf = (s: Session, rollout: Rollout | undefined): DraftOptions => ({
  nowMs: Date.now(),
  expiresInMs: s.flags.expires === undefined ? undefined : durationArgument(s.flags.expires),
  rollout,
  freeze: undefined,
  publisher: publisherName(s.config),
});

/** The versions that come from a manifest without a signature by a known key. */
const adoptedIn = ({ before, manifest, isAdopted }: Published): readonly (readonly [string, string])[] =>
  isAdopted && before
    ? Object.entries(manifest.services)
        .filter(([name, { image }]) => before.services[name]?.image === image)
        .map(([name, { image }]) => [name, formatImage(image)])
    : [];

const warningsOf = ({ remarks, trouble }: Published): readonly string[] => [
  ...remarks,
  ...(trouble === undefined
    ? []
    : [`the manifest is published, but not yet in the history: ${trouble}; the next publish adds it`]),
];

const printPublished = ({ io, environment, store }: Session, published: Published): void => {
  const { before, manifest, isWritten, isNew } = published;
  const screen = terminalOf(io);
  if (isNew)
    io.stdout.write(
      `${isWritten ? 'created' : 'would create'} environment ${environment} in ${store.name}\n`,
    );
  io.stdout.write(
    `${isWritten ? 'published' : 'would publish'} ${environment} ${String(manifest.serial)}` +
      `${before ? `, after ${String(before.serial)},` : ''} ${isWritten ? 'in' : 'to'} ${store.name}\n`,
  );
  io.stdout.write(renderChanges(diffVersions(before, manifest), screen));
  for (const [service, image] of adoptedIn(published))
    io.stdout.write(`  ${service}: ${image} is taken over; no known key has signed it\n`);
  for (const line of diffTerms(before, manifest)) io.stdout.write(`  ${oneLine(line)}\n`);
};

const warn = ({ io }: Session, published: Published): void => {
  for (const warning of warningsOf(published)) io.stderr.write(`warning: ${printableMessage(warning)}\n`);
};

const documentOf = (s: Session, published: Published, exitCode: ExitCode, waited: unknown) => ({
  apiVersion: 'supercargo/publish/v1',
  environment: s.environment,
  store: s.store.name,
  created: published.isNew,
  serial: published.manifest.serial,
  before: published.before?.serial ?? null,
  written: published.isWritten,
  services: diffVersions(published.before, published.manifest),
  pace: published.manifest.pace === undefined ? null : writtenPace(published.manifest.pace),
  urgent: published.manifest.urgent?.reason ?? null,
  adopted: adoptedIn(published).map(([service, image]) => ({ service, image })),
  warnings: warningsOf(published),
  wait: waited ?? null,
  exitCode,
});

/** Executes `--on-failure`: publishes the earlier versions again, or a freeze. */
const recover = async (s: Session, published: Published, signal: AbortSignal): Promise<void> => {
  const what = parseOnFailure(s.flags.onFailure);
  if (what === 'none') return;
  const { before, manifest } = published;
  if (what === 'rollback' && !before) {
    s.io.stderr.write('no rollback is possible: this was the first publish\n');
    return;
  }
  const undone = (current: Manifest | undefined): Services => {
    // Called again after every lost race, so that a later publish is never undone.
    if (current?.serial !== manifest.serial) throw new AgentError('STORE', 'another publish came in between');
    return what === 'rollback' && before ? restored(before, current) : current.services;
  };
  const terms = {
    ...termsOf(s, what === 'freeze' ? manifest.rollout : undefined),
    freeze:
      what === 'freeze'
        ? { reason: `serial ${String(manifest.serial)} failed on too many hosts` }
        : undefined,
  };
  const again = await s.publisher.publish(
    {
      services: async (current) => Promise.resolve(undone(current)),
      named: 'all',
      terms,
      ...(what === 'rollback' && before && { speed: speedBack(before.serial) }),
      serial: undefined,
      isDryRun: false,
    },
    signal,
  );
  if (s.flags.json !== true) printPublished(s, again);
  warn(s, again);
};

/** Publishes the versions of `services`, prints the result, and waits for the hosts with `--wait`. */
export const publishAndPrint = async (
  s: Session,
  {
    services,
    named,
    speed = keptSpeed(s.flags, s.environment),
    remarksOf,
  }: Pick<Proposal, 'services' | 'named' | 'speed'> & {
    /** Remarks on the images of `services`, known once it has been called. */
    readonly remarksOf?: () => readonly string[];
  },
  signal: AbortSignal,
  /** Runs between the write and the wait. */
  onWritten: () => Promise<void> = async () => Promise.resolve(),
): Promise<ExitCode> => {
  const { io, flags } = s;
  const rollout = parseRollout(flags.rollout, s.nowMs);
  const timeoutMs = timeoutOf(flags.timeout, rollout);
  const maxFailed = parseMaxFailed(flags.maxFailed);
  const { environment, view } = s;
  const hosts = flags.hosts === undefined ? undefined : await readHosts(flags.hosts);
  const where = parseWhere('--wait-where', flags.waitWhere);
  const awaited = await findAwaited(view, { environment, hosts, where }, signal);
  const proposed = await publishInTurn(
    s,
    {
      services,
      named,
      speed,
      base: parseBase(flags.base),
      adopts: flags.adoptUnverified === true,
      creates: flags.create === true,
      serial: parseSerialFlag(flags.serial),
      isDryRun: flags.dryRun === true,
    },
    () => termsOf(s, rollout),
    signal,
  );
  const published = { ...proposed, remarks: [...proposed.remarks, ...(remarksOf?.() ?? [])] };
  const isJson = flags.json === true;
  if (!isJson) printPublished(s, published);
  warn(s, published);
  if (published.isWritten) await onWritten();
  if (flags.wait !== true) {
    if (isJson) writeJson(io, documentOf(s, published, EXIT.ok, undefined));
    return EXIT.ok;
  }
  const target = published.manifest;
  const { pace } = target;
  const place = { io, flags, ...s.watched };
  const { code, waited } = await (pace === undefined
    ? waitAndPrint(place, { target, awaited, timeoutMs, maxFailed }, signal)
    : followAndPrint(
        place,
        {
          target: { ...target, pace },
          awaited,
          timeoutMs: flags.timeout === undefined ? undefined : timeoutMs,
        },
        signal,
      ));
  if (code === EXIT.failed || code === EXIT.timedOut) {
    // The recovery does not change the exit code, which reports the result on the hosts.
    if (waited.outcome !== 'superseded')
      await recover(s, published, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        io.stderr.write(`--on-failure ${flags.onFailure} failed: ${printableMessage(messageOf(error))}\n`);
      });
  }
  if (isJson) writeJson(io, documentOf(s, published, code, { ...waited, where: where ?? null }));
  return code;
};

/** The current manifest, for commands that build upon it. @throws AgentError STORE, KEY */
export const needCurrent = async (
  { flags }: Pick<Session, 'flags'>,
  view: EnvironmentStore,
  environment: string,
  signal: AbortSignal,
) => {
  const adopts = flags.adoptUnverified === true;
  const isHostsTrust = flags.trust !== undefined;
  return findCurrent({ view, environment, isHostsTrust, adopts }, signal);
};
