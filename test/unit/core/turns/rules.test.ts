import { describe, expect, it } from 'vitest';
import { createScene, digestOf, named, type Scene } from './scene.ts';

const answerOf = (scene: Scene, host: string) => scene.ask(host).answer;
const messageOf = (scene: Scene, host: string) => scene.ask(host).refused[0]?.message;

const grantedNow = (scene: Scene): readonly string[] =>
  named(6).filter((host) => answerOf(scene, host) === 'granted');

/** A new version on hosts that have read it. */
const published = (count: number, pace: Parameters<typeof createScene>[1] = {}): Scene => {
  const scene = createScene(named(count), pace);
  for (const host of named(count)) scene.good(host);
  scene.tick(1000);
  scene.publish({ web: '2' });
  scene.read();
  return scene;
};

describe('a first start', () => {
  const fresh = { state: 'none', kind: 'first', hasServed: false, serves: false, reason: 'turn' } as const;

  it('waits for the turns of others until one host is good, and then needs no turn', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.join('web-3', fresh);
    expect(answerOf(scene, 'web-3')).toBe('wait');
    scene.good('web-1');
    scene.begin('web-2');
    expect(answerOf(scene, 'web-3')).toBe('granted');
    expect(Object.keys(scene.state().turns)).toEqual(['web-2']);
  });

  it('begins nothing that is halted', () => {
    const scene = published(3);
    scene.begin('web-1');
    scene.good('web-1');
    scene.begin('web-2');
    scene.fail('web-2');
    scene.join('web-4', fresh);
    expect(answerOf(scene, 'web-4')).toBe('halted');
  });
});

describe('a host that is lost with a turn of an older version', () => {
  it('is excused by the change that overtook it, as silent', () => {
    const scene = published(3, { pace: { maxParallel: { hosts: 2 } } });
    scene.begin('web-1');
    scene.silent('web-1', 1_000_000);
    scene.publish({ web: '3' });
    scene.read(['web-2', 'web-3']);
    for (const host of ['web-2', 'web-3']) {
      scene.begin(host);
      scene.good(host);
    }
    expect(scene.status().holders).toMatchObject([{ host: 'web-1', state: 'lost' }]);
    expect(scene.status().changes.at(-1)).toMatchObject({ serial: 3, state: 'finished' });
  });
});

describe('slots', () => {
  it('grants one place, and names who has it', () => {
    const scene = published(3);
    expect(answerOf(scene, 'web-1')).toBe('granted');
    expect(scene.ask('web-2')).toMatchObject({
      answer: 'wait',
      refused: [{ service: 'web', holders: [{ host: 'web-1', state: 'granted' }] }],
    });
  });

  it('remembers nothing of a host that it lets wait, so that asking again costs no write', () => {
    const scene = published(2);
    scene.ask('web-1');
    scene.ask('web-2');
    const before = scene.state();
    expect(answerOf(scene, 'web-2')).toBe('wait');
    expect(scene.state()).toBe(before);
  });

  it('answers a repeated request alike', () => {
    const scene = published(2);
    expect(answerOf(scene, 'web-1')).toBe('granted');
    expect(answerOf(scene, 'web-1')).toBe('granted');
  });

  it.each([
    [{ percent: 10 }, 9, 1],
    [{ percent: 10 }, 20, 2],
    [{ percent: 50 }, 5, 2],
    [{ hosts: 3 }, 10, 3],
    [{ hosts: 9 }, 3, 3],
  ])('%j of %i hosts are %i places', (maxParallel, hosts, expected) => {
    const scene = published(hosts, { pace: { maxParallel } });
    expect(named(hosts).filter((host) => answerOf(scene, host) === 'granted')).toHaveLength(expected);
  });

  it('gives the place on once its host is good and serves', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.says('web-1', { serves: false });
    scene.good('web-1');
    expect(answerOf(scene, 'web-2')).toBe('granted');
  });

  it('keeps the place while the host is good and does not yet serve', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.says('web-1', { state: 'good', serves: false });
    expect(scene.ask('web-2').refused[0]?.holders).toMatchObject([{ host: 'web-1', state: 'not-serving' }]);
  });

  it.each([
    ['not-serving', { serves: false }],
    ['no-turn', { state: 'begun' as const }],
    ['no-turn', { isUnsettled: true }],
  ])('counts a host without a turn: %s', (state, said) => {
    const scene = published(2);
    scene.says('web-2', said);
    expect(scene.ask('web-1').refused[0]?.holders).toMatchObject([{ host: 'web-2', state }]);
  });

  it('counts a drained host, and no silent one', () => {
    const scene = published(2);
    scene.tell('web-2', { isDrained: true });
    expect(answerOf(scene, 'web-1')).toBe('wait');
    scene.silent('web-2', 200_000);
    expect(answerOf(scene, 'web-1')).toBe('granted');
  });

  it('lets a host on which it does not serve wait for turns alone', () => {
    const scene = published(3);
    scene.says('web-1', { serves: false });
    scene.says('web-2', { serves: false });
    expect(answerOf(scene, 'web-1')).toBe('granted');
    expect(answerOf(scene, 'web-2')).toBe('wait');
  });

  it('grants wishes of one group together or not at all', () => {
    const scene = createScene(named(2), { services: ['web', 'worker'] });
    scene.publish({ web: '2', worker: '2' });
    scene.read();
    expect(scene.ask('web-1', [{ service: 'worker', entry: 'worker' }]).answer).toBe('granted');
    const both = scene.view().words[1]?.services.map((s) => ({
      service: s.service,
      entry: s.entry,
      release: s.release,
      digest: s.digest,
      group: 'migrate',
    }));
    expect(scene.ask('web-2', both)).toMatchObject({ answer: 'wait', services: [] });
  });
});

