import { randomBytes } from 'node:crypto';
import { access, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { SERVICE_KEYS } from '../../src/core/compose/service-keys.ts';
import { sharedDocker } from '../support/context.ts';
import { flavours } from '../support/flavours.ts';
import { createImagePusher } from '../support/images.ts';
import { FOREIGN_LABEL, removeEnvironment } from '../support/leftovers.ts';
import { withOracle } from '../support/oracle-compose.ts';
import { type Difference, type Explanation, compareFacts, explain } from '../support/oracle-difference.ts';
import { type Facts, factsOfContainer, factsOfNetwork, factsOfVolume } from '../support/oracle-facts.ts';
import { engineAt, withOwnPath } from '../support/oracle-supercargo.ts';
import { freePort } from '../support/ports.ts';

const fixtures = join(import.meta.dirname, 'fixtures', 'compose');
const names = (await readdir(fixtures)).toSorted();

/** Machines that run tests may not be allowed to give every right away: these are compared before their start. */
const CREATED_ONLY = new Set(['privileged']);

/** Every difference between the two that is meant. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    path: /^Config\.Labels\.io\.supercargo\./,
    why: 'ours: owner and release',
  },
  {
    path: /^Config\.Labels\.com\.docker\.compose\.(?:config-hash|version|project\.config_files|project\.working_dir)$/,
    why: "Compose's own: it would take the container for its own and recreate it",
  },
  {
    path: /^Config\.Labels\.com\.docker\.compose\.project$/,
    why: 'supercargo-ENVIRONMENT: tools group by it, and `docker-compose down` in the same folder must not match',
  },
  {
    path: /^Config\.StopTimeout$/,
    why: 'always said, so that whoever stops the container gives it the declared grace',
    when: ({ compose, supercargo }) => compose === undefined && supercargo === 10,
  },
  {
    path: /^HostConfig\.RestartPolicy\.Name$/,
    why: '"no" is said where Compose says nothing: the same to the engine',
    when: ({ compose, supercargo }) => compose === undefined && supercargo === 'no',
  },
  {
    path: /^Config\.Env$/,
    why: 'a name that nothing gives a value is left out; Compose says it without "=", which takes away what the image says',
    when: ({ compose, supercargo }) =>
      isDeepStrictEqual(
        (compose as string[]).filter((entry) => entry !== '"ABSENT_EVERYWHERE"'),
        supercargo,
      ),
  },
  {
    path: /^Config\.Volumes$/,
    why: 'Compose lists the targets of short-form mounts here too; the engine takes the mount',
    when: ({ compose, supercargo }) =>
      ((supercargo as string[] | undefined) ?? []).every((target) => (compose as string[]).includes(target)),
  },
  {
    path: /^HostConfig\.Binds\.\S+\.options$/,
    why: 'rw is said where Compose leaves it out',
    when: ({ compose, supercargo }) => supercargo === `rw,${String(compose)}`,
  },
  {
    path: /^HostConfig\.(?:Binds|Mounts)\.\/(?:named|www)\./,
    why: 'a named volume is a bind by its name in the short and in the long form: both are one spec and one hash',
    when: ({ of }) => of === 'long/1',
  },
  {
    path: /^HostConfig\.SecurityOpt$/,
    why: 'a seccomp profile is the same JSON without spaces',
    when: ({ compose, supercargo }) =>
      isDeepStrictEqual(
        (compose as string[]).map((option) => option.replaceAll(' ', '')),
        supercargo,
      ),
  },
  {
    path: /^Networks\.[^.]+\.Links$/,
    why: 'a link is an alias of the linked service: it stays right when that gets another container',
    when: ({ of, supercargo }) => of === 'second/1' && supercargo === undefined,
  },
  {
    path: /^Networks\.[^.]+\.Aliases$/,
    why: 'the alias of a link',
    when: ({ of, compose, supercargo }) =>
      of === 'first/1' &&
      isDeepStrictEqual(
        compose,
        (supercargo as string[]).filter((alias) => alias !== '"alias"'),
      ),
  },
  {
    path: /^Mounts\.\/(?:named|named-z|www)\.Mode$/,
    why: 'how the mount was written; RW and Propagation, which are equal, say what came of it',
  },
  {
    path: /^Labels\.(?:io\.supercargo\.|com\.docker\.compose\.(?:project|version)$)/,
    why: 'of networks and volumes: owner and definition',
  },
  {
    path: /^Attachable$/,
    why: 'Compose 1 makes every network attachable, which means something to a swarm only; Compose 2 does as the file says',
    when: ({ compose, supercargo }) => compose === true && supercargo === false,
  },
];

/** Of a network with fixed addresses. */
const SUBNET = '10.231.77';

const docker = sharedDocker();
const prefix = `oracle${randomBytes(3).toString('hex')}`;
const images = {
  web: `${prefix}-web:1.0.0`,
  healthy: `${prefix}-healthy:1.0.0`,
  stateful: `${prefix}-stateful:1.0.0`,
};
const imageNames: Record<string, string> = {};
const found: Difference[] = [];

beforeAll(async () => {
  const { load } = createImagePusher();
  for (const [kind, name] of Object.entries(images)) {
    const id = await load(docker, [name], '1.0.0', flavours[kind as keyof typeof images]);
    imageNames[name] = imageNames[id] = `<image ${kind}>`;
  }
  await docker.createNetwork({ Name: `${prefix}-shared`, Labels: { 'supercargo-test': prefix } });
  const neighbour = await docker.createContainer({
    name: `${prefix}-neighbour`,
    Image: images.web,
    Labels: { [FOREIGN_LABEL]: prefix },
    HostConfig: { IpcMode: 'shareable' },
  });
  await neighbour.start();
});

afterAll(async () => {
  await removeEnvironment(docker, prefix);
  await docker.getNetwork(`${prefix}-shared`).remove();
  for (const name of Object.values(images)) await docker.getImage(name).remove({ force: true });
});

/** The fixture in a folder of its own, with the values of this run in `.env`, which both sides read. */
const prepare = async (name: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-oracle-'));
  await cp(join(fixtures, name), folder, { recursive: true });
  const values = {
    WEB: images.web,
    HEALTHY: images.healthy,
    STATEFUL: images.stateful,
    PREFIX: prefix,
    NEIGHBOUR: `${prefix}-neighbour`,
    PLATFORM: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    SUBNET,
    // The engine's default, because Compose 1.29 has no word for it.
    CGROUP: ((await docker.info()) as { CgroupVersion?: string }).CgroupVersion === '2' ? 'private' : 'host',
    PORT_1: await freePort(),
    PORT_2: await freePort(),
    PORT_3: await freePort(),
    GIVEN: 'from .env',
  };
  await writeFile(
    join(folder, '.env'),
    Object.entries(values)
      .map(([key, value]) => `${key}=${String(value)}\n`)
      .join(''),
  );
  return folder;
};

const inspectNamed = async (owner: string): Promise<readonly Facts[]> => {
  const isOwn = ({ Name }: { Name: string }): boolean => Name.startsWith(`${owner}_`);
  const networks = (await docker.listNetworks()).filter(isOwn);
  const volumes = (await docker.listVolumes()).Volumes.filter(isOwn);
  const options = { prefix: owner, imageNames };
  return [
    ...networks.map((network) => factsOfNetwork(network, options, SUBNET)),
    ...volumes.map((volume) => factsOfVolume(volume, options)),
  ];
};

const lookAt =
  (owner: string) =>
  async (ids: readonly string[]): Promise<readonly Facts[]> => {
    const inspected = await Promise.all(ids.map(async (id) => docker.getContainer(id).inspect()));
    const options = { prefix: owner, imageNames };
    return [...inspected.map((i) => factsOfContainer(i, options)), ...(await inspectNamed(owner))];
  };

const isThere = async (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const differencesIn = async (name: string): Promise<readonly Difference[]> => {
  const folder = await prepare(name);
  try {
    const dockerHost = inject('dockerHost');
    const project = `${prefix}${name}`;
    const environment = `${prefix}${name}`;
    const file = (await isThere(join(folder, 'oracle.yaml'))) ? 'oracle.yaml' : 'compose.yaml';
    // One after the other: they publish the same ports and use the same names and addresses.
    const isStarted = !CREATED_ONLY.has(name);
    const oracle = { docker, dockerHost, folder, file, project, isStarted };
    const compose = await withOracle(oracle, lookAt(project));
    const own = { docker, engine: engineAt(dockerHost), environment, folder, isStarted };
    return compareFacts(compose, await withOwnPath(own, lookAt(environment)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const show = ({ of, path, compose, supercargo }: Difference): string =>
  `${of} ${path}: ${JSON.stringify(compose) ?? 'nothing'} became ${JSON.stringify(supercargo) ?? 'nothing'}`;

interface ComposeDocument {
  readonly services: Readonly<Record<string, object>>;
}

describe('a container that supercargo creates is the one that docker-compose creates', () => {
  it.each(names)('%s', async (name) => {
    const differences = await differencesIn(name);
    found.push(...differences);
    expect(differences.filter((difference) => !explain(difference, EXPLANATIONS)).map(show)).toEqual([]);
  });

  it('in every setting that the compose format has', async () => {
    const documents = await Promise.all(
      names.map(
        async (name) =>
          parse(await readFile(join(fixtures, name, 'compose.yaml'), 'utf8')) as ComposeDocument,
      ),
    );
    const used = new Set(documents.flatMap(({ services }) => Object.values(services).flatMap(Object.keys)));
    expect([...used].toSorted()).toEqual(Object.keys(SERVICE_KEYS).toSorted());
  });

  it('and every difference that is explained exists', () => {
    const unused = EXPLANATIONS.filter(
      (explanation) => !found.some((difference) => explain(difference, [explanation])),
    );
    expect(unused.map(({ why }) => why)).toEqual([]);
  });
});
