import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  asideName,
  containerName,
  keepRepository,
  networkName,
  volumeName,
} from '../../src/core/docker-names.ts';
import { differencesFrom } from '../../src/core/plan/container-drift.ts';
import type { CreateContainer } from '../../src/core/plan/action.ts';
import type { Applied, Engine, EngineAction } from '../../src/core/ports/engine.ts';
import type { Actual, Container } from '../../src/core/state/actual.ts';
import { resolveHost } from '../../src/core/state/desired.ts';
import type { Release } from '../../src/core/state/release.ts';
import { eventually } from './poll.ts';
import { project } from './world.ts';

/** An engine, and two images of its registry. */
export interface ContractSubject {
  readonly engine: Engine;
  /** The same engine, as the agent of another environment sees it. */
  readonly neighbour: Engine;
  /** Nothing of it is on the engine yet. */
  readonly environment: string;
  /** `REPOSITORY:TAG@DIGEST`; serves, and ends promptly when it is stopped. */
  readonly image: string;
  /** The same repository under a tag and digest that nobody pushed. */
  readonly absent: string;
  /** A host port that nobody listens on. */
  readonly port: number;
  /** The network that this running container is in leads somewhere. */
  readonly hasNetwork: (containerId: string) => Promise<boolean>;
  readonly cleanup: () => Promise<void>;
}

const signal = new AbortController().signal;