describe('a turn ends by the host’s own word', () => {
  it.each([15 * 60_000, 24 * 3_600_000])('and not by %i ms', (ms) => {
    const scene = published(2);
    scene.begin('web-1');
    scene.tick(ms);
    scene.silent('web-1', ms + 1);
    expect(answerOf(scene, 'web-2')).not.toBe('granted');
    expect(scene.status().holders).toMatchObject([{ host: 'web-1', state: 'lost' }]);
  });

  it('is returned by a report after the request that was granted', () => {
    const scene = published(2);
    scene.ask('web-1');
    scene.says('web-1', {});
    expect(scene.state().turns).toEqual({});
  });

  it('is kept while the report says that it asks', () => {
    const scene = published(2);
    scene.ask('web-1');
    scene.tell('web-1', {
      turns: { life: 'life-web-1', seq: scene.nextSeq(), asked: ['web'], jobs: [], revision: null },
    });
    expect(answerOf(scene, 'web-2')).toBe('wait');
  });

  it('is kept by a report from before the request', () => {
    const scene = published(2);
    scene.ask('web-1');
    scene.tell('web-1', { turns: { life: 'life-web-1', seq: 1, asked: [], jobs: [], revision: null } });
    expect(answerOf(scene, 'web-2')).toBe('wait');
  });

  it('is returned by the next life of the agent', () => {
    const scene = published(2);
    scene.ask('web-1');
    scene.restart('web-1', 'second');
    expect(answerOf(scene, 'web-2')).toBe('granted');
  });

  it('is not ended by a life that was replaced', () => {
    const scene = published(2);
    scene.restart('web-1', 'second');
    scene.ask('web-1');
    scene.restart('web-1', 'life-web-1');
    expect(answerOf(scene, 'web-2')).toBe('wait');
    expect(scene.request('web-1')).toMatchObject({ kind: 'refused', refusal: { code: 'replaced' } });
  });

  it('goes to one engine', () => {
    const scene = published(1);
    scene.ask('web-1');
    expect(scene.request('web-1', undefined, 'another')).toMatchObject({
      kind: 'refused',
      refusal: { code: 'engine', message: 'web-1 has a turn on another engine (engine-web-1)' },
    });
  });

  it('ends with the report', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.silent('web-1', 3_600_000);
    scene.obey({ kind: 'resume', reason: 'it burned down', by: 'ops', jobElsewhere: false });
    scene.remove('web-1');
    expect(answerOf(scene, 'web-2')).toBe('granted');
  });

  it('is kept without a report while the store starts, which may have lost its reports', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.start(['web-1', 'web-2']);
    scene.remove('web-1');
    expect(scene.status().holders).toMatchObject([{ host: 'web-1' }]);
    scene.start(null);
    expect(scene.status().holders).toEqual([]);
  });

  it('is given back by a host that asks again and is refused', () => {
    const scene = published(2);
    scene.ask('web-1');
    scene.obey({ kind: 'halt', reason: 'lunch', by: 'ops', forSeconds: null });
    expect(answerOf(scene, 'web-1')).toBe('halted');
    expect(scene.state().turns).toEqual({});
  });

  it('is not given back by a request from before', () => {
    const scene = published(2);
    const early = scene.nextSeq();
    scene.ask('web-1');
    expect(scene.request('web-1', undefined, undefined, early)).toMatchObject({
      kind: 'refused',
      refusal: { code: 'older' },
    });
  });

  it('backs off after a return', () => {
    const scene = published(2);
    scene.ask('web-1');
    scene.says('web-1', {});
    expect(messageOf(scene, 'web-1')).toBe('this host gave its last turn back, and waits for 5 s');
    scene.tick(5000);
    expect(answerOf(scene, 'web-1')).toBe('granted');
  });
});

