import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { FileContent } from '../../src/core/compose/reader-context.ts';
import { parseDotenv } from '../../src/core/compose/dotenv.ts';
import type { ComposeProject, Service } from '../../src/core/compose/project-model.ts';
import type { ComposeProblem } from '../../src/core/compose/compose-problem.ts';
import { parseProject } from '../../src/core/compose/project.ts';
import { networkHash, specHash, volumeHash } from '../../src/core/compose/release-spec.ts';
import { SERVICE_KEYS } from '../../src/core/compose/service-keys.ts';
import { tryParseImage } from '../../src/core/image/reference.ts';
import { planHost } from '../../src/core/plan/plan-host.ts';
import { resolveHost } from '../../src/core/state/desired.ts';
import { partsOf } from '../support/planted.ts';
import { facts, planInput } from '../support/world.ts';
import { fuzz, PATIENCE_MS } from './cases.ts';
import { mangled, mutated } from './mutate.ts';

const FOLDER = '/etc/supercargo';
const SECRET = Buffer.from('hunter2');

const documents = fc.constantFrom<unknown>(
  {
    services: {
      web: {
        image: 'registry.example.com/org/web',
        restart: 'always',
        ports: ['8080:8888', { target: 9000, published: '9001', protocol: 'udp', host_ip: '127.0.0.1' }],
        environment: { A: '1', B: '${C:-2}' },
        env_file: ['web.env'],
        depends_on: { migrate: { condition: 'service_completed_successfully' } },
        healthcheck: { test: ['CMD', 'true'], interval: '5s', retries: 3 },
        volumes: [
          'data:/data',
          './files:/files:ro',
          { type: 'tmpfs', target: '/tmp', tmpfs: { size: '1m' } },
        ],
        networks: { back: { aliases: ['w'], ipv4_address: '10.1.0.5' } },
        deploy: {
          replicas: 2,
          restart_policy: { condition: 'any' },
          resources: {
            limits: { memory: '64m', cpus: '0.5' },
            reservations: { devices: [{ capabilities: ['gpu'], device_ids: ['0'] }] },
          },
          update_config: { order: 'stop-first', monitor: '2s' },
        },
        secrets: ['password', 'inline'],
        configs: [{ source: 'site', target: '/etc/site' }],
        logging: { driver: 'syslog', options: { tag: 'web' } },
        labels: ['a=b'],
        stop_grace_period: '3s',
        links: ['migrate:job'],
        gpus: [{ driver: 'nvidia', count: 1 }],
        mem_limit: '64m',
        memswap_limit: '128m',
        security_opt: ['seccomp=./profile.json'],
      },
      migrate: {
        image: 'org/migrate:1',
        restart: 'on-failure:3',
        command: 'migrate --now',
        'x-supercargo': { 'version-from': 'web' },
      },
    },
    networks: { back: { ipam: { config: [{ subnet: '10.1.0.0/16' }] } } },
    volumes: { data: { labels: { a: 'b' } } },
    secrets: { password: { file: './password' }, inline: { environment: 'INLINE' } },
    configs: { site: { content: 'a: ${A:-b}' } },
  },
  {
    services: {
      web: {
        image: 'org/web',
        ports: [{ target: 8888, published: '80', app_protocol: 'http' }],
        deploy: {
          replicas: 3,
          update_config: { order: 'start-first', parallelism: 1, failure_action: 'pause' },
        },
        'x-supercargo': { drain: '5s', ready: { http: '/ready', port: 8888 }, 'healthy-within': '9s' },
      },
      api: {
        image: 'org/api:1',
        network_mode: 'host',
        init: true,
        cap_drop: ['ALL'],
        ulimits: { nofile: { soft: 1, hard: 2 } },
        cgroup: 'private',
        userns_mode: 'host',
        runtime: 'runc',
        oom_score_adj: -5,
      },
      old: {
        image: 'org/old:2',
        container_name: 'the-old',
        'x-supercargo': { replaces: 'old-one' },
        ports: ['81:80'],
      },
    },
    'x-supercargo': { 'allow-empty': true },
    name: 'shop',
  },
);

