import { describe, expect, it } from 'vitest';
import { AgentError } from '../../src/core/errors.ts';
import { outcomesOf } from '../support/simulated-agent.ts';
import { images, startFirst } from '../unit/core/plan/edge/scenes.ts';
import { running, scenario, web } from '../unit/core/plan/scenario.ts';
import { pick } from './moments.ts';
import {
  DAY_MS,
  momentsOf,
  play,
  SCENES,
  type Scene,
  type SceneName,
  type Strike,
  type World,
} from './simulated-scene.ts';
import { FAULTS, type FaultName } from './table.ts';

const LONG_MS = 30_000;

const eachOwn =
  (act: (world: World, name: string) => void) =>
  (world: World): void => {
    for (const name of world.own()) act(world, name);
  };

/** As `docker system prune -af`: what does not run, networks and images that nobody uses. */
const prune = ({ engine }: World): void => {
  const { containers } = engine.actual();
  for (const c of containers)
    if (['created', 'exited', 'dead'].includes(c.state)) engine.byHand.remove(c.name);
  const left = engine.actual().containers;
  const used = new Set(left.flatMap((c) => c.detail?.networks.map((n) => n.network) ?? []));
  for (const { name } of engine.actual().networks) if (!used.has(name)) engine.byHand.removeNetwork(name);
  for (const { id } of engine.actual().images)
    if (!left.some((c) => c.imageId === id)) engine.byHand.removeImage(id);
};

const OTHER = 'test_other';

/** As another environment does that comes to the same names: those that are free are its own from now on. */
const takeNames = ({ engine, names }: World): void => {
  const taken = new Set(engine.actual().containers.map((c) => c.name));
  for (const name of names.containers)
    if (!taken.has(name)) engine.byHand.run({ name, otherEnvironment: OTHER });
  for (const name of names.networks) engine.byHand.addNetwork(name, OTHER);
  for (const name of names.volumes) engine.byHand.addVolume(name, OTHER);
};

const isOther = (o: { readonly otherEnvironment?: string | undefined }): boolean =>
  o.otherEnvironment === OTHER;

/** @throws where a container of ours has anything of it. */
const giveNamesBack = ({ engine }: World): void => {
  const { containers, networks, volumes } = engine.actual();
  const theirs = new Set([...networks, ...volumes].filter(isOther).map((o) => o.name));
  const users = containers.filter((c) =>
    [
      ...(c.detail?.networks.map((n) => n.network) ?? []),
      ...(c.detail?.volumes.map((v) => v.name) ?? []),
    ].some((name) => theirs.has(name)),
  );
  if (users.length > 0) throw new Error(`${users.map((c) => c.name).join(', ')} uses what is not ours`);
  for (const { name } of containers.filter(isOther)) engine.byHand.remove(name);
  for (const { name } of networks.filter(isOther)) engine.byHand.removeNetwork(name);
  for (const { name } of volumes.filter(isOther)) engine.byHand.removeVolume(name);
};

const full = (kind: 'pull' | 'create'): Parameters<World['engine']['fail']>[0] => ({
  kind,
  times: 3,
  error: new AgentError('DISK_FULL', 'no space left on device', { retry: 'changed' }),
});