describe('what overtakes a turn', () => {
  it('keeps the place for the next version, and asks anew', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.says('web-1', { isUnsettled: true });
    scene.publish({ web: '3' });
    scene.read(['web-1']);
    expect(answerOf(scene, 'web-2')).toBe('other-version');
    expect(answerOf(scene, 'web-1')).toBe('granted');
    expect(Object.keys(scene.state().turns)).toEqual(['web-1']);
  });

  it('is returned although the host asks for the next release', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.publish({ web: '3' });
    scene.read();
    scene.tell('web-1', {
      turns: { life: 'life-web-1', seq: scene.nextSeq(), asked: ['web'], jobs: [], revision: null },
    });
    expect(answerOf(scene, 'web-2')).toBe('granted');
  });

  it('is no fault of the host, which asks again at once', () => {
    const scene = published(2);
    expect(answerOf(scene, 'web-1')).toBe('granted');
    scene.publish({ web: '3' });
    scene.read();
    expect(scene.state().turns).toEqual({});
    expect(scene.state().returned).toEqual({});
    expect(answerOf(scene, 'web-1')).toBe('granted');
  });

  it('is returned once nothing of the overtaken release is left', () => {
    const scene = published(2, { pace: { waves: [{ labels: { canary: 'true' } }, { percent: 100 }] } });
    scene.tell('web-1', { labels: { canary: 'true' } });
    scene.begin('web-1');
    scene.tell('web-1', { labels: {} });
    scene.tell('web-2', { labels: { canary: 'true' } });
    scene.says('web-1', { isUnsettled: true });
    scene.publish({ web: '3' });
    scene.read();
    expect(answerOf(scene, 'web-1')).toBe('wait');
    expect(answerOf(scene, 'web-2')).toBe('wait');
    scene.says('web-1', { isUnsettled: false });
    expect(answerOf(scene, 'web-2')).toBe('granted');
  });

  it('leaves the change of another entry alone', () => {
    const scene = createScene(named(2), { services: ['web', 'worker'] });
    scene.publish({ web: '2' });
    scene.read();
    scene.begin('web-1');
    scene.fail('web-1');
    const before = scene.change();
    scene.publish({ worker: '2' });
    expect(scene.state().changes.find((c) => c.serial === before?.serial)).toEqual(before);
    expect(before?.halted?.hosts).toEqual(['web-1']);
  });
});

