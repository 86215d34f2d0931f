import { describe, expect, it } from 'vitest';
import type { TurnWish } from '../../../../src/core/turns/turn-request.ts';
import { createScene, digestOf, named, type Scene } from './scene.ts';

const JOB = 'migrate';

const wish = (version: string, attempt = 0): Partial<TurnWish> => ({
  service: JOB,
  entry: JOB,
  release: `${JOB}-${version}`,
  digest: digestOf(version),
  attempt,
  kind: 'job',
  serves: false,
  dependents: ['web'],
});

const askJob = (scene: Scene, host: string, version = '2', attempt = 0) =>
  scene.ask(host, [wish(version, attempt)]);

/** Two hosts on which web waits for a job of the fleet, and a new version of both. */
const published = (): Scene => {
  const scene = createScene(named(3), { services: [JOB, 'web'] });
  scene.publish({ [JOB]: '2', web: '2' });
  scene.read();
  for (const host of named(3)) scene.says(host, { kind: 'job', serves: null }, JOB);
  return scene;
};

const says = (scene: Scene, host: string, state: 'none' | 'begun' | 'good' | 'failed'): void =>
  scene.says(host, { state, failure: { version: '2', message: 'exit code 1', log: ['no such table'] } }, JOB);

/** web-1 has read of version 3, while its container of version 2 is there. */
const readsNext = (scene: Scene, isUnsettled: boolean): void =>
  scene.says('web-1', { digest: digestOf('3'), state: 'none', isUnsettled }, JOB);

const done = (version: string) => [{ service: JOB, digest: digestOf(version), attempt: 0 }];

