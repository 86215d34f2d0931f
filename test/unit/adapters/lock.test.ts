import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { acquireLock, type LockKey } from '../../../src/adapters/lock.ts';

const LOCK = new URL('../../../src/adapters/lock.ts', import.meta.url).href;
const keyOf = (environment = 'staging'): LockKey => ({ engineId: randomUUID(), environment });

describe('the lock', () => {
  const children: ChildProcess[] = [];

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  const start = (key: LockKey, then: string): ChildProcess => {
    const script = `import { acquireLock } from ${JSON.stringify(LOCK)}; await acquireLock(${JSON.stringify(key)}); console.log('locked'); ${then}`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  };

  it('is held by one at a time', async () => {
    const key = keyOf();
    const lock = await acquireLock(key);
    await expect(acquireLock(key)).rejects.toMatchObject({
      code: 'AGENT_RUNNING',
      message: 'another agent is at work for the environment staging on this engine',
      advice: expect.stringContaining('supercargo sync') as string,
      fields: { environment: 'staging' },
    });
    await lock.release();
    await (await acquireLock(key)).release();
  });

  it('is one for each environment and each engine', async () => {
    const key = keyOf();
    const keys = [key, { ...key, environment: 'production' }, { ...keyOf(), environment: key.environment }];
    const locks = await Promise.all(keys.map(acquireLock));
    expect(locks).toHaveLength(3);
    await Promise.all(locks.map((lock) => lock.release()));
  });

  it('is free again when its holder is killed', async () => {
    const key = keyOf();
    const child = start(key, 'setInterval(() => {}, 1000);');
    await once(child.stdout ?? child, 'data');
    await expect(acquireLock(key)).rejects.toMatchObject({ code: 'AGENT_RUNNING' });
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    await (await acquireLock(key)).release();
  });

  it('lets a program end that has nothing more to run', async () => {
    const child = start(keyOf(), '');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
