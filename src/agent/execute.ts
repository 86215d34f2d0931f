import { AgentError, toAgentError } from '../core/errors.ts';
import type { ImageOrigin } from '../core/image/image-origin.ts';
import { isoTime } from '../core/time.ts';
import type { Action, ActionKind } from '../core/plan/action.ts';
import { detailsOf } from '../core/plan/action-details.ts';
import type { FailedStep } from '../core/plan/plan-input.ts';
import { nextFailedStep } from '../core/plan/failed-step.ts';
import { isEdgeAction, isEngineAction, type PullProgress } from '../core/ports/engine.ts';
import { serviceRecord, withContainers } from '../core/state/ledger.ts';
import { changeLedger, withFetched, type Findings } from '../core/state/ledger-change.ts';
import type { ReleaseSpec } from '../core/state/release.ts';
import { withoutValues } from '../core/state/redact.ts';
import type { Recorder } from './recorder.ts';
import type { AgentOptions, AgentPorts } from './agent-ports.ts';
import type { LedgerRecord } from './ledger-record.ts';
import { createRepetitions } from './repetition-counter.ts';
import type { EventName } from '../core/vocabulary/event-names.ts';

export interface Job {
  readonly service: string;
  readonly action: Action;
  /** Why the step is taken, for people. */
  readonly why: string;
  /** The release or tag that the step serves: the key of its failed step. */
  readonly release: string;
  /** The desired spec of the service; undefined if it is not known. */
  readonly spec: ReleaseSpec | undefined;
  readonly serial: number;
  /** The release's attempt in the manifest; undefined if another release is desired. */
  readonly attempt: number | undefined;
  readonly onProgress: (progress: PullProgress) => void;
}

/** What is logged of each action that was taken. */
export const ACTION_EVENTS: Readonly<Record<ActionKind, EventName>> = {
  'resolve-tag': 'tag.resolved',
  pull: 'image.pulled',
  'create-network': 'network.created',
  'remove-network': 'network.removed',
  'create-volume': 'volume.created',
  create: 'container.created',
  disarm: 'container.disarmed',
  arm: 'container.armed',
  rename: 'container.renamed',
  connect: 'container.connected',
  start: 'container.started',
  unpause: 'container.unpaused',
  stop: 'container.stopped',
  remove: 'container.removed',
  limit: 'container.limited',
  'tag-image': 'image.tagged',
  'remove-image': 'image.removed',
  rejoin: 'container.rejoined',
  'create-edge': 'edge.created',
  'leave-edge': 'edge.leaving',
  'edge-write': 'edge.written',
  'edge-add-server': 'server.added',
  'edge-set-state': 'server.changed',
  'edge-cut-sessions': 'server.cut',
  'edge-remove-server': 'server.removed',
  'edge-close-port': 'port.closed',
  'edge-answer': 'health.answered',
  'edge-discard': 'edge.discarded',
  drain: 'container.draining',
  adopt: 'container.adopted',
  remember: 'release.proved',
  quarantine: 'release.quarantined',
  forget: 'service.forgotten',
};

const LAST_LINES = 20;

interface Performed extends Findings {
  /** Id of the created container. */
  readonly created?: string;
}