/** What the simulated engine of the planner's tests and the real one have in common, seen through the port. */
export const engineContract = (title: string, createSubject: () => Promise<ContractSubject>): void => {
  describe(`the engine port: ${title}`, () => {
    let subject: ContractSubject;
    beforeAll(async () => {
      subject = await createSubject();
      await apply({ kind: 'pull', image: releaseOf('web').image });
      await apply({ kind: 'create-network', ...network('back') });
    });
    afterAll(async () => {
      await subject.cleanup();
    });

    const apply = async (action: EngineAction): Promise<Applied> =>
      subject.engine.apply(action, subject.environment, () => undefined, signal);
    const observe = async (): Promise<Actual> =>
      subject.engine.observe({ environment: subject.environment, replaces: [] }, signal);

    const releaseOf = (
      service: string,
      options: { port?: number; image?: string; device?: string; lines?: readonly string[] } = {},
    ): Release => {
      const lines = options.lines ?? ['networks: [back]'];
      const text = `
services:
  ${service}:
    image: ${options.image ?? subject.image}
    restart: always
    stop_grace_period: 5s
${lines.map((line) => `    ${line}\n`).join('')}    volumes: [/cache]
    mem_limit: 64m
${options.port === undefined ? '' : `    ports: ['${String(options.port)}:8888']`}
${options.device === undefined ? '' : `    devices: ['${options.device}']`}
networks:
  back: {}
`;
      const parsed = project(text);
      const { services } = resolveHost({
        project: parsed,
        manifest: undefined,
        ledger: { tags: {}, services: {} },
        platform: 'linux/amd64',
      });
      const desired = services[service];
      if (desired?.kind !== 'release') throw new Error(`no release: ${JSON.stringify(desired)}`);
      return desired.release;
    };

    const network = (logical: string): Omit<Extract<EngineAction, { kind: 'create-network' }>, 'kind'> => {
      const wanted = releaseOf('web').spec.networks['back'];
      if (!wanted) throw new Error('no network back');
      return { name: networkName(subject.environment, logical), network: logical, ...wanted };
    };

    const createAction = async (
      service: string,
      options: {
        port?: number;
        device?: string;
        armed?: boolean;
        carried?: CreateContainer['carried'];
        preflight?: CreateContainer['preflight'];
        lines?: readonly string[];
      } = {},
    ): Promise<CreateContainer> => {
      const release = releaseOf(service, options);
      const { images } = await observe();
      const image = images.find((i) => i.digests.some((d) => d.digest === release.image.digest));
      return {
        kind: 'create',
        name: containerName(subject.environment, service, 1, release.id),
        release,
        replica: 1,
        serial: 7,
        imageId: image?.id ?? ((release.image.digest ?? '') as string as CreateContainer['imageId']),
        armed: options.armed ?? true,
        named: true,
        networks: release.spec.networks['back'] ? { back: network('back').name } : {},
        volumes: {},
        carried: options.carried ?? {},
        ...(options.preflight && { preflight: options.preflight }),
      };
    };

    const find = async (service: string): Promise<Container | undefined> =>
      (await observe()).containers.find((c) => c.owner?.service === service);
    const get = async (service: string): Promise<Container> => {
      const container = await find(service);
      if (!container) throw new Error(`no container of ${service}`);
      return container;
    };
    const created = async (
      service: string,
      options: Parameters<typeof createAction>[1] = {},
    ): Promise<Container> => {
      await apply(await createAction(service, options));
      return get(service);
    };
    const started = async (
      service: string,
      options: Parameters<typeof createAction>[1] = {},
    ): Promise<Container> => {
      const container = await created(service, options);
      await apply({ kind: 'start', container, release: '' });
      return get(service);
    };
    const codeOf = async (action: EngineAction): Promise<unknown> =>
      apply(action).then(
        () => 'no error',
        (error: unknown) => (error as { code?: unknown }).code,
      );

    const restart = async (container: Container): Promise<void> => {
      await apply({ kind: 'stop', container, graceMs: 5_000 });
      await apply({ kind: 'start', container, release: '' });
    };
    const removed = async (container: Container): Promise<void> => {
      await apply({ kind: 'stop', container, graceMs: 5_000 });
      await apply({ kind: 'remove', container });
    };
    const now = async ({ owner }: Container): Promise<Container> => get(owner?.service ?? '');

    /** Others may use the engine too. */
    const ours = async (): Promise<readonly Container[]> =>
      (await observe()).containers.filter(({ name }) => name.startsWith(`${subject.environment}-`));
    /** An engine ends what shares a PID namespace a moment after its donor. */
    const untilState = async (container: Container, state: Container['state']): Promise<void> => {
      await eventually(async () => (await now(container)).state === state, {
        describe: async () => `${container.name} is ${state}, and is ${(await now(container)).state}`,
      });
    };

    const PREFLIGHT = { ports: [], addresses: [], untried: [] };
    const MISSING = '/dev/supercargo-nosuch';

    it('creates a container with a device that is not there, and refuses to start it', async () => {
      const container = await created('odd', { device: MISSING });
      expect(await codeOf({ kind: 'start', container, release: '' })).toBe('ENGINE');
      expect(await get('odd')).toMatchObject({ state: 'created' });
      await apply({ kind: 'remove', container });
    });

    it('creates nothing where a preflight shows that it would not start', async () => {
      const before = (await ours()).length;
      expect(await codeOf(await createAction('odd', { device: MISSING, preflight: PREFLIGHT }))).toBe(
        'ENGINE',
      );
      expect(await ours()).toHaveLength(before);
    });

    it('leaves nothing of a preflight behind, which runs nothing and starts nothing', async () => {
      const before = (await ours()).length;
      await apply(await createAction('odd', { device: '/dev/null', preflight: PREFLIGHT }));
      expect(await ours()).toHaveLength(before + 1);
      const container = await get('odd');
      expect(container).toMatchObject({ state: 'created', detail: { startedAtMs: undefined } });
      await apply({ kind: 'remove', container });
    });

    it('tells what it is', async () => {
      const facts = await subject.engine.facts();
      expect((await observe()).engine).toEqual(facts);
      expect(facts).toMatchObject({
        id: expect.stringMatching(/./),
        platform: expect.stringMatching(/^linux\//),
      });
    });

    it('has an image by its digest and its tag once it is pulled, and pulling it again changes nothing', async () => {
      const { image } = releaseOf('web');
      const imagesNow = async (): Promise<Actual['images']> =>
        (await observe()).images.filter((i) => i.digests.some((d) => d.digest === image.digest));
      const before = await imagesNow();
      expect(before).toEqual([
        {
          id: expect.stringMatching(/^sha256:/),
          tags: [{ repository: image.reference.repository, tag: image.reference.tag }],
          digests: [{ repository: image.reference.repository, digest: image.digest }],
        },
      ]);
      expect(await apply({ kind: 'pull', image })).toEqual({
        kind: 'registry',
        source: image.reference.repository.split('/')[0],
        skipped: [],
      });
      expect(await imagesNow()).toEqual(before);
    });

    it('says IMAGE_NOT_FOUND to a pull of what nobody pushed', async () => {
      expect(await codeOf({ kind: 'pull', image: releaseOf('web', { image: subject.absent }).image })).toBe(
        'IMAGE_NOT_FOUND',
      );
    });

    it('resolves a tag to the digest that the registry serves', async () => {
      const { image } = releaseOf('web');
      const tagged = { ...image, digest: undefined, reference: { ...image.reference, digest: undefined } };
      expect(await subject.engine.resolveTag(tagged, signal)).toEqual({
        kind: 'digest',
        digest: image.digest,
      });
    });

    it('creates a container that is not running, with its labels, policy, network, anonymous volume and limits', async () => {
      const container = await created('fresh');
      const { release } = await createAction('fresh');
      expect(container).toMatchObject({
        name: containerName(subject.environment, 'fresh', 1, release.id),
        state: 'created',
        owner: {
          service: 'fresh',
          replica: 1,
          release: release.id,
          serial: 7,
          version: release.version,
          restart: { name: 'always', maxRetries: 0 },
        },
        otherEnvironment: undefined,
        detail: {
          startedAtMs: undefined,
          finishedAtMs: undefined,
          restartCount: 0,
          health: 'none',
          startFault: undefined,
          restart: { name: 'always', maxRetries: 0 },
          networks: [{ network: network('back').name, ip: '', aliases: ['fresh'] }],
          stopGraceMs: 5_000,
        },
      });
    });

    it('says which container it created, and of one that is not known what it was created with', async () => {
      const action = await createAction('asked', { port: subject.port });
      const applied = await apply(action);
      const container = await get('asked');
      expect(applied).toEqual({ kind: 'container', id: container.id });
      expect(container.imageId).toBe(action.imageId);
      const { environment } = subject;
      const seen = async (known: readonly string[]): Promise<Container | undefined> =>
        (await subject.engine.observe({ environment, replaces: [], known }, signal)).containers.find(
          (c) => c.id === container.id,
        );
      const unknown = await seen([]);
      if (!unknown) throw new Error('no container of asked');
      const release = { release: action.release, imageIds: [container.imageId] };
      expect(differencesFrom(unknown, release)).toEqual([]);
      const { spec } = action.release;
      const other = {
        ...release.release,
        spec: { ...spec, container: { ...spec.container, environment: { MORE: '1' }, command: ['another'] } },
      };
      const imageIds = [`sha256:${'e'.repeat(64)}` as CreateContainer['imageId']];
      expect(differencesFrom(unknown, { release: other, imageIds })).toEqual([
        'image',
        'command',
        'environment',
      ]);
      await apply({ kind: 'remove', container });
    });

    it('creates one without restart policy where another has it', async () => {
      const container = await created('unarmed', { armed: false });
      expect(container.detail?.restart).toEqual({ name: 'no', maxRetries: 0 });
    });

    it('starts a container, twice if need be', async () => {
      const container = await started('starting');
      const { detail } = container;
      await apply({ kind: 'start', container, release: '' });
      const again = await get('starting');
      expect(again).toMatchObject({
        state: 'running',
        detail: { startedAtMs: detail?.startedAtMs, finishedAtMs: undefined },
      });
      expect(again.detail?.networks).toMatchObject([
        { network: network('back').name, ip: expect.stringMatching(/./), aliases: ['starting'] },
      ]);
      expect(again.detail?.volumes).toEqual([
        { target: '/cache', name: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ]);
    });

    it('stops a container, twice if need be; it stays, and tells since when', async () => {
      const container = await started('stopping');
      await apply({ kind: 'stop', container, graceMs: 5_000 });
      const stopped = await get('stopping');
      expect(stopped.state).toBe('exited');
      expect(stopped.detail?.finishedAtMs).toBeGreaterThanOrEqual(stopped.detail?.startedAtMs ?? Infinity);
      expect(stopped.detail?.networks.map((n) => n.ip)).toEqual(['']);
      await apply({ kind: 'stop', container, graceMs: 5_000 });
      expect((await get('stopping')).state).toBe('exited');
    });

    it('starts a stopped container again', async () => {
      const container = await started('again');
      await apply({ kind: 'stop', container, graceMs: 5_000 });
      await apply({ kind: 'start', container, release: '' });
      const { state, detail } = await get('again');
      expect(state).toBe('running');
      expect(detail?.restartCount).toBe(0);
    });

    it('takes a restart policy away and gives it back, while the container runs', async () => {
      const container = await started('armed');
      await apply({ kind: 'disarm', container });
      expect((await get('armed')).detail?.restart).toEqual({ name: 'no', maxRetries: 0 });
      await apply({ kind: 'arm', container, restart: { name: 'on-failure', maxRetries: 3 } });
      expect(await get('armed')).toMatchObject({
        state: 'running',
        detail: { restart: { name: 'on-failure', maxRetries: 3 } },
      });
    });

    it('renames a container, and refuses a name that another has', async () => {
      const container = await created('renamed');
      const other = await created('neighbour');
      const to = asideName(subject.environment, 'renamed', container.id);
      await apply({ kind: 'rename', container, to });
      expect((await get('renamed')).name).toBe(to);
      expect(await codeOf({ kind: 'rename', container, to: other.name })).toBe('NAME_TAKEN');
    });

    it('refuses to create a second container of a name', async () => {
      await created('twice');
      expect(await codeOf(await createAction('twice'))).toBe('NAME_TAKEN');
    });

    it('refuses to create a container from an image that is not here', async () => {
      const action = await createAction('imageless');
      const imageId = `sha256:${'e'.repeat(64)}` as CreateContainer['imageId'];
      expect(await codeOf({ ...action, imageId })).toBe('IMAGE_NOT_FOUND');
    });

    it('refuses to start a container whose port another has, and starts it once that one is gone', async () => {
      const first = await started('first', { port: subject.port });
      const second = await created('second', { port: subject.port });
      const start: EngineAction = { kind: 'start', container: second, release: '' };
      expect(await codeOf(start)).toBe('PORT_TAKEN');
      expect((await get('second')).detail?.startFault).toBeUndefined();
      await apply({ kind: 'stop', container: first, graceMs: 5_000 });
      await apply(start);
      expect((await get('second')).state).toBe('running');
    });

    it('removes a container, twice if need be, and keeps its anonymous volume', async () => {
      const container = await created('removed');
      const volume = container.detail?.volumes[0]?.name ?? '';
      await apply({ kind: 'remove', container });
      expect(await find('removed')).toBeUndefined();
      await apply({ kind: 'remove', container });
      // Neither the file nor the image declares a volume at the other target.
      const next = await created('removed', { carried: { '/cache': volume, '/undeclared': volume } });
      expect(next.detail?.volumes).toEqual([{ target: '/cache', name: volume }]);
    });

    it('creates a network with its owner, connects a container to it, and removes it when nobody uses it', async () => {
      const wanted = network('front');
      await apply({ kind: 'create-network', ...wanted });
      const made = (await observe()).networks.find((n) => n.name === wanted.name);
      expect(made).toEqual({
        id: made?.id,
        name: wanted.name,
        subnets: [expect.stringContaining('/')],
        owner: { network: 'front', hash: wanted.hash },
      });
      const container = await started('connected');
      await apply({
        kind: 'connect',
        container,
        network: wanted.name,
        attachment: { network: 'front', aliases: [] },
        alias: 'connected',
      });
      const names = (await get('connected')).detail?.networks.map((n) => n.network).toSorted();
      expect(names).toEqual([network('back').name, wanted.name].toSorted());
      const remove: EngineAction = { kind: 'remove-network', id: made?.id ?? '', name: wanted.name };
      expect(await codeOf(remove)).toBe('ENGINE');
      await apply({ kind: 'stop', container, graceMs: 5_000 });
      await apply({ kind: 'remove', container });
      await apply(remove);
      await apply(remove);
      expect((await observe()).networks.map((n) => n.name)).not.toContain(wanted.name);
    });

    it('creates one network of a name that two environments want at the same moment', async () => {
      const other = `${subject.environment}_eu`;
      // The first action of an engine's port takes longer.
      for (const logical of ['first', 'second']) {
        const wanted = network(logical);
        const action: EngineAction = { kind: 'create-network', ...wanted };
        await Promise.all([apply(action), subject.neighbour.apply(action, other, () => undefined, signal)]);
        const made = (await observe()).networks.filter((n) => n.name === wanted.name);
        for (const { id, name } of made) await apply({ kind: 'remove-network', id, name });
        expect(made).toHaveLength(1);
      }
    });

    it('creates a container with an address of its own, which nobody finds by name until it rejoins', async () => {
      const wanted = network('edge');
      await apply({ kind: 'create-network', ...wanted, pinned: true });
      const made = (await observe()).networks.find((n) => n.name === wanted.name);
      const ip = made?.subnets[0]?.replace(/\d+\/\d+$/, '5') ?? '';
      await apply({
        ...(await createAction('quiet')),
        named: false,
        edge: { network: wanted.name, ip },
      });
      const endpoints = async () => (await get('quiet')).detail?.networks ?? [];
      const back = async () => (await endpoints()).find((n) => n.network === network('back').name);
      // Engines before API 1.44 give it one network at its creation.
      if (!(await back()))
        await apply({
          kind: 'connect',
          container: await get('quiet'),
          network: network('back').name,
          attachment: { network: 'back', aliases: [] },
          alias: undefined,
        });
      await apply({ kind: 'start', container: await get('quiet'), release: '' });
      expect((await endpoints()).find((n) => n.network === wanted.name)).toMatchObject({
        ip,
        fixedIps: [ip],
      });
      expect((await back())?.aliases).not.toContain('quiet');
      await apply({
        kind: 'rejoin',
        container: await get('quiet'),
        network: network('back').name,
        attachment: { network: 'back', aliases: ['also'] },
        alias: 'quiet',
      });
      expect((await back())?.aliases).toEqual(expect.arrayContaining(['quiet', 'also']));
      expect((await back())?.ip).not.toBe('');
      const container = await get('quiet');
      await apply({ kind: 'stop', container, graceMs: 5_000 });
      // It keeps its address while it is down.
      expect((await endpoints()).find((n) => n.network === wanted.name)?.fixedIps).toEqual([ip]);
      await apply({ kind: 'remove', container });
      await apply({ kind: 'remove-network', id: made?.id ?? '', name: wanted.name });
    });

    it('creates a volume once, and keeps it as it is', async () => {
      const name = volumeName(subject.environment, 'state');
      const definition = { fixedName: undefined, external: false, driverOptions: {}, labels: {} };
      const action: EngineAction = { kind: 'create-volume', name, volume: 'state', hash: 'abc', definition };
      await apply(action);
      await apply(action);
      const volumes = (await observe()).volumes.filter((v) => v.name === name);
      expect(volumes).toEqual([{ name, owner: { volume: 'state', hash: 'abc' } }]);
    });

    describe.each([
      ['network', 'network_mode'],
      ['ipc', 'ipc'],
      ['pid', 'pid'],
    ] as const)('a container that joins the %s namespace of another', (namespace, key) => {
      /** Its port is not the donor's: they may have one network. */
      const linesOf = (donor: string): readonly string[] => [
        `${key}: container:${donor}`,
        "environment: { PORT: '8889' }",
        ...(namespace === 'network' ? [] : ['networks: [back]']),
      ];
      const joined = async (test: string): Promise<{ donor: Container; guest: Container }> => {
        const donor = await started(`donor-${namespace}-${test}`, {
          lines: ['networks: [back]', ...(namespace === 'ipc' ? ['ipc: shareable'] : [])],
        });
        const lines = linesOf(donor.name);
        return { donor, guest: await started(`guest-${namespace}-${test}`, { lines, armed: false }) };
      };
      it('has its id, whatever its name is by then', async () => {
        const { donor, guest } = await joined('renamed');
        expect(guest.detail?.joined).toEqual({ [namespace]: donor.id });
        expect(donor.detail?.joined).toBeUndefined();
        await apply({ kind: 'rename', container: donor, to: `${donor.name}-other` });
        await restart(guest);
        expect(await now(guest)).toMatchObject({
          state: 'running',
          detail: { joined: { [namespace]: donor.id } },
        });
        for (const container of [guest, donor]) await removed(container);
      });

      it('is left in a dead one when that is restarted, until it is restarted as well', async () => {
        const { donor, guest } = await joined('restarted');
        expect(await subject.hasNetwork(guest.id)).toBe(true);
        await restart(donor);
        await untilState(guest, namespace === 'pid' ? 'exited' : 'running');
        const left = await now(guest);
        const [donorMs, guestMs] = [(await now(donor)).detail?.startedAtMs, left.detail?.startedAtMs];
        expect(donorMs).toBeGreaterThan(guestMs ?? Infinity);
        expect(await subject.hasNetwork(guest.id)).toBe(namespace === 'ipc');
        await restart(guest);
        expect((await now(guest)).detail?.startedAtMs).toBeGreaterThanOrEqual(donorMs ?? Infinity);
        expect(await subject.hasNetwork(guest.id)).toBe(true);
        for (const container of [guest, donor]) await removed(container);
      });

      it('is left in a dead one when that is removed, and can not be started any more', async () => {
        const { donor, guest } = await joined('removed');
        await removed(donor);
        await untilState(guest, namespace === 'pid' ? 'exited' : 'running');
        expect(await subject.hasNetwork(guest.id)).toBe(namespace === 'ipc');
        await apply({ kind: 'stop', container: guest, graceMs: 5_000 });
        expect(await codeOf({ kind: 'start', container: guest, release: '' })).toBe('ENGINE');
        await removed(guest);
      });

      it('can not be started while that does not run', async () => {
        const { donor, guest } = await joined('stopped');
        for (const container of [guest, donor]) await apply({ kind: 'stop', container, graceMs: 5_000 });
        expect(await codeOf({ kind: 'start', container: guest, release: '' })).toBe('ENGINE');
        for (const container of [guest, donor]) await removed(container);
      });

      it('can not be started where there is no such container', async () => {
        const lines = linesOf(`${subject.environment}-nobody`);
        const create = await createAction(`lonely-${namespace}`, { lines });
        // An engine looks for the donor of a network at the start.
        const isMade = namespace === 'network';
        expect(await codeOf(create)).toBe(isMade ? 'no error' : 'ENGINE');
        const container = await find(`lonely-${namespace}`);
        expect(container?.detail?.joined).toEqual(
          isMade ? { network: `${subject.environment}-nobody` } : undefined,
        );
        const answer = container && (await codeOf({ kind: 'start', container, release: '' }));
        expect(answer).toBe(isMade ? 'ENGINE' : undefined);
      });
    });

    it('changes limits of a running container', async () => {
      const container = await started('limited');
      const { enforces } = await subject.engine.facts();
      if (!enforces.includes('memoryBytes')) return;
      await apply({ kind: 'limit', container, limits: { memoryBytes: 32 * 1024 ** 2 } });
      expect((await get('limited')).detail?.limits.memoryBytes).toBe(32 * 1024 ** 2);
    });

    it('tags an image, removes a tag and keeps the image while it has another', async () => {
      const { image } = releaseOf('web');
      const tagsNow = async (): Promise<readonly string[] | undefined> =>
        (await observe()).images
          .find((i) => i.digests.some((d) => d.digest === image.digest))
          ?.tags.map((t) => t.tag)
          .toSorted();
      const { imageId } = await createAction('web');
      if (imageId === undefined) throw new Error('the image is not here');
      const repository = keepRepository(subject.environment);
      await apply({ kind: 'tag-image', imageId, repository, tag: 'web-1' });
      await apply({ kind: 'tag-image', imageId, repository, tag: 'web-1' });
      expect(await tagsNow()).toEqual([image.reference.tag ?? '', 'web-1'].toSorted());
      await apply({ kind: 'remove-image', imageId, references: [`${repository}:web-1`] });
      await apply({ kind: 'remove-image', imageId, references: [`${repository}:web-1`] });
      expect(await tagsNow()).toEqual([image.reference.tag]);
    });

    it('calls back when something happens, and its stream ends when it is told to', async () => {
      const stop = new AbortController();
      let events = 0;
      const ended = subject.engine.watch(() => {
        events += 1;
      }, stop.signal);
      await eventually(
        async () => {
          if (events > 0) return true;
          await created(`event${String(Date.now())}`);
          return false;
        },
        { describe: () => 'an event of a created container' },
      );
      stop.abort();
      await ended;
      expect(events).toBeGreaterThan(0);
    });

    it('says the same of a quiet host twice', async () => {
      const first = await observe();
      const second = await observe();
      expect(second.containers.filter((c) => c.owner)).toEqual(first.containers.filter((c) => c.owner));
    });
  });
};