const anyKey = fc
  .tuple(fc.constantFrom(...Object.keys(SERVICE_KEYS)), fc.jsonValue({ maxDepth: 3 }))
  .map(([key, value]) => ({ services: { web: { image: 'org/web', [key]: value } } }));

const texts = fc.oneof(
  { arbitrary: mutated(documents).map((value) => stringify(value ?? null)), weight: 4 },
  {
    arbitrary: mangled(documents.map((value) => stringify(value))).map((bytes) => bytes.toString('utf8')),
    weight: 2,
  },
  { arbitrary: anyKey.map((value) => stringify(value)), weight: 1 },
);

const READ = new Map<string, FileContent>([
  [`${FOLDER}/.env`, { kind: 'text', text: 'INLINE=text\n' }],
  [`${FOLDER}/web.env`, { kind: 'text', text: 'FROM_FILE=yes\n' }],
  [`${FOLDER}/profile.json`, { kind: 'text', text: '{}' }],
  [`${FOLDER}/password`, { kind: 'text', text: SECRET.toString() }],
]);

const expectPorts = ({ container, replicas, update }: Service): readonly string[] =>
  container.ports.map(({ hostAddress, hostPort, containerPort, protocol }) => {
    expect(Number.isInteger(containerPort) && containerPort >= 1 && containerPort <= 65_535).toBe(true);
    expect(['tcp', 'udp', 'sctp']).toContain(protocol);
    if (hostPort === undefined) return '';
    expect(Number.isInteger(hostPort) && hostPort >= 1 && hostPort <= 65_535).toBe(true);
    // Without an edge, one port can be held by one container.
    if (update.order === 'stop-first') expect(replicas).toBeLessThanOrEqual(1);
    return `${hostAddress}|${String(hostPort)}|${protocol}`;
  });

const isClear = ({ line, message, advice }: ComposeProblem): boolean =>
  line >= 1 && /\w/.test(message) && /\w/.test(advice);

/** Of `networkHash` and `volumeHash`. */
const HASH = /^[0-9a-f]{16}$/;

/** What has to hold of every project that is acted on, said otherwise than the parser does. */
const expectRules = (project: ComposeProject): void => {
  const services = Object.values(project.services);
  const names = new Set(Object.keys(project.services));
  const taken: string[] = [];
  for (const service of services) {
    const { container } = service;
    expect(tryParseImage(service.image)).toBeDefined();
    expect(service.name).toMatch(/^[A-Za-z0-9][\w.-]*$/);
    expect(Number.isInteger(service.replicas) && service.replicas >= 0).toBe(true);
    taken.push(...expectPorts(service).filter((key) => key !== ''));
    for (const ms of [
      service.healthyWithinMs,
      service.drainMs,
      container.stopGraceMs,
      service.update.monitorMs,
      service.update.delayMs,
    ])
      expect(Number.isFinite(ms) && ms >= 0).toBe(true);
    for (const { service: other } of service.dependsOn)
      expect(names.has(other) && other !== service.name).toBe(true);
    for (const mount of container.mounts) {
      expect(mount.target.startsWith('/')).toBe(true);
      if (mount.kind === 'bind') expect(mount.source.startsWith('/')).toBe(true);
      if (mount.kind === 'volume') expect(Object.keys(project.volumes)).toContain(mount.name);
    }
    for (const file of container.files ?? []) expect(file.target).toMatch(/^\/[!-~]+$/);
    if (container.networkMode.kind === 'networks')
      for (const { network } of container.networkMode.attachments)
        expect(Object.keys(project.networks)).toContain(network);
    for (const [key, value] of Object.entries(container.environment))
      expect(typeof value === 'string' && !/[=\0]/.test(key)).toBe(true);
    expect(specHash(service, project)).toMatch(/^[\w:]+$/);
  }
  expect(new Set(taken).size).toBe(taken.length);
  const fixed = services.flatMap((s) => s.containerName ?? []);
  expect(new Set(fixed).size).toBe(fixed.length);
  for (const network of Object.values(project.networks)) expect(networkHash(network)).toMatch(HASH);
  for (const volume of Object.values(project.volumes)) expect(volumeHash(volume)).toMatch(HASH);
  expect(hasCycle(project)).toBe(false);
  // A secret's content is known by its hash only.
  expect(JSON.stringify(project)).not.toContain(SECRET.toString());
};