describe('waves', () => {
  const WAVES = [{ labels: { canary: 'true' } }, { percent: 50 }, { percent: 100 }] as const;
  const rollout = (soakSeconds = 300): Scene => {
    const scene = createScene(named(6), { pace: { waves: WAVES, soakSeconds, maxParallel: { hosts: 9 } } });
    scene.tell('web-1', { labels: { canary: 'true' } });
    scene.publish({ web: '2' });
    scene.read();
    return scene;
  };
  /** Without the canary, which is one of the three lowest positions or not. */
  const OTHERS_OF_HALF = 2;

  it('opens with the canary, soaks, and opens the next', () => {
    const scene = rollout();
    expect(grantedNow(scene)).toEqual(['web-1']);
    scene.good('web-1');
    scene.tick(299_000);
    expect(grantedNow(scene)).toEqual([]);
    scene.tick(1000);
    expect(grantedNow(scene)).toHaveLength(OTHERS_OF_HALF);
  });

  it('does not open while the store starts, which may not know how hosts are now', () => {
    const scene = rollout(0);
    scene.ask('web-1');
    scene.start(['web-2']);
    scene.good('web-1');
    expect(scene.change()?.opened).toHaveLength(1);
    scene.start(null);
    expect(scene.change()?.opened).toHaveLength(2);
  });

  it('says to which wave a host belongs', () => {
    expect(messageOf(rollout(), 'web-2')).toBe(
      'serial 2 is at wave 1 of 3 (canary=true), and this host belongs to a later one',
    );
  });

  it('keeps a host that had a turn, whatever its labels become', () => {
    const scene = rollout(0);
    scene.ask('web-1');
    scene.tell('web-1', { labels: {} });
    scene.tick(10_000);
    expect(grantedNow(scene)).toEqual(['web-1']);
  });

  it('lets members of a passed wave go at any time', () => {
    const scene = rollout(0);
    scene.tell('web-2', { labels: { canary: 'true' }, isHeld: true });
    scene.ask('web-1');
    scene.good('web-1');
    expect(scene.change()?.opened).toHaveLength(2);
    scene.tell('web-2', { isHeld: false });
    expect(answerOf(scene, 'web-2')).toBe('granted');
  });

  it.each([
    ['silent', { isSilent: true }],
    ['stopped', { isRunning: false }],
    ['agent too old', { turns: null }],
    ['refuses the manifest', { refuses: true }],
    ['hold', { isHeld: true }],
    ['drained', { isDrained: true }],
  ])('waits for no host that is excused: %s', (reason, word) => {
    const scene = rollout(0);
    scene.tell('web-2', { labels: { canary: 'true' }, ...word });
    expect(scene.status().changes.at(-1)?.waves[0]?.excused).toEqual([{ host: 'web-2', reason }]);
    scene.begin('web-1');
    scene.good('web-1');
    expect(scene.change()?.opened).toHaveLength(2);
  });

  it.each([
    ['window', { reason: 'window' }],
    ['blocked: the disk is full', { outcome: 'blocked', reason: 'disk', message: 'the disk is full' }],
  ])('excuses a service: %s', (reason, said) => {
    const scene = rollout(0);
    scene.tell('web-2', { labels: { canary: 'true' } });
    scene.says('web-2', said);
    expect(scene.status().changes.at(-1)?.waves[0]?.excused).toEqual([{ host: 'web-2', reason }]);
  });

  it('excuses a host after turnSeconds with another reason than a turn', () => {
    const scene = rollout(0);
    scene.tell('web-2', { labels: { canary: 'true' } });
    scene.says('web-2', { reason: 'image' });
    scene.begin('web-1');
    scene.good('web-1');
    scene.tick(900_000);
    expect(scene.change()?.opened).toHaveLength(1);
    scene.tick(1);
    expect(scene.change()?.opened).toHaveLength(2);
  });

  it('waits where every member is excused, and names them', () => {
    const scene = createScene(named(2), { pace: { waves: WAVES } });
    scene.tell('web-1', { labels: { canary: 'true' }, isHeld: true });
    scene.publish({ web: '2' });
    scene.read(['web-2']);
    expect(scene.status().changes.at(-1)).toMatchObject({
      state: 'waiting',
      waves: [{ excused: [{ host: 'web-1', reason: 'hold' }] }, {}, {}],
    });
    expect(scene.change()?.opened).toHaveLength(1);
  });

  it('passes over a wave without members, or whose members are left out', () => {
    const scene = createScene(named(2), { pace: { waves: WAVES } });
    scene.publish({ web: '2' });
    expect(scene.change()?.opened.length).toBeGreaterThan(1);
    const left = rollout();
    left.obey({ kind: 'leave-out', host: 'web-1', reason: 'it is sick', by: 'ops', undo: false });
    expect(left.change()?.opened).toHaveLength(2);
    expect(messageOf(left, 'web-1')).toBe('this host is left out by ops: it is sick');
  });

  it('waits for hosts that have yet to read their first manifest', () => {
    const scene = createScene([], { pace: { waves: WAVES } });
    for (const host of ['web-2', 'web-1', 'web-3'])
      scene.join(host, { release: '', digest: null, state: 'none', hasServed: false, serves: false });
    expect(scene.change()?.opened).toHaveLength(0);
    scene.tell('web-1', { labels: { canary: 'true' } });
    expect(scene.change()?.opened).toHaveLength(1);
    expect(scene.status().changes[0]?.waves[0]?.waiting).toContain('web-1');
  });

  it('lets a host that does not serve belong to whatever wave is open', () => {
    const scene = rollout();
    scene.says('web-5', { serves: false });
    expect(answerOf(scene, 'web-5')).toBe('granted');
  });

  it('keeps a host that had a turn in, whatever its labels become', () => {
    const scene = rollout();
    scene.begin('web-1');
    scene.tell('web-1', { labels: {} });
    expect(scene.status().changes.at(-1)?.waves[0]).toMatchObject({ hosts: 1, switching: ['web-1'] });
  });

  it('finishes when the last wave has soaked, and not while a host is held', () => {
    const scene = createScene(named(2), { pace: { soakSeconds: 60 } });
    scene.publish({ web: '2' });
    scene.read();
    scene.tell('web-2', { isHeld: true });
    scene.begin('web-1');
    scene.good('web-1');
    scene.tick(60_000);
    expect(scene.change()?.finishedAtMs).toBeNull();
    scene.tell('web-2', { isHeld: false });
    scene.begin('web-2');
    scene.good('web-2');
    expect(scene.status().changes.at(-1)?.state).toBe('soaking');
    scene.tick(60_000);
    expect(scene.status().changes.at(-1)?.state).toBe('finished');
  });

  it('is not finished by a way back before the newer version has left and the old one serves', () => {
    const scene = createScene(named(2));
    scene.publish({ web: '2' });
    scene.read();
    scene.begin('web-1');
    scene.publish({ web: '1' }, { urgent: 'rollback to serial 1' });
    scene.read(['web-1', 'web-2']);
    scene.says('web-2', { state: 'good', isUnsettled: false });
    scene.says('web-1', {
      state: 'good',
      isUnsettled: true,
      serves: false,
      outcome: 'progressing',
      reason: 'drain',
    });
    const change = () => scene.status().changes.at(-1);
    expect(change()).toMatchObject({ state: 'switching', waves: [{ good: 1 }] });
    scene.says('web-1', { isUnsettled: false });
    expect(change()).toMatchObject({
      state: 'switching',
      waves: [{ good: 1, unready: [{ host: 'web-1', reason: 'drain' }] }],
    });
    scene.says('web-1', { serves: true, outcome: 'converged' });
    expect(change()).toMatchObject({ state: 'finished', waves: [{ good: 2 }] });
  });

  it('excuses a host on which the version that a publish goes back to is blocked', () => {
    const scene = createScene(named(2));
    scene.publish({ web: '2' });
    scene.read();
    scene.says('web-1', {
      state: 'good',
      isUnsettled: false,
      serves: false,
      outcome: 'blocked',
      reason: 'down',
    });
    expect(scene.status().changes.at(-1)?.waves[0]).toMatchObject({ good: 0, excused: [{ host: 'web-1' }] });
  });

  it('names what a member lacks besides a turn', () => {
    const scene = createScene(named(3));
    scene.publish({ web: '2' });
    scene.read(['web-1', 'web-2']);
    scene.says('web-2', { outcome: 'waiting', reason: 'back-off' });
    expect(scene.status().changes.at(-1)?.waves[0]).toMatchObject({
      waiting: ['web-1', 'web-2', 'web-3'],
      unready: [
        { host: 'web-2', reason: 'back-off' },
        { host: 'web-3', reason: 'behind' },
      ],
    });
  });

  it('is not finished where no host was tried', () => {
    const scene = createScene([]);
    scene.tick(3_600_000);
    expect(scene.change()?.finishedAtMs).toBeNull();
  });

  it('needs a place only, once the change is finished', () => {
    const scene = createScene(named(1), { pace: { waves: [...WAVES] } });
    scene.tick(1);
    scene.good('web-1');
    scene.join('web-9', { state: 'none', outcome: 'waiting', reason: 'turn' });
    scene.tick(1);
    expect(answerOf(scene, 'web-9')).toBe('granted');
  });

  it('shows hosts that follow a finished change as switching, then good or failed', () => {
    const s = createScene(['a', 'b', 'c']);
    s.publish({ web: '2' });
    s.read(['a']);
    for (const host of ['b', 'c']) s.tell(host, { turns: null });
    s.begin('a');
    s.good('a');
    const wave = () => s.status().changes[0]?.waves[0];
    expect(wave()).toMatchObject({
      good: 1,
      excused: [{ host: 'b', reason: 'agent too old' }, { host: 'c' }],
    });
    for (const host of ['b', 'c']) s.restart(host, `newer-${host}`);
    s.read(['b', 'c']);
    s.begin('b');
    expect(wave()).toMatchObject({ good: 1, switching: ['b'], waiting: ['c'] });
    s.good('b');
    s.begin('c');
    s.fail('c');
    expect(wave()).toMatchObject({ good: 2, failed: ['c'], switching: [], waiting: [] });
    expect(s.change()?.finishedAtMs).not.toBeNull();
  });

  it('needs no wave for files', () => {
    const scene = rollout();
    expect(scene.ask('web-5', [{ kind: 'files' }]).answer).toBe('granted');
  });

  it('needs no wave when it is urgent', () => {
    const scene = rollout();
    scene.publish({ web: '1' }, { urgent: 'rollback to serial 1' });
    scene.read();
    expect(grantedNow(scene).length).toBeGreaterThan(0);
  });
});