/** Takes one step. Returns undefined if it succeeded, else why it failed and when it is tried again. */
export const createExecutor = (
  ports: AgentPorts,
  options: AgentOptions,
  record: LedgerRecord,
  recorder: Recorder,
  /** Ids of the containers in the last observation. */
  alive: () => ReadonlySet<string>,
) => {
  const repetitions = createRepetitions(ports);

  const findingsOf = async (action: Action, signal: AbortSignal): Promise<Findings> => {
    if (action.kind === 'resolve-tag') return { tag: await ports.engine.resolveTag(action.image, signal) };
    if (action.kind !== 'quarantine') return {};
    const logs = await Promise.all(
      action.containers.map((container) => ports.engine.lastLines(container.id, LAST_LINES, signal)),
    );
    return { log: logs.flat() };
  };

  /** The origin is for people: a full disk must not fail the pull. The edge has no record in the ledger. */
  const noteOrigin = async ({ service, release }: Job, origin: ImageOrigin): Promise<void> => {
    for (const skipped of origin.skipped)
      recorder.write('warn', 'source.skipped', { ...skipped, ...(service !== '' && { service }) });
    if (service !== '')
      await record.force((l) => withFetched(l, service, { release, ...origin, fetchedAtMs: ports.now() }));
  };

  /**
   * The id counts even if it cannot be written, so a full disk stops no service. A lost id is found by the
   * container's properties.
   */
  const noteCreated = async (id: string, service: string): Promise<void> => {
    const failure = await record.force((l) => withContainers(l, [id], alive()));
    if (failure) ports.log.write('error', 'ledger.failed', { service, message: failure.message });
  };

  const noteRest = (service: string, { action, message, advice, untilMs }: FailedStep): void => {
    const retryAt = isoTime(untilMs);
    recorder.write('error', 'action.repeated', {
      ...(service !== '' && { service }),
      action,
      message,
      advice,
      retryAt,
    });
  };

  const perform = async (job: Job, signal: AbortSignal): Promise<Performed> => {
    const { action, service } = job;
    if (isEngineAction(action)) {
      const applied = await ports.engine.apply(action, options.environment, job.onProgress, signal);
      if (!applied) return {};
      if (applied.kind === 'container') {
        await noteCreated(applied.id, service);
        return { created: applied.id };
      }
      await noteOrigin(job, applied);
      return { origin: applied };
    }
    if (isEdgeAction(action)) {
      await ports.edges.apply(action, signal);
      return {};
    }
    const findings = await findingsOf(action, signal);
    const nowMs = ports.now();
    const { keepReleases } = options;
    const change = (l: Parameters<typeof changeLedger>[0]) =>
      changeLedger(l, { service, action, findings, nowMs, keepReleases, serial: job.serial });
    // Quarantine and drain work even with a full disk.
    if (action.kind !== 'quarantine' && action.kind !== 'drain') {
      await record.update(change);
      return findings;
    }
    const failure = await record.force(change);
    if (failure) ports.log.write('error', 'ledger.failed', { service, message: failure.message });
    return findings;
  };

  /** Engine errors quote their input: values of this release, of the desired one or of a good one. */
  const withoutOurValues = (error: AgentError, { service, action, spec }: Job): AgentError => {
    const made = action.kind === 'create' ? action.release.spec : undefined;
    const good = serviceRecord(record.current(), service).good.map(({ release }) => release.spec);
    const [what = '', ...rest] = error.message.split(': ');
    const specs = [made, spec, ...good].filter((s) => s !== undefined);
    const text = withoutValues(rest.join(': '), specs);
    if (rest.length === 0 || text === rest.join(': ')) return error;
    const { retry, advice, fields } = error;
    return new AgentError(error.code, `${what}: ${text}`, {
      retry,
      fields,
      ...(advice !== undefined && { advice }),
    });
  };

  return async (
    job: Job,
    previous: FailedStep | undefined,
    signal: AbortSignal,
  ): Promise<FailedStep | undefined> => {
    const { action, service } = job;
    const startedMs = ports.now();
    try {
      const { created, ...findings } = await perform(job, signal);
      const fields = { ...detailsOf(action), ...foundOut(findings), ...(service !== '' && { service }) };
      const level = action.kind === 'quarantine' ? 'error' : 'info';
      recorder.write(level, ACTION_EVENTS[action.kind], { ...fields, tookMs: ports.now() - startedMs });
      const rest = repetitions.note({ ...job, created });
      if (rest) noteRest(service, rest);
      return rest;
    } catch (thrown) {
      if (signal.aborted) return undefined;
      const error = withoutOurValues(toAgentError(thrown), job);
      if (error.code === 'ENGINE_OFFLINE') throw error;
      const good = serviceRecord(record.current(), service).good[0];
      const failedStep = nextFailedStep({
        action,
        release: job.release,
        error,
        previous,
        isRepair: good?.release.id === job.release,
        attempt: job.attempt,
        nowMs: ports.now(),
        random: ports.random(),
      });
      const { code, message, advice } = error;
      const level = error.retry === 'later' ? 'warn' : 'error';
      const fields = {
        service,
        action: action.kind,
        code,
        message,
        advice,
        retryAt: isoTime(failedStep.untilMs),
      };
      // The history gets a repeated failure once, the log every try.
      if (previous?.message === message) ports.log.write(level, 'action.failed', fields);
      else recorder.write(level, 'action.failed', fields);
      return failedStep;
    }
  };
};

/** What an action found out, for its event. */
const foundOut = ({ tag, log, origin }: Findings): Readonly<{ [name: string]: unknown }> => ({
  ...(tag && { meaning: tag.kind === 'digest' ? tag.digest : tag.imageId }),
  ...(log && { log }),
  ...(origin && { source: origin.source }),
});
