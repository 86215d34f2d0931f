import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../../src/core/errors.ts';
import { parseImage } from '../../../../../src/core/image/reference.ts';
import { edgeSetting } from '../../../../support/world.ts';
import { createSimulatedAgent, outcome, outcomesOf } from '../../../../support/simulated-agent.ts';
import { deploy, running, web, type Scenario } from '../scenario.ts';
import { byName, deployed, EDGE_IMAGE, rotation, scene, startFirst } from './scenes.ts';

const edgeName = ({ engine }: Scenario): string => engine.actual().containers.find((c) => c.edge)?.name ?? '';
const GOOD = ['web:8888 web 1 ready [web 1]'];

describe('an edge', () => {
  it('that was killed comes back by itself, with the servers of its file', async () => {
    const s = await deployed();
    s.engine.byHand.kill(edgeName(s));
    await s.agent.settle();
    expect(s.since()).toEqual([]);
    expect(rotation(s.engine)).toEqual(GOOD);
  });

  it('that was removed while old ones drain comes back with those that have taken over', async () => {
    const s = await deployed(startFirst({ update: 'failure_action: rollback' }));
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    while (!s.agent.steps.includes('drain web 1')) await s.agent.tick();
    s.engine.byHand.remove(edgeName(s));
    s.since();
    while (!s.agent.steps.slice(-1)[0]?.startsWith('start edge')) await s.agent.tick();
    expect(s.since().find((step) => step.startsWith('edge-write'))).toBe('edge-write web:8888=web 2');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
  });

  it('that was killed while a release bakes ends as if it had not been', async () => {
    const s = await deployed();
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    while (!s.agent.steps.includes('drain web 1')) await s.agent.tick();
    s.engine.byHand.kill(edgeName(s));
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]']);
  });

  it.each(['stop', 'pause', 'remove'] as const)('is there again after a docker %s', async (how) => {
    const s = await deployed();
    s.engine.byHand[how](edgeName(s));
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(GOOD);
  });

  it('forgets servers whose containers are gone', async () => {
    const s = await deployed(startFirst({ replicas: 2 }));
    const gone = s.engine.actual().containers.find((c) => c.owner?.replica === 2);
    s.engine.byHand.remove(gone?.name ?? '');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready, web:8888 web.2 1 ready [web 1, web.2 1]']);
  });

  it('that cannot be asked keeps everything as it is until it answers', async () => {
    const s = await deployed();
    s.engine.byHand.silence(true);
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    for (let n = 0; n < 100; n += 1) await s.agent.tick();
    expect(running(s)).toContain('web 1');
    expect(rotation(s.engine)).toEqual(GOOD);
    s.engine.byHand.silence(false);
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]']);
  });

  it.each(['host', 'publish'] as const)(
    'that never answers is told, and nothing of the old release is stopped for it: %s',
    async (mode) => {
      const s = scene(startFirst({ order: 'stop-first' }));
      s.engine.registry.push(EDGE_IMAGE, { deaf: true });
      await deploy(s, web('1'));
      s.agent.wish = {
        ...s.agent.wish,
        compose: startFirst(),
        more: { edge: { ...edgeSetting, mode } },
      };
      const plan = await s.agent.settle();
      expect([outcome(plan.edge?.decision), ...Object.values(outcomesOf(plan))]).toEqual([
        'blocked edge',
        'blocked edge',
      ]);
      expect(s.agent.steps.filter((step) => step.startsWith('stop'))).toEqual([]);
      expect(running(s)).toContain('web 1');
    },
  );

  it('whose next image never answers keeps its ports in publish mode', async () => {
    const s = scene();
    const publish = { ...edgeSetting, mode: 'publish' as const };
    s.agent.wish = { ...s.agent.wish, more: { edge: publish } };
    await deploy(s, web('1'));
    const bad = parseImage('docker.io/library/haproxy:bad');
    s.engine.registry.push('docker.io/library/haproxy:bad', { deaf: true });
    const image = { ...publish.image, reference: bad, digest: undefined };
    s.agent.wish = { ...s.agent.wish, more: { edge: { ...publish, image } } };
    const plan = await s.agent.settle();
    expect(outcome(plan.edge?.decision)).toBe('blocked edge');
    // It might have lost its sockets: it was tried twice.
    expect(rotation(s.engine)).toEqual([...GOOD, ' []', ' []']);
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]', ' []', ' []']);
  });

  it.each(['loseSockets', 'loseFile', 'loseFolder'] as const)(
    'whose next image has just shown that it runs is replaced all the same: %s',
    async (how) => {
      const s = await deployed();
      s.engine.registry.push('docker.io/library/haproxy:next');
      const reference = parseImage('docker.io/library/haproxy:next');
      s.agent.wish = {
        ...s.agent.wish,
        more: { edge: { ...edgeSetting, image: { ...edgeSetting.image, reference } } },
      };
      while (s.agent.steps.at(-1) !== 'start edge') await s.agent.tick();
      s.engine.byHand[how]();
      const plan = await s.agent.settle();
      expect(outcome(plan.edge?.decision)).toBe('converged');
      expect(rotation(s.engine)).toEqual(GOOD);
    },
  );

  it('whose sockets were removed makes room for another one', async () => {
    const s = await deployed();
    s.engine.byHand.loseSockets();
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]']);
  });

  it.each(['loseSockets', 'loseFolder'] as const)(
    'that nobody needs any more goes before what it sends to: %s',
    async (how) => {
      const s = await deployed();
      s.engine.byHand[how]();
      s.agent.wish = { ...s.agent.wish, compose: byName('stop-first') };
      expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
      const steps = s.since();
      expect(steps).toContain('stop edge');
      expect(steps.indexOf('stop edge')).toBeLessThan(steps.indexOf('stop web 1'));
    },
  );

  it.each(['loseSockets', 'loseFile', 'loseFolder'] as const)(
    'that was killed, and has nothing to come back with, makes room for another one: %s',
    async (how) => {
      const s = await deployed();
      s.engine.byHand.kill(edgeName(s));
      s.engine.byHand[how]();
      expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
      expect(rotation(s.engine)).toEqual(GOOD);
    },
  );

  it('whose file was removed makes room for another one', async () => {
    const s = await deployed();
    s.engine.byHand.loseFile();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since().filter((step) => step.includes('✗'))).toEqual([]);
    expect(rotation(s.engine)).toEqual(GOOD);
  });

  it('that dies in the middle of a step is waited for', async () => {
    const s = await deployed();
    const error = new AgentError('EDGE_UNREACHABLE', 'it does not run', { retry: 'later' });
    s.engine.fail({ kind: 'edge-add-server', error, times: 1 });
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    const told = new Set<string>();
    for (let n = 0; n < 300; n += 1) told.add(JSON.stringify(outcomesOf(await s.agent.tick())));
    expect([...told]).toContain('{"web":"wait edge"}');
    expect([...told]).not.toContain('{"web":"wait back-off"}');
  });

  it('whose folder was removed makes room for another one', async () => {
    const s = await deployed();
    s.engine.byHand.loseFolder();
    s.agent.wish = { ...s.agent.wish, versions: web('2'), published: { serial: 2 } };
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]']);
  });

  it('in a network of its own joins it again', async () => {
    const s = scene();
    s.agent.wish = { ...s.agent.wish, more: { edge: { ...edgeSetting, mode: 'publish' } } };
    await deploy(s, web('1'));
    s.since();
    s.engine.byHand.disconnect(edgeName(s), 'test_edge');
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(s.since()).toEqual(['connect edge test_edge']);
  });

  it('whose image cannot be had keeps nobody waiting for it', async () => {
    const s = await deployed(startFirst({ order: 'stop-first' }));
    const error = new AgentError('REGISTRY', 'cannot pull haproxy: 503', { retry: 'later' });
    s.engine.fail({ kind: 'pull', error, times: 100, name: 'haproxy:3.2' });
    s.agent.wish = { ...s.agent.wish, compose: startFirst() };
    const told = new Set<string>();
    for (let n = 0; n < 200; n += 1) {
      told.add(JSON.stringify(outcomesOf(await s.agent.tick())));
      s.engine.advance(100);
    }
    expect([...told].at(-1)).toBe('{"web":"wait back-off"}');
    expect(running(s)).toContain('web 1');
  });
});

describe('a host with an edge', () => {
  it('is as it was after the engine has restarted', async () => {
    const s = await deployed(startFirst({ replicas: 2 }));
    s.engine.restartDaemon();
    expect(outcomesOf(await s.agent.settle())).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 1 ready, web:8888 web.2 1 ready [web 1, web.2 1]']);
  });

  it('changes nothing while a hold stops everything', async () => {
    const s = await deployed();
    const hold = { reason: 'look', owner: 'ops', sinceMs: s.engine.now(), untilMs: undefined, all: true };
    s.agent.ledger = { ...s.agent.ledger, hold };
    s.engine.byHand.remove(edgeName(s));
    expect(outcomesOf(await deploy(s, web('2')))).toEqual({ web: 'wait hold' });
    expect(s.since()).toEqual([]);
  });

  it('keeps what serves when its ledger is lost, and goes on with the next release', async () => {
    const s = await deployed();
    const agent = createSimulatedAgent(s.engine, { ...s.agent.wish, versions: web('2') });
    expect(outcomesOf(await agent.settle())).toEqual({ web: 'converged' });
    expect(rotation(s.engine)).toEqual(['web:8888 web 2 ready [web 2]']);
  });
});