const hasCycle = ({ services }: ComposeProject): boolean => {
  const isAbove = (name: string, trail: readonly string[]): boolean =>
    trail.includes(name) ||
    (services[name]?.dependsOn ?? []).some((d) => isAbove(d.service, [...trail, name]));
  return Object.keys(services).some((name) => isAbove(name, []));
};

const textOf = (project: ComposeProject): string => JSON.stringify(project);

describe('any compose file', () => {
  it(
    'is refused with a place and advice, or keeps every rule and can be planned',
    () => {
      fuzz(texts, (text) => {
        const files = [{ path: `${FOLDER}/compose.yaml`, text }];
        const parsed = parseProject({ folder: FOLDER, files, read: READ });
        const told = parsed.kind === 'errors' ? parsed.errors : [];
        expect(told.filter((problem) => !isClear(problem))).toEqual([]);
        if (parsed.kind === 'errors') return;
        const { project } = parsed;
        expectRules(project);
        // Plain JSON, and the same whenever it is read.
        expect(textOf(JSON.parse(textOf(project)) as ComposeProject)).toBe(textOf(project));
        const input = planInput({ compose: 'services: {}\n' });
        const ledger = input.ledger;
        const { services } = resolveHost({ project, manifest: undefined, ledger, platform: facts.platform });
        const plan = planHost({ ...input, project, desired: services });
        expect(plan.services.map((s) => s.service).toSorted()).toEqual(
          Object.keys(project.services).toSorted(),
        );
      });
    },
    PATIENCE_MS,
  );
});

describe('any env file', () => {
  const valid = fc.constantFrom('A=1\nB="two words"\n# c\nexport C=${A}\nD=\'x\'\n', 'A=1\r\nB=\\n\n');

  it(
    'gives names and text, or says which line is wrong',
    () => {
      fuzz(mangled(valid), (bytes) => {
        const { faults, values } = parseDotenv(bytes.toString('utf8'), () => undefined);
        for (const fault of faults) expect(fault.line).toBeGreaterThanOrEqual(1);
        for (const [name, value] of values)
          expect([typeof value, /[=\0\s]/.test(name)]).toEqual(['string', false]);
      });
    },
    PATIENCE_MS,
  );
});

describe('any value', () => {
  const SHARDS = ['zQ7wVx3K', 'jY8mB2nW', '0042179'];
  const stumbling = fc
    .array(
      fc.constantFrom(
        ...SHARDS,
        ...'$ { } " \' \\ # ! | > & * % @ ` : - ? [ ] , ='.split(' '),
        ' ',
        '${',
        '\t',
      ),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join(''));
  const forms = fc.constantFrom<(value: string) => string>(
    (value) => `environment: {P: ${value}}`,
    (value) => `environment:\n      P: ${value}`,
    (value) => `environment:\n      - P=${value}`,
    (value) => `environment: {P: "${value}"}`,
    (value) => `environment: {P: '${value}'}`,
    (value) => `labels: {P: ${value}}`,
    (value) => `env_file: [secret.env] #${value}`,
  );

  it(
    'of a variable stands in no problem, whatever a parser makes of it',
    () => {
      fuzz(fc.tuple(stumbling, forms), ([value, form]) => {
        const text = `services:\n  web:\n    image: org/web\n    ${form(value)}\n`;
        const secret: FileContent = { kind: 'text', text: `P=${value}\nQ="${value}\n` };
        const read = new Map([...READ, [`${FOLDER}/secret.env`, secret] as const]);
        const parsed = parseProject({
          folder: FOLDER,
          files: [{ path: `${FOLDER}/compose.yaml`, text }],
          read,
        });
        const shown = JSON.stringify(parsed.kind === 'errors' ? parsed.errors : parsed.project.hints);
        expect(SHARDS.flatMap(partsOf).filter((part) => shown.includes(part))).toEqual([]);
      });
    },
    PATIENCE_MS,
  );
});
