import { expect, it } from 'vitest';
import { AgentError } from '../../../src/core/errors.ts';
import { hostStatus } from '../../support/status.ts';
import { manifestText, scene } from './scene.ts';

const away = new AgentError('STORE', 'cannot write: the disk does not answer', { retry: 'later' });
const isFull = new AgentError('STORE', 'cannot write: no space is left', {
  retry: 'later',
  fields: { code: 'ENOSPC' },
});

it('a hub whose store is away serves what it has, and tells writers when to try again', async () => {
  const disk: { failure: AgentError | undefined } = { failure: undefined };
  const clock = { ms: Date.now() };
  const fail = (failure: AgentError | undefined): void => {
    disk.failure = failure;
    // Any client may ask for readiness: the store is checked once a second.
    clock.ms += 1000;
  };
  const hub = await scene({
    now: () => clock.ms,
    disk: (files) => ({
      ...files,
      apply: async (changes) => (disk.failure ? changes.map(() => disk.failure) : files.apply(changes)),
    }),
  });
  expect((await hub.publish('staging', 418)).status).toBe(201);
  expect((await hub.report('staging', 'web-1', hostStatus())).status).toBe(201);
  fail(away);
  for (const answer of [
    await hub.report('staging', 'web-1', hostStatus()),
    await hub.publish('staging', 419),
    await hub.get('/readyz'),
  ]) {
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await answer.json()).toMatchObject({
      error: { code: 'store', message: away.message, advice: expect.stringContaining('try again') },
    });
  }
  expect((await hub.get('/healthz')).status).toBe(200);
  expect(await (await hub.get('/manifests/staging.json')).text()).toBe(manifestText('staging', 418));
  expect((await hub.get('/reports/staging')).status).toBe(200);

  fail(isFull);
  const full = await hub.report('staging', 'web-1', hostStatus());
  expect([full.status, full.headers.get('retry-after')]).toEqual([507, null]);
  expect((await hub.get('/readyz')).status).toBe(503);

  disk.failure = undefined;
  expect((await hub.get('/readyz')).status).toBe(503);
  fail(undefined);
  expect((await hub.report('staging', 'web-1', hostStatus())).status).toBe(204);
  expect((await hub.get('/readyz')).status).toBe(200);
});