describe('a halt', () => {
  it('follows the first failure, and is latched', () => {
    const scene = published(3);
    scene.begin('web-1');
    scene.fail('web-1');
    expect(scene.ask('web-2')).toMatchObject({
      answer: 'halted',
      refused: [{ message: 'serial 2 is halted: web 2 failed on web-1: exit code 1', hosts: ['web-1'] }],
    });
    scene.good('web-1');
    expect(answerOf(scene, 'web-2')).toBe('halted');
  });

  it.each([
    [{ hosts: 1 }, 4, 1],
    [{ percent: 25 }, 8, 2],
    [{ percent: 25 }, 7, 1],
    [{ percent: 5 }, 8, 0],
  ])('tolerates %j of %i hosts: %i', (haltAfter, hosts, tolerated) => {
    const scene = published(hosts, { pace: { haltAfter, maxParallel: { hosts: 9 } } });
    const failing = named(hosts).slice(0, tolerated + 1);
    for (const host of failing) scene.begin(host);
    for (const host of failing.slice(0, -1)) scene.fail(host);
    expect(scene.change()?.halted).toBeNull();
    scene.fail(failing.at(-1) ?? '');
    expect(scene.change()?.halted?.hosts).toEqual(failing);
  });

  it.each([
    ['a first start', { hasServed: false, kind: 'first' as const, serves: false }],
    ['a host on which it did not serve', { serves: false }],
  ])('counts the failure of %s only until one host is good', (_what, said) => {
    const halted = published(3);
    halted.says('web-1', said);
    halted.begin('web-1');
    halted.fail('web-1');
    expect(halted.change()?.halted?.hosts).toEqual(['web-1']);
    const good = published(3);
    good.begin('web-2');
    good.good('web-2');
    good.says('web-1', said);
    good.begin('web-1');
    good.fail('web-1');
    expect(good.change()?.halted).toBeNull();
  });

  it('counts a turn that was given back after it had begun, until one host is good', () => {
    const scene = published(3);
    scene.begin('web-1');
    scene.says('web-1', { state: 'none', reason: 'back-off' });
    expect(scene.change()?.halted).toMatchObject({ hosts: ['web-1'] });
    const good = published(3);
    good.begin('web-2');
    good.good('web-2');
    good.begin('web-1');
    good.says('web-1', { state: 'none', reason: 'back-off' });
    expect(good.change()?.halted).toBeNull();
  });

  it('does not count a turn that was given back before it had begun', () => {
    const scene = published(2);
    scene.ask('web-1');
    scene.says('web-1', { reason: 'back-off', message: 'the registry does not answer' });
    expect(scene.change()?.halted).toBeNull();
  });

  it.each(['unhealthy', 'exited'])('follows a good host that is %s while the wave soaks', (reason) => {
    const scene = published(2, { pace: { soakSeconds: 300 } });
    scene.begin('web-1');
    scene.good('web-1');
    scene.says('web-1', { outcome: 'blocked', reason, message: 'it fell over' });
    expect(scene.change()?.halted?.reason).toBe('web 2 failed on web-1: it fell over');
  });

  it('does not follow a fault once the change is finished', () => {
    const scene = published(1);
    scene.begin('web-1');
    scene.good('web-1');
    expect(scene.status().changes.at(-1)?.state).toBe('finished');
    scene.says('web-1', { outcome: 'blocked', reason: 'unhealthy' });
    expect(scene.change()?.halted).toBeNull();
  });

  it('follows a host that fell silent with a turn, and stays when it is back', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.silent('web-1', 900_000);
    expect(scene.change()?.halted).toBeNull();
    scene.silent('web-1', 900_001);
    expect(scene.change()?.halted).toMatchObject({
      reason: 'web 2 fell silent on web-1: it has a turn, and has fallen silent',
    });
    scene.good('web-1');
    expect(scene.change()).toMatchObject({ ends: { 'web-1': { result: 'good' } }, halted: {} });
  });

  it('loses no host while the store starts', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.start(['web-1']);
    scene.silent('web-1', 3_600_000);
    expect(scene.change()?.halted).toBeNull();
    expect(messageOf(scene, 'web-2')).toBe('the store has just started, and first hears from web-1');
  });

  it('follows a switch that does not end', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.tick(4 * 900_000);
    expect(scene.change()?.halted).toBeNull();
    scene.tick(1);
    expect(scene.change()?.halted?.reason).toBe(
      'web 2 does not end on web-1: it has begun, and does not end',
    );
  });

  it('counts a failure until the host is good, whatever it forgets', () => {
    const scene = published(3, { pace: { haltAfter: { hosts: 1 } } });
    scene.begin('web-1');
    scene.fail('web-1');
    scene.says('web-1', { state: 'none', outcome: 'waiting', reason: 'turn' });
    scene.begin('web-2');
    scene.fail('web-2');
    expect(scene.change()?.halted?.hosts).toEqual(['web-1', 'web-2']);
  });

  it('follows a wave of which no host is good, whatever is tolerated', () => {
    const scene = published(2, { pace: { haltAfter: { hosts: 9 }, maxParallel: { hosts: 2 } } });
    scene.begin('web-1');
    scene.begin('web-2');
    scene.fail('web-1');
    expect(scene.change()?.halted).toBeNull();
    scene.fail('web-2');
    expect(scene.change()?.halted?.reason).toBe(
      'no host of wave 1 of 1 (100%) is good: it failed on web-1 and web-2: exit code 1',
    );
  });

  it('follows places that are taken for 4 × turnSeconds by hosts that do not go on', () => {
    const scene = published(3);
    scene.tell('web-3', { isDrained: true });
    scene.tick(3_600_000);
    expect(scene.change()?.halted).toBeNull();
    scene.tick(1);
    expect(scene.change()?.halted).toMatchObject({
      reason: 'every place of web is taken by hosts that do not go on: web-3',
      hosts: ['web-3'],
    });
  });

  it('ends when its entry is overtaken', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.fail('web-1');
    scene.publish({ web: '3' });
    scene.read();
    expect(answerOf(scene, 'web-1')).toBe('granted');
  });

  it('stops new files only while more hosts than are tolerated want what failed there', () => {
    const scene = published(3);
    scene.says('web-1', { kind: 'files', state: 'failed' });
    expect(scene.ask('web-2', [{ kind: 'files' }])).toMatchObject({
      answer: 'halted',
      refused: [{ message: 'the new settings of web failed on web-1' }],
    });
    expect(scene.change()?.halted).toBeNull();
    scene.says('web-1', { kind: 'files', state: 'none' });
    expect(scene.ask('web-2', [{ kind: 'files' }]).answer).toBe('granted');
  });

  it('holds the version of the desired digest good, whatever becomes of the files', () => {
    const scene = published(1);
    scene.begin('web-1');
    scene.good('web-1');
    scene.says('web-1', { kind: 'files', state: 'failed' });
    expect(scene.change()?.ends['web-1']?.result).toBe('good');
  });
});