const STRIKES: Partial<Record<FaultName, Strike>> = {
  'agent-killed': { begin: () => undefined, killsAgent: true },
  'agent-stopped': { begin: ({ engine }) => engine.advance(600_000) },
  'engine-killed': { begin: ({ engine }) => engine.restartDaemon() },
  'engine-slow': { begin: ({ engine }) => engine.advance(2_500) },
  'engine-gone': {
    begin: ({ engine }) => engine.setOffline(true),
    lastsMs: LONG_MS,
    end: ({ engine }) => engine.setOffline(false),
  },
  'engine-full': {
    begin: ({ engine }) => {
      engine.fail(full('pull'));
      engine.fail(full('create'));
    },
  },
  'logs-gone': {
    begin: ({ engine }) => engine.setLogServer(false),
    lastsMs: LONG_MS,
    end: ({ engine }) => engine.setLogServer(true),
  },
  'edge-killed': {
    begin: ({ engine, edges }) => {
      for (const name of edges()) engine.byHand.kill(name);
    },
  },
  'edge-silent': {
    begin: ({ engine }) => engine.byHand.silence(true),
    lastsMs: 5_000,
    end: ({ engine }) => engine.byHand.silence(false),
  },
  'edge-removed': {
    begin: ({ engine, edges }) => {
      for (const name of edges()) engine.byHand.remove(name);
    },
  },
  'port-lost': {
    begin: ({ engine, edges }) => {
      for (const name of edges()) engine.byHand.kill(name);
      const { containers } = engine.actual();
      const isHeld = containers.some(
        (c) => c.state === 'running' && c.ports.some(({ hostPort }) => hostPort === 80),
      );
      // The kernel gives it to nothing else while one of ours has it.
      if (!isHeld) engine.occupy(80);
    },
    lastsMs: 5_000,
    end: ({ engine }) => engine.release(80),
  },
  'registry-gone': {
    begin: ({ engine }) => engine.registry.setState('down'),
    lastsMs: LONG_MS,
    end: ({ engine }) => engine.registry.setState('up'),
  },
  'registry-denied': {
    begin: ({ engine }) => engine.registry.setState('denied'),
    lastsMs: LONG_MS,
    end: ({ engine }) => engine.registry.setState('up'),
  },
  'clock-forward': { begin: ({ engine }) => engine.advance(DAY_MS) },
  'clock-back': { begin: ({ engine }) => engine.advance(-DAY_MS) },
  'hand-removed': { begin: eachOwn(({ engine }, name) => engine.byHand.remove(name)) },
  'hand-stopped': { begin: eachOwn(({ engine }, name) => engine.byHand.stop(name)) },
  'hand-renamed': { begin: eachOwn(({ engine }, name) => engine.byHand.rename(name, `${name}-mine`)) },
  'hand-recreated': {
    begin: eachOwn(({ engine }, name) => engine.byHand.recreate(name, 'org/web:3')),
  },
  'hand-network': {
    begin: ({ engine, own }) => {
      for (const { name } of engine.actual().networks) {
        for (const container of own()) engine.byHand.disconnect(container, name);
        engine.byHand.removeNetwork(name);
      }
    },
  },
  'hand-pruned': { begin: prune },
  'hand-restarted': { begin: eachOwn(({ engine }, name) => engine.byHand.restart(name)) },
  'names-taken': { begin: takeNames, lastsMs: 5_000, end: giveNamesBack },
};

const calm = new Map(
  await Promise.all(
    (Object.keys(SCENES) as SceneName[]).map(async (name) => [name, await play(name)] as const),
  ),
);

/** What strikes an edge needs one. */
const OF_AN_EDGE: ReadonlySet<FaultName> = new Set(['port-lost']);

const scenesOf = (fault: FaultName) =>
  [...calm].filter(([name]) => {
    const { compose, faults }: Scene = SCENES[name];
    const isPlace = !OF_AN_EDGE.has(fault) || compose.includes('start-first');
    return isPlace && faults?.includes(fault) !== false;
  });

const strikes = Object.entries(STRIKES) as [FaultName, Strike][];

describe.each(strikes)('%s', (fault, strike) => {
  describe.each(scenesOf(fault))('in the middle of %s', (scene, undisturbed) => {
    const moments = pick(momentsOf(undisturbed.steps));
    it.each(moments)(`$position $step: it ends as without`, async (moment) => {
      const played = await play(scene, strike, moment);
      expect(played.end).toEqual(undisturbed.end);
      expect(played.foreign).toEqual(undisturbed.foreign);
      expect(FAULTS[fault].happens).not.toBe('');
    });
  });
});

const ORDERS = {
  'a first stop-first deploy': startFirst({ order: 'stop-first', ports: '["80:8888"]' }),
  'a first start-first deploy': startFirst(),
};

/** The second version is published after so many looks at the host. */
const LOOKS = Array.from({ length: 12 }, (_, looks) => looks);

describe("'unproved-followed'", () => {
  describe.each(Object.entries(ORDERS))('in the middle of %s', (_, compose) => {
    it.each(pick(LOOKS))('after %i looks: nothing is called good, and nothing is left', async (looks) => {
      const s = scenario(compose, { ...images, 'org/web:mute': { health: 'starting' } });
      s.agent.wish = { ...s.agent.wish, versions: web('mute') };
      for (let count = 0; count < looks; count += 1) await s.agent.tick();
      s.agent.wish = { ...s.agent.wish, versions: web('unhealthy'), published: { serial: 2 } };
      expect(outcomesOf(await s.agent.outlast())).toEqual({ web: 'blocked down' });
      expect(running(s).filter((name) => name.startsWith('web'))).toEqual([]);
      expect(s.agent.ledger.services['web']?.good ?? []).toEqual([]);
      expect(FAULTS['unproved-followed'].happens).not.toBe('');
    });
  });
});
