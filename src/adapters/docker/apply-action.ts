import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { AgentError, rawMessageOf } from '../../core/errors.ts';
import type { ImageOrigin } from '../../core/image/image-origin.ts';
import type { Attachment, InlineFile, RestartPolicy } from '../../core/compose/project-model.ts';
import { tarOf } from '../../core/image/archive.ts';
import type { Applied, CreatedContainer, EngineAction, PullProgress } from '../../core/ports/engine.ts';
import type { Limits } from '../../core/state/actual.ts';
import { anyOf } from './any-of.ts';
import { createBody, endpointOf } from './create-body.ts';
import { defined } from './defined.ts';
import { edgeBody, type EdgeHome } from './edge-body.ts';
import { statusOf, toEngineError, toRefusal } from './engine-error.ts';
import { inBody } from './request-body.ts';
import { resourceLabels } from './labels.ts';
import type { ImageConfig } from './image-config.ts';
import { createNetwork } from './networks.ts';
import { labelsOf } from './response-types.ts';
import { tryStart } from './run-preflight.ts';
import type { CreateContainer } from '../../core/plan/action.ts';
import { pullImage, type ImageSources } from './pull.ts';
import { requireDiskSpace } from './engine-disk.ts';

export interface ApplyContext {
  readonly docker: Dockerode;
  readonly apiVersion: string;
  /** The engine's data folder; undefined if the engine runs on another machine. */
  readonly engineFolder: string | undefined;
  readonly environment: string;
  readonly sources: ImageSources;
  /** Undefined if the image is gone; the engine then refuses the create itself. */
  readonly imageConfig: (imageId: string, signal: AbortSignal) => Promise<ImageConfig | undefined>;
  readonly edge: EdgeHome;
  readonly onProgress: (progress: PullProgress) => void;
  readonly signal: AbortSignal;
}

/** Status codes that mean that the action is already done: a crash may repeat any action. */
const ALREADY: Partial<Record<EngineAction['kind'], readonly number[]>> = {
  start: [304],
  stop: [304, 404],
  remove: [404],
  // Another service created it first; the next observation checks whether it is the right one.
  'create-network': [409],
  'create-edge': [409],
  // The edge has ended already.
  'leave-edge': [404, 409],
  // 403 and 409 (still in use) stay failures, because only a failed step backs off before the next try.
  'remove-network': [404],
  'remove-image': [404],
};

const ALREADY_WORDS: Partial<Record<EngineAction['kind'], RegExp>> = {
  connect: /already exists in network/,
  remove: /removal of container .* is already in progress/,
};

const isAlreadySo = (kind: EngineAction['kind'], error: unknown): boolean => {
  const status = statusOf(error);
  if (status === undefined) return false;
  return ALREADY[kind]?.includes(status) === true || ALREADY_WORDS[kind]?.test(rawMessageOf(error)) === true;
};

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Executes one idempotent action.
 * @throws AgentError ENGINE if the engine is silent for `answerLimitMs`; a stop has its grace period and 30 s
 * more, a pull its own limit
 */
export const applyAction = async (
  action: EngineAction,
  c: ApplyContext,
  answerLimitMs = ANSWER_LIMIT_MS,
): Promise<Applied> => {
  const limitMs = action.kind === 'stop' ? action.graceMs + Math.min(KILL_MS, answerLimitMs) : answerLimitMs;
  const limit = new AbortController();
  const timer =
    action.kind === 'pull' ? undefined : setTimeout(() => limit.abort(), Math.min(limitMs, LONGEST_TIMER_MS));
  try {
    const bounded = { ...c, signal: AbortSignal.any([c.signal, limit.signal]) };
    if (action.kind === 'pull') return await pull(action, bounded);
    const answer = await call(action, bounded);
    return isCreate(action) ? createdBy(answer) : undefined;
  } catch (error) {
    if (limit.signal.aborted && !c.signal.aborted) throw unanswered(action, limitMs, error);
    if (isAlreadySo(action.kind, error)) return undefined;
    const told = toEngineError(error, `cannot ${describe(action)}`);
    // By the API's contract, 400 for a create means that the request itself cannot be carried out.
    throw action.kind === 'create' && statusOf(error) === 400 ? toRefusal(told) : told;
  } finally {
    clearTimeout(timer);
  }
};