describe('what a person says', () => {
  const by = 'ops@build';

  it('halts everything but a later urgent change, until it is resumed', () => {
    const scene = published(2);
    scene.obey({ kind: 'halt', reason: 'the shop is on television', by, forSeconds: null });
    expect(messageOf(scene, 'web-1')).toBe('halted by ops@build: the shop is on television');
    expect(scene.ask('web-1', [{ kind: 'files' }]).answer).toBe('halted');
    scene.publish({ web: '1' }, { urgent: 'rollback to serial 1' });
    scene.read();
    scene.says('web-1', { state: 'none' });
    expect(answerOf(scene, 'web-1')).toBe('granted');
  });

  it('halts for a time', () => {
    const scene = published(1);
    scene.obey({ kind: 'halt', reason: 'lunch', by, forSeconds: 60 });
    scene.tick(59_999);
    expect(answerOf(scene, 'web-1')).toBe('halted');
    scene.tick(1);
    expect(answerOf(scene, 'web-1')).toBe('granted');
  });

  it('resumes, and forgives the hosts so far by name', () => {
    const scene = published(3);
    scene.begin('web-1');
    scene.fail('web-1');
    scene.obey({ kind: 'resume', reason: 'a bad disk', by, jobElsewhere: false });
    expect(scene.state().audit[0]).toMatchObject({
      what: 'resume',
      by,
      message: 'a bad disk; forgiven: web-1',
    });
    scene.begin('web-2');
    scene.fail('web-2');
    expect(scene.change()?.halted?.hosts).toEqual(['web-2']);
  });

  it('has nothing to resume', () => {
    expect(() => published(1).obey({ kind: 'resume', reason: 'go on', by, jobElsewhere: false })).toThrow(
      'nothing of staging is halted',
    );
  });

  it('frees the place of a host that will not report again', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.silent('web-1', 10_000_000);
    scene.obey({ kind: 'free', host: 'web-1', reason: 'it burned down', by });
    scene.obey({ kind: 'resume', reason: 'it burned down', by, jobElsewhere: false });
    expect(answerOf(scene, 'web-2')).toBe('granted');
  });

  it.each([
    ['web-2', 'web-2 has no turn'],
    ['web-9', 'web-9 has no turn'],
  ])('frees no place of %s', (host, message) => {
    expect(() => published(2).obey({ kind: 'free', host, reason: 'gone', by })).toThrow(message);
  });

  it('leaves a host out of waves, places and counts, and takes it in again', () => {
    const scene = published(2);
    scene.begin('web-1');
    scene.obey({ kind: 'leave-out', host: 'web-1', reason: 'sick', by, undo: false });
    expect(answerOf(scene, 'web-2')).toBe('granted');
    scene.fail('web-1');
    expect(scene.change()?.halted).toBeNull();
    scene.obey({ kind: 'leave-out', host: 'web-1', reason: 'well again', by, undo: true });
    expect(scene.change()?.halted?.hosts).toEqual(['web-1']);
  });
});