describe('a job of the fleet', () => {
  it('is given to one host, and the others wait for it', () => {
    const scene = published();
    expect(askJob(scene, 'web-1')).toMatchObject({ answer: 'granted', services: [JOB] });
    says(scene, 'web-1', 'begun');
    expect(askJob(scene, 'web-2')).toMatchObject({
      answer: 'wait',
      refused: [{ service: JOB, message: 'migrate runs on web-1 for the fleet' }],
    });
  });

  it('is done for all once it is done on one', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'good');
    expect(askJob(scene, 'web-2')).toMatchObject({ services: [], refused: [], done: done('2') });
  });

  it('halts the changes that wait for it when it fails, with its log', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'failed');
    expect(scene.change()?.halted?.hosts).toEqual(['web-1']);
    expect(askJob(scene, 'web-2').answer).toBe('halted');
    expect(scene.status().jobs).toMatchObject([{ job: JOB, state: 'failed', log: ['no such table'] }]);
    expect(() => scene.obey({ kind: 'resume', reason: 'go on', by: 'ops', jobElsewhere: false })).toThrow(
      'the job migrate failed on web-1, and runs once for each attempt',
    );
  });

  it('runs again with the next attempt', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'failed');
    scene.publish({ [JOB]: '2' }, { retry: true });
    scene.read();
    expect(askJob(scene, 'web-2', '2', 1).answer).toBe('granted');
  });

  it('halts nothing any more once its lost run is overtaken by the next attempt', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'begun');
    scene.silent('web-1', 900_001);
    scene.publish({ [JOB]: '2' }, { retry: true });
    scene.read(['web-2', 'web-3']);
    expect(askJob(scene, 'web-2', '2', 1).answer).toBe('granted');
  });

  it('waits while a run of its version before goes on, also where its host has read of the next one', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'begun');
    scene.publish({ [JOB]: '3' });
    scene.read(['web-2', 'web-3']);
    readsNext(scene, true);
    expect(askJob(scene, 'web-2', '3').refused[0]?.message).toBe(
      'migrate first ends its run of another version on web-1',
    );
    readsNext(scene, false);
    expect(askJob(scene, 'web-2', '3').answer).toBe('granted');
  });

  it('is given to the host whose run of the version before is over', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'begun');
    scene.publish({ [JOB]: '3' });
    scene.read(['web-2', 'web-3']);
    readsNext(scene, true);
    expect(askJob(scene, 'web-1', '3').answer).toBe('granted');
  });

  it('halts when its host falls silent, and goes elsewhere only where a person says so', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'begun');
    scene.silent('web-1', 900_001);
    expect(scene.change()?.halted?.reason).toBe(
      'the job migrate is lost on web-1: its host has fallen silent',
    );
    const resume = (jobElsewhere: boolean): void =>
      scene.obey({ kind: 'resume', reason: 'web-1 burned down', by: 'ops', jobElsewhere });
    expect(() => resume(false)).toThrow('may still run on web-1');
    resume(true);
    expect(askJob(scene, 'web-2').answer).toBe('granted');
  });

  it('ends by the word of its host that is back', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'begun');
    scene.silent('web-1', 900_001);
    says(scene, 'web-1', 'good');
    expect(askJob(scene, 'web-2').done).toEqual(done('2'));
  });

  it('is lost with its report', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'begun');
    scene.remove('web-1');
    expect(askJob(scene, 'web-2').answer).toBe('halted');
  });

  it('goes to another host if it did not begin', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'none');
    expect(askJob(scene, 'web-2').answer).toBe('granted');
  });

  it('is lost if it began, and its host knows nothing of it', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'begun');
    says(scene, 'web-1', 'none');
    expect(scene.change()?.halted?.reason).toBe(
      'the job migrate is lost on web-1: it began, and its host knows nothing of it',
    );
  });

  it('is not given while what waits for it is halted', () => {
    const scene = published();
    scene.obey({ kind: 'halt', reason: 'lunch', by: 'ops', forSeconds: null });
    expect(askJob(scene, 'web-1').answer).toBe('halted');
  });

  it('never runs again for a rollback', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'good');
    scene.publish({ [JOB]: '3' });
    scene.publish({ [JOB]: '2' }, { urgent: 'rollback to serial 2' });
    expect(askJob(scene, 'web-3').done).toEqual(done('2'));
  });

  it('is done for a store that was restored, where any host knows so', () => {
    const scene = published();
    scene.tell('web-3', {
      turns: { life: 'life-web-3', seq: scene.nextSeq(), asked: [], jobs: done('2'), revision: 99 },
    });
    expect(askJob(scene, 'web-1').done).toEqual(done('2'));
  });

  it.each(['begun', 'failed'] as const)('that only its host knows to have %s is known again', (state) => {
    const scene = published();
    says(scene, 'web-3', state);
    expect(scene.status().jobs).toMatchObject([
      { host: 'web-3', state: state === 'begun' ? 'running' : 'failed' },
    ]);
    expect(askJob(scene, 'web-1').answer).not.toBe('granted');
  });

  it('goes elsewhere although the last word of its lost host was that it has begun', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'begun');
    scene.silent('web-1', 900_001);
    scene.obey({ kind: 'resume', reason: 'it burned down', by: 'ops', jobElsewhere: true });
    scene.tick(60_000);
    expect(askJob(scene, 'web-2').answer).toBe('granted');
  });

  it('waits for a person where a restored store cannot know', () => {
    const scene = published();
    const turns = { life: 'life-web-3', seq: scene.nextSeq(), asked: [], jobs: [], revision: 99 };
    scene.tell('web-3', { turns });
    expect(askJob(scene, 'web-1').refused[0]?.message).toContain('the store was restored from a backup');
    scene.obey({ kind: 'resume', reason: 'it has not run', by: 'ops', jobElsewhere: true });
    expect(askJob(scene, 'web-1').answer).toBe('granted');
  });

  it('takes no place from other hosts', () => {
    const scene = published();
    askJob(scene, 'web-1');
    says(scene, 'web-1', 'begun');
    expect(scene.status().holders).toEqual([]);
  });
});
