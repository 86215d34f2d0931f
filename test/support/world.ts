import { createHash } from 'node:crypto';
import type { ComposeProject } from '../../src/core/compose/project-model.ts';
import { formatProblem } from '../../src/core/compose/compose-problem.ts';
import { parseProject } from '../../src/core/compose/project.ts';
import { parseMirrors, type Mirror } from '../../src/core/image/mirror.ts';
import { parseImage, type Digest, type ImageId } from '../../src/core/image/reference.ts';
import type { Freeze, Manifest, Rollout } from '../../src/core/manifest/manifest.ts';
import type { EdgeSetting, PlanInput } from '../../src/core/plan/plan-input.ts';
import type { Actual, EngineFacts } from '../../src/core/state/actual.ts';
import { resolveHost } from '../../src/core/state/desired.ts';
import { emptyLedger, type Ledger } from '../../src/core/state/ledger.ts';
import type { Release } from '../../src/core/state/release.ts';

export const ENVIRONMENT = 'test';
export const START_MS = 1_000_000;

const parsedBefore = new Map<string, ComposeProject>();

/** The project that a compose.yaml means, parsed once: agents on paper look thousands of times. @throws with every error in it. */
export const project = (text: string): ComposeProject => {
  const known = parsedBefore.get(text) ?? parse(text);
  parsedBefore.set(text, known);
  return known;
};

const parse = (text: string): ComposeProject => {
  const folder = '/etc/supercargo';
  const files = [{ path: `${folder}/compose.yaml`, text }];
  const parsed = parseProject({ folder, files, read: new Map() });
  if (parsed.kind === 'ok') return parsed.project;
  throw new Error(parsed.errors.map(formatProblem).join('\n'));
};

const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Made up, and always the same: what the registry of the tests serves as `org/web:1.0.0`. */
export const digestOf = (image: string): Digest => sha256(`digest ${image}`) as Digest;
export const imageIdOf = (image: string): ImageId => sha256(`id ${image}`) as ImageId;

export interface Published {
  readonly serial?: number;
  readonly attempts?: Readonly<Record<string, number>>;
  readonly expiresAtMs?: number;
  readonly rollout?: Rollout;
  readonly freeze?: Freeze;
  /** Without digests, as a bare manifest may be. */
  readonly tagsOnly?: boolean;
}

/** `{ web: 'org/web:1.0.0' }` as a manifest; every image with its digest. */
export const manifest = (
  services: Readonly<Record<string, string>>,
  published: Published = {},
): Manifest => ({
  environment: ENVIRONMENT,
  serial: published.serial ?? 1,
  issuedAtMs: START_MS,
  expiresAtMs: published.expiresAtMs,
  services: Object.fromEntries(
    Object.entries(services).map(([name, text]) => {
      const digest = published.tagsOnly === true ? undefined : digestOf(text);
      return [
        name,
        { image: { ...parseImage(text), digest }, imageIds: {}, attempt: published.attempts?.[name] ?? 0 },
      ];
    }),
  ),
  rollout: published.rollout,
  freeze: published.freeze,
  publisher: undefined,
});

export const facts: EngineFacts = {
  id: 'engine',
  version: '29.0.0',
  apiVersion: '1.52',
  platform: 'linux/amd64',
  remoteHost: undefined,
  enforces: [
    'memoryBytes',
    'memorySwapBytes',
    'memoryReservationBytes',
    'nanoCpus',
    'cpuShares',
    'cpuset',
    'pidsLimit',
  ],
};

/** As a host with an edge has it; its image is there once it was pulled. */
export const edgeSetting: EdgeSetting = {
  image: {
    reference: parseImage('docker.io/library/haproxy:3.2'),
    digest: undefined,
    imageId: undefined,
    pullPolicy: 'missing',
    platform: undefined,
  },
  mode: 'host',
  agentUid: 1000,
  hasIpv6: false,
  trustedProxies: [],
};

/** For engines of tests that make no edge. */
/** As SUPERCARGO_REGISTRY_MIRRORS. @throws where it is wrong */
export const mirrorsIn = (text: string): readonly Mirror[] => {
  const parsed = parseMirrors(text);
  if (parsed.kind === 'problem') throw new Error(parsed.message);
  return parsed.mirrors;
};

/** No login is known, and no mirror. */
export const NO_SOURCES = { credentials: { for: async () => Promise.resolve(undefined) }, mirrors: [] };

export const NO_EDGE_HOME = { folder: '/nonexistent/edge', uid: 0, gid: 0 };

export const emptyActual: Actual = {
  engine: facts,
  containers: [],
  networks: [],
  volumes: [],
  images: [],
  edges: [],
  listeners: [],
};

export interface World {
  readonly compose: string;
  /** `{ web: 'org/web:1.0.0' }`; undefined: nothing was ever published. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly published?: Published;
  readonly actual?: Actual;
  readonly ledger?: Ledger;
  readonly more?: Partial<PlanInput>;
}

/** Everything a plan depends on, from a compose file, versions and what is there. */
export const planInput = ({ compose, versions, published, actual, ledger, more }: World): PlanInput => {
  const parsed = project(compose);
  const accepted = versions && manifest(versions, published);
  const known = ledger ?? emptyLedger(ENVIRONMENT);
  const { services } = resolveHost({
    project: parsed,
    manifest: accepted,
    ledger: known,
    platform: facts.platform,
  });
  return {
    environment: ENVIRONMENT,
    host: 'host-1',
    nowMs: START_MS,
    keepReleases: 2,
    mirrors: [],
    windows: [],
    project: parsed,
    desired: services,
    manifest: accepted,
    distrust: undefined,
    actual: actual ?? emptyActual,
    ledger: known,
    failedSteps: {},
    answered: {},
    unanswered: {},
    watchingSinceMs: 0,
    edge: edgeSetting,
    isEdgeBusy: false,
    reserved: [],
    ...more,
  };
};

/** The release that this compose file and these versions make of a service. */
export const releaseOf = (
  compose: string,
  service: string,
  versions: Readonly<Record<string, string>>,
): Release => {
  const desired = planInput({ compose, versions }).desired[service];
  if (desired?.kind === 'release') return desired.release;
  throw new Error(`${service} has no release: ${JSON.stringify(desired)}`);
};