const isCreate = ({ kind }: EngineAction): boolean => kind === 'create' || kind === 'create-edge';

/** Returns undefined for an answer without an id; the next observation finds the container. */
const createdBy = (answer: unknown): CreatedContainer | undefined => {
  const id = (answer as { id?: unknown } | undefined)?.id;
  return typeof id === 'string' && id !== '' ? { kind: 'container', id } : undefined;
};

const unanswered = (action: EngineAction, limitMs: number, cause: unknown): AgentError =>
  new AgentError(
    'ENGINE',
    `cannot ${describe(action)}: the engine did not answer within ${String(limitMs / 1000)} s`,
    {
      retry: 'later',
      cause,
      advice: 'see the log of the Docker daemon (journalctl -u docker): it may have to be restarted',
    },
  );

const describe = (action: EngineAction): string => {
  if ('container' in action) return `${action.kind} ${action.container.name}`;
  if ('name' in action) return `${action.kind.replace('-', ' ')} ${action.name}`;
  return action.kind.replace('-', ' ');
};

/** A healthy engine answers any request but a pull sooner, even on a slow disk. */
const ANSWER_LIMIT_MS = 120_000;
/**
 * The engine answers a stop once the container is down; this is the reserve for the kill after the grace
 * period.
 */
const KILL_MS = 30_000;

const pull = async (
  action: Extract<EngineAction, { kind: 'pull' }>,
  c: ApplyContext,
): Promise<ImageOrigin> => {
  await requireDiskSpace(c.engineFolder, 'cannot pull');
  const { image, keepAs } = action;
  const room = (bytes: number): Promise<void> =>
    requireDiskSpace(c.engineFolder, 'cannot load its archive', bytes);
  const wish = { image, ...(keepAs !== undefined && { keepAs }), requireDiskSpace: room };
  return pullImage(c.docker, c.sources, wish, c.onProgress, c.signal);
};

const createService = async (action: CreateContainer, c: ApplyContext): Promise<unknown> => {
  const image = await c.imageConfig(action.imageId, c.signal);
  if (action.preflight) await tryStart(action, action.preflight, c, image);
  return create(createBody(action, c.environment, c.apiVersion, image), c);
};

const call = async (action: Exclude<EngineAction, { kind: 'pull' }>, c: ApplyContext): Promise<unknown> => {
  const { docker, signal } = c;
  const abortSignal = signal;
  const container = 'container' in action ? docker.getContainer(action.container.id) : undefined;
  switch (action.kind) {
    case 'create':
      return createService(action, c);
    case 'create-network':
      return createNetwork(docker, action, c.environment, signal);
    case 'remove-network':
      return docker.getNetwork(action.id).remove({ abortSignal });
    case 'create-volume':
      return docker.createVolume(inBody(volumeBody(action, c.environment), signal));
    case 'disarm':
      return container && update(container, policyBody({ name: 'no', maxRetries: 0 }), signal);
    case 'arm':
      return container && update(container, policyBody(action.restart), signal);
    case 'limit':
      return container && update(container, limitsBody(action.limits), signal);
    case 'rename':
      return container?.rename({ name: action.to, abortSignal });
    case 'connect':
      return docker.getNetwork(action.network).connect(
        inBody(
          {
            Container: action.container.id,
            EndpointConfig: endpointOf(action.attachment, action.alias),
          },
          signal,
        ),
      );
    case 'rejoin':
      return rejoin(action, c);
    case 'create-edge': {
      const image = await c.imageConfig(action.imageId, signal);
      return create(edgeBody(action, c.environment, c.edge, labelsOf(image?.Labels)), c);
    }
    case 'leave-edge':
      return container?.kill({ signal: 'SIGUSR1', abortSignal });
    case 'start':
      return container && start(container, action.files, signal);
    case 'unpause':
      return container?.unpause({ abortSignal });
    case 'stop':
      return container?.stop({ t: Math.ceil(action.graceMs / 1000), abortSignal });
    case 'remove':
      // Keeps anonymous volumes: they may hold data.
      return container?.remove({ v: false, abortSignal });
    case 'tag-image':
      return docker.getImage(action.imageId).tag({ repo: action.repository, tag: action.tag, abortSignal });
    case 'remove-image':
      return removeReferences(action.references, c);
  }
};

