import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDockerEngine } from '../../src/adapters/docker/docker-engine.ts';
import { parseImage } from '../../src/core/image/reference.ts';
import { LABELS } from '../../src/core/docker-names.ts';
import { planHost } from '../../src/core/plan/plan-host.ts';
import type { Engine, EngineAction, TagMeaning } from '../../src/core/ports/engine.ts';
import type { Actual } from '../../src/core/state/actual.ts';
import { digestOf, ENVIRONMENT, imageIdOf, NO_EDGE_HOME, NO_SOURCES, planInput } from '../support/world.ts';
import { fuzzAsync, orRefused, PATIENCE_MS } from './cases.ts';
import { lie, startLyingServer, told, type Lie, type LyingServer } from './lying-server.ts';
import { mangled, mutated, mutatedJson } from './mutate.ts';

const { signal } = new AbortController();
const ID = 'c'.repeat(64);
const IMAGE = 'org/web:1';
const DIGEST: string = digestOf('org/web:1');

const VERSION = { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12' };
const INFO = {
  ID: 'AAAA:BBBB',
  DockerRootDir: '/nonexistent/docker',
  OSType: 'linux',
  Architecture: 'x86_64',
  ServerVersion: '20.10.24',
  MemoryLimit: true,
  CpuCfsQuota: true,
  CPUShares: true,
  CPUSet: true,
  PidsLimit: true,
};
const OURS = {
  [LABELS.environment]: ENVIRONMENT,
  [LABELS.service]: 'web',
  [LABELS.replica]: '1',
  [LABELS.release]: 'e'.repeat(64),
  [LABELS.serial]: '1',
  [LABELS.version]: '1',
  [LABELS.spec]: '1:abc',
  [LABELS.restart]: 'on-failure:3',
};
const CONTAINERS = [
  {
    Id: ID,
    Names: ['/test-web-1-eeeeeeee'],
    ImageID: imageIdOf(IMAGE),
    State: 'running',
    Status: 'Up 3 hours',
    Labels: OURS,
    Created: 1_700_000_000,
    Ports: [{ IP: '0.0.0.0', PrivatePort: 8888, PublicPort: 80, Type: 'tcp' }],
  },
  {
    Id: 'd'.repeat(64),
    Names: ['/other'],
    ImageID: 'sha256:1',
    State: 'exited',
    Status: 'Exited',
    Labels: {},
    Ports: [],
  },
  {
    Id: 'a'.repeat(64),
    Names: ['/test-edge-abc'],
    ImageID: 'sha256:2',
    State: 'running',
    Status: 'Up',
    Labels: { [LABELS.environment]: ENVIRONMENT, [LABELS.edge]: 'abc', [LABELS.edgeShape]: 'x' },
    Ports: [],
  },
];
const INSPECTED = {
  Id: ID,
  Created: '2026-11-23T10:00:00.123456789Z',
  Name: '/test-web-1-eeeeeeee',
  RestartCount: 2,
  State: {
    Status: 'running',
    Running: true,
    ExitCode: 0,
    OOMKilled: false,
    Error: '',
    StartedAt: '2026-11-23T10:00:01Z',
    FinishedAt: '0001-01-01T00:00:00Z',
    Health: { Status: 'healthy', FailingStreak: 0, Log: [{ ExitCode: 0, Output: 'ok' }] },
  },
  HostConfig: {
    AutoRemove: false,
    RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
    Memory: 1,
    NanoCpus: 1,
    CpusetCpus: '0',
    PidsLimit: null,
  },
  Config: { Image: IMAGE, StopTimeout: 10, Tty: false, Labels: OURS },
  NetworkSettings: {
    Networks: {
      test_default: {
        IPAddress: '10.0.0.2',
        Aliases: ['web', 'cccccccccccc'],
        IPAMConfig: null,
        NetworkID: 'n',
      },
    },
  },
  Mounts: [{ Type: 'volume', Name: 'test_data', Destination: '/data' }],
};
const NETWORKS = [
  {
    Id: 'n1',
    Name: 'test_default',
    Labels: { [LABELS.environment]: ENVIRONMENT, [LABELS.network]: 'default', [LABELS.definition]: 'h' },
    IPAM: { Config: [{ Subnet: '172.18.0.0/16' }] },
  },
];
const IMAGES = [
  { Id: imageIdOf(IMAGE), RepoTags: [IMAGE], RepoDigests: [`org/web@${digestOf(IMAGE)}`], Size: 1 },
];
const VOLUMES = {
  Volumes: [{ Name: 'test_data', Labels: { [LABELS.environment]: ENVIRONMENT, [LABELS.volume]: 'data' } }],
  Warnings: null,
};
const PULLED = [
  '{"status":"Pulling from org/web","id":"1"}',
  '{"status":"Downloading","progressDetail":{"current":5,"total":10},"id":"aaaaaaaaaaaa"}',
  '{"status":"Pull complete","progressDetail":{},"id":"aaaaaaaaaaaa"}',
  `{"status":"Digest: ${digestOf(IMAGE)}"}`,
].join('\r\n');
const REFUSED = '{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}\r\n';

const honestly = (value: unknown) => ({ arbitrary: fc.constant(told(value)), weight: 3 });
const falsely = (value: unknown) => ({ arbitrary: lie(mutatedJson(fc.constant(value))), weight: 1 });
const maybe = (value: unknown): fc.Arbitrary<Lie> => fc.oneof(honestly(value), falsely(value));

interface Answers {
  readonly [path: string]: Lie;
}

/** A program has one engine: the kept connections of ten thousand would be more than a process may open. */
const ask = (server: LyingServer, answers: Answers): Engine => {
  server.endIdle();
  server.answer = (method, url) => {
    const path = `${method} ${url.replace(/^\/v[0-9.]+/, '').replace(/\?.*$/, '')}`;
    const found = Object.entries(answers).find(([pattern]) => new RegExp(`^${pattern}$`).test(path));
    return found?.[1];
  };
  return createDockerEngine({ kind: 'unix', socketPath: server.socketPath }, NO_SOURCES, NO_EDGE_HOME);
};

const isText = (value: unknown): boolean => typeof value === 'string';

/** What things are told apart by, and what says whose they are, is of the type that it claims. */
const expectTyped = (actual: Actual): void => {
  const { engine, containers, networks, volumes, images } = actual;
  const texts = [
    engine.id,
    engine.version,
    engine.platform,
    ...containers.flatMap((c) => [c.id, c.name, c.imageId, c.state]),
    ...containers.flatMap(({ owner: o }) => (o ? [o.service, o.release, o.version] : [])),
    ...networks.flatMap((n) => [n.id, n.name]),
    ...volumes.map((v) => v.name),
    ...images.map((i) => i.id),
  ];
  const counts = containers.flatMap(({ owner: o }) => (o ? [o.replica, o.serial, o.restart.maxRetries] : []));
  expect(texts.filter((text) => !isText(text))).toEqual([]);
  expect(counts.filter((count) => !Number.isSafeInteger(count) || count < 0)).toEqual([]);
};

const COMPOSE = `
services:
  web:
    image: org/web
    restart: always
    ports: ["80:8888"]
    volumes: ["data:/data"]
volumes: { data: {} }
`;

describe('whatever an engine says of itself', () => {
  it(
    'is a clear error, or a state of the host that can be planned on',
    async () => {
      const server = await startLyingServer('socket');
      const answers = fc.record<Answers>({
        'GET /version': fc.oneof({ arbitrary: fc.constant(told(VERSION)), weight: 8 }, falsely(VERSION)),
        'GET /info': fc.oneof({ arbitrary: fc.constant(told(INFO)), weight: 8 }, falsely(INFO)),
        'GET /containers/json': maybe(CONTAINERS),
        'GET /containers/.*/json': maybe(INSPECTED),
        'GET /networks': maybe(NETWORKS),
        'GET /images/json': maybe(IMAGES),
        'GET /volumes': maybe(VOLUMES),
      });
      await fuzzAsync(answers, async (said) => {
        const engine = ask(server, said);
        const actual = await orRefused(
          engine.observe({ environment: ENVIRONMENT, replaces: ['other'] }, signal),
        );
        if (!actual) return;
        expectTyped(actual);
        const plan = planHost(planInput({ compose: COMPOSE, versions: { web: IMAGE }, actual }));
        expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
      });
    },
    PATIENCE_MS,
  );
});

/** What a tag means is what a registry calls it; an image that is only here is called as the engine likes. */
const expectMeaning = (meaning: TagMeaning | undefined): void => {
  expect(meaning?.kind === 'digest' ? meaning.digest : DIGEST).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(meaning?.kind === 'local' ? typeof meaning.imageId : 'string').toBe('string');
};

const reference = parseImage(IMAGE);
const pull: EngineAction = {
  kind: 'pull',
  image: {
    reference,
    digest: digestOf(IMAGE),
    imageId: undefined,
    pullPolicy: 'missing',
    platform: undefined,
  },
};

describe('whatever an engine says while it pulls', () => {
  it(
    'is a clear error, or the image that was named',
    async () => {
      const server = await startLyingServer('socket');
      const stream = mangled(fc.constantFrom(PULLED, `${PULLED}\r\n${REFUSED}`, REFUSED));
      const lines = fc
        .array(
          mutated(
            fc.constantFrom<unknown>(...PULLED.split('\r\n').map((line) => JSON.parse(line) as unknown)),
          ),
          { maxLength: 6 },
        )
        .map((list) => Buffer.from(list.map((line) => JSON.stringify(line)).join('\n')));
      const answers = fc.record<Answers>({
        'GET /version': fc.constant(told(VERSION)),
        'GET /info': fc.constant(told(INFO)),
        'POST /images/create': lie(fc.oneof(stream, lines)),
        'GET /images/.*/json': maybe(IMAGES[0]),
        'POST /images/.*/tag': fc.constant({ ...told(''), status: 201 }),
      });
      await fuzzAsync(answers, async (said) => {
        const seen: number[] = [];
        const engine = ask(server, said);
        const pulling = engine
          .apply(
            pull,
            ENVIRONMENT,
            (p) => void seen.push(p.layersDone, p.layersTotal, p.bytesDone, p.bytesTotal),
            signal,
          )
          .then(() => 'pulled');
        const result = await orRefused(pulling);
        expect(seen.filter((count) => !Number.isFinite(count) || count < 0)).toEqual([]);
        if (result === undefined) return;
        // What was inspected after it bears the digest that was named.
        const shown = said['GET /images/.*/json']?.body.toString('utf8') ?? '';
        expect(shown).toContain(digestOf(IMAGE));
      });
    },
    PATIENCE_MS,
  );
});

describe('whatever an engine answers to a small question', () => {
  const log = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 6]), Buffer.from('hello\n')]);
  const answers = fc.record<Answers>({
    'GET /version': fc.constant(told(VERSION)),
    'GET /info': fc.constant(told(INFO)),
    'GET /distribution/.*/json': maybe({ Descriptor: { digest: digestOf(IMAGE), size: 1 }, Platforms: [] }),
    'GET /images/.*/json': maybe(IMAGES[0]),
    'GET /containers/.*/json': maybe(INSPECTED),
    'GET /containers/.*/logs': lie(mangled(fc.constant(log))),
    'GET /events': lie(
      mangled(
        fc.constant(
          '{"Type":"container","Action":"die","Actor":{"ID":"c"}}\n{"Type":"image","Action":"pull"}\n',
        ),
      ),
    ),
  });

  it(
    'is a clear error or what was asked for',
    async () => {
      const server = await startLyingServer('socket');
      await fuzzAsync(answers, async (said) => {
        const engine = ask(server, said);
        const tag = {
          reference,
          digest: undefined,
          imageId: undefined,
          pullPolicy: 'missing',
          platform: undefined,
        } as const;
        const meaning = await orRefused(engine.resolveTag(tag, signal));
        expectMeaning(meaning);
        const lines = await engine.lastLines(ID, 20, signal);
        expect(lines.length <= 20 && lines.every((line) => isText(line) && !line.includes('\n'))).toBe(true);
        await orRefused(engine.watch(() => undefined, AbortSignal.timeout(5_000)));
      });
    },
    PATIENCE_MS,
  );
});