describe('a manifest', () => {
  it('without a pace ends all changes', () => {
    const scene = published(1);
    expect(scene.state().changes).toHaveLength(1);
    scene.publish({}, { pace: null });
    expect(scene.state()).toMatchObject({ pace: null, changes: [] });
  });

  it('abandons what it overtakes before it has finished, but no way back', () => {
    const scene = published(2);
    scene.publish({ web: '3' });
    expect(scene.status().abandoned).toEqual([{ entry: 'web', digest: digestOf('2') }]);
    scene.publish({ web: '1' }, { urgent: 'rollback to serial 1' });
    scene.publish({ web: '2' });
    expect(scene.status().abandoned.map(({ digest }) => digest)).toEqual([digestOf('3'), digestOf('2')]);
    scene.read();
    for (const host of named(2)) {
      scene.begin(host);
      scene.good(host);
    }
    expect(scene.status().abandoned).toEqual([{ entry: 'web', digest: digestOf('3') }]);
  });

  it('that leaves all entries alone makes no change', () => {
    const scene = published(1);
    scene.publish({});
    expect(scene.state().changes.map(({ serial }) => serial)).toEqual([2]);
  });

  it('keeps waves and limits of the change, and takes the newest maxParallel', () => {
    const scene = published(4, { pace: { haltAfter: { hosts: 1 } } });
    scene.publish({}, { pace: { maxParallel: { hosts: 2 }, haltAfter: { hosts: 0 } } });
    scene.begin('web-1');
    scene.begin('web-2');
    scene.fail('web-1');
    expect(scene.state().changes[0]?.halted).toBeNull();
    scene.fail('web-2');
    expect(scene.state().changes[0]?.halted?.hosts).toEqual(['web-1', 'web-2']);
  });

  it('refuses the version of before', () => {
    const scene = published(1);
    scene.publish({ web: '3' });
    expect(scene.ask('web-1')).toMatchObject({
      answer: 'other-version',
      refused: [{ message: 'serial 3 has another version of web' }],
    });
  });
});