const start = async (
  container: Dockerode.Container,
  files: readonly InlineFile[] | undefined,
  abortSignal: AbortSignal,
): Promise<unknown> => {
  if (files) {
    const tar = tarOf(files.map(({ target, content }) => ({ path: target.slice(1), content })));
    await container.putArchive(tar, { path: '/', abortSignal });
  }
  return container.start({ abortSignal });
};

/** The engine's refusals while a container is ending. The update did not take effect. */
const ENDING = anyOf(
  /cannot update a (?:deleted|stopped) (?:process|container)|process already finished/,
  /no such process|container not running/,
);
const ENDING_TRIES = 10;
const ENDING_PAUSE_MS = 100;

/** Retries at once: a container in a crash loop keeps ending, and a back-off would delay its rollback. */
const update = async (
  container: Dockerode.Container,
  body: object,
  signal: AbortSignal,
): Promise<unknown> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await container.update({ ...body, abortSignal: signal });
    } catch (error) {
      if (tries === ENDING_TRIES || !ENDING.test(rawMessageOf(error))) throw error;
      await sleep(ENDING_PAUSE_MS, undefined, { signal });
    }
  }
};

const policyBody = ({ name, maxRetries }: Pick<RestartPolicy, 'name' | 'maxRetries'>): object => ({
  RestartPolicy: { Name: name, MaximumRetryCount: maxRetries },
});

/** If the agent dies in between, the planner connects the container again. */
const rejoin = async (
  action: Extract<EngineAction, { kind: 'rejoin' }>,
  { docker, signal }: ApplyContext,
): Promise<void> => {
  const network = docker.getNetwork(action.network);
  const Container = action.container.id;
  try {
    await network.disconnect(inBody({ Container }, signal));
  } catch (error) {
    if (!/is not connected/.test(rawMessageOf(error))) throw error;
  }
  const join = async (attachment: Attachment): Promise<unknown> =>
    network.connect(inBody({ Container, EndpointConfig: endpointOf(attachment, action.alias) }, signal));
  try {
    await join(action.attachment);
  } catch (error) {
    // If another container has the address, this one stays reachable under any other until the next try.
    const { network: logical, aliases } = action.attachment;
    await join({ network: logical, aliases }).catch(() => undefined);
    throw error;
  }
};

const create = async (
  { name, platform, ...body }: Dockerode.ContainerCreateOptions,
  { docker, signal }: ApplyContext,
): Promise<unknown> => docker.createContainer(inBody(body, signal, defined({ name, platform })));

const removeReferences = async (
  references: readonly string[],
  { docker, signal }: ApplyContext,
): Promise<void> => {
  for (const reference of references) {
    try {
      await docker.getImage(reference).remove({ abortSignal: signal });
    } catch (error) {
      if (!isAlreadySo('remove-image', error)) throw error;
    }
  }
};

const volumeBody = (
  { name, volume, hash, definition }: Extract<EngineAction, { kind: 'create-volume' }>,
  environment: string,
): Dockerode.VolumeCreateOptions => ({
  Name: name,
  Driver: definition.driver ?? 'local',
  DriverOpts: { ...definition.driverOptions },
  Labels: resourceLabels(environment, 'volume', volume, hash, definition.labels),
});

/** Memory and swap change together; unless declared, they are twice the memory together, as in the engine. */
const limitsBody = (limits: Partial<Limits>): object => ({
  ...(limits.memoryBytes !== undefined && { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes * 2 }),
  ...(limits.memorySwapBytes !== undefined && { MemorySwap: limits.memorySwapBytes }),
  ...(limits.memoryReservationBytes !== undefined && { MemoryReservation: limits.memoryReservationBytes }),
  ...(limits.nanoCpus !== undefined && { NanoCpus: limits.nanoCpus }),
  ...(limits.cpuShares !== undefined && { CpuShares: limits.cpuShares }),
  ...(limits.cpuset !== undefined && { CpusetCpus: limits.cpuset }),
  ...(limits.pidsLimit !== undefined && { PidsLimit: limits.pidsLimit }),
});
