import { describe, expect, it } from 'vitest';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import { createTurnHost } from '../../support/turn-host.ts';
import { bearer, PUBLISH, scene, SECRET, SECRETS } from './scene.ts';

describe('who may ask and command', () => {
  const command = { reason: 'r', by: 'ann@build' };
  it.each<[string, 'get' | 'post', string, string | undefined, number]>([
    ['another host’s token', 'post', '/turns/staging/web-1', hostToken(SECRET, 'staging', 'web-2'), 403],
    ['another environment’s token', 'post', '/turns/staging/web-1', hostToken(SECRET, 'prod', 'web-1'), 403],
    ['the publish token for a turn', 'post', '/turns/staging/web-1', PUBLISH, 403],
    ['no token for a turn', 'post', '/turns/staging/web-1', undefined, 401],
    ['a wrong name of a host', 'post', '/turns/staging/.web', PUBLISH, 404],
    ['a wrong name of an environment', 'post', '/turns/Sta/web-1', PUBLISH, 404],
    ['no token for a rollout', 'get', '/rollouts/staging', undefined, 401],
    ['the read token for a rollout', 'get', '/rollouts/staging', 'read', 200],
    ['the read token for a halt', 'post', '/rollouts/staging/halt', 'read', 403],
    [
      'a host’s token for a halt',
      'post',
      '/rollouts/staging/halt',
      hostToken(SECRET, 'staging', 'web-1'),
      401,
    ],
    ['an unknown command', 'post', '/rollouts/staging/stop', PUBLISH, 404],
    ['a wrong name for a rollout', 'get', '/rollouts/Sta', PUBLISH, 404],
  ])('%s', async (_what, method, path, token, status) => {
    const hub = await scene({ secrets: { ...SECRETS, readTokens: ['read'] } });
    const headers = token === undefined ? {} : bearer(token);
    const answer = method === 'get' ? await hub.get(path, headers) : await hub.post(path, command, headers);
    expect(answer.status).toBe(status);
  });

  it.each<[string, unknown, number]>([
    ['no JSON', '{', 400],
    ['an unknown member', { more: 1 }, 422],
    ['no service', { services: [] }, 422],
    ['a service twice', { services: ['web', 'web'] }, 422],
    [
      'more services than one report may have',
      { services: Array.from({ length: 11 }, (_, at) => `s${String(at)}`) },
      422,
    ],
    ['a reserved name', { services: ['constructor'] }, 422],
    ['a life with blanks', { life: 'a b' }, 422],
    ['a negative number', { seq: -1 }, 422],
    ['more than the largest request', { life: 'x'.repeat(600_000) }, 413],
  ])('a request with %s is refused', async (_what, change, status) => {
    const hub = await scene({
      limits: { environments: 2, hosts: 9, connections: 99, archiveBytes: 1024, services: 10 },
    });
    const request = createTurnHost('web-1').request(1, 1);
    const { services: names, ...members } = (typeof change === 'object' ? change : {}) as {
      services?: readonly string[];
    };
    const services = names?.map((service) => ({ ...request.services[0], service, entry: null }));
    const body =
      typeof change === 'string' ? change : { ...request, ...members, ...(services && { services }) };
    const answer = await hub.post(
      '/turns/staging/web-1',
      body,
      bearer(hostToken(SECRET, 'staging', 'web-1')),
    );
    expect(answer.status).toBe(status);
    expect(await answer.json()).toHaveProperty('error.advice');
  });

  it.each<[string, string, object, number]>([
    ['no reason', 'halt', { by: 'a', forSeconds: null }, 422],
    ['an empty reason', 'halt', { reason: ' ', by: 'a', forSeconds: null }, 422],
    ['a reason of two lines', 'resume', { reason: 'a\nb', by: 'a' }, 422],
    ['a long reason', 'resume', { reason: 'a'.repeat(1025), by: 'a' }, 422],
    ['a long name', 'resume', { reason: 'a', by: 'a'.repeat(257) }, 422],
    ['a time of no seconds', 'halt', { reason: 'a', by: 'a', forSeconds: 0 }, 422],
    ['a host that cannot be', 'free', { reason: 'a', by: 'a', host: '../x' }, 422],
    ['a reserved host', 'leave-out', { reason: 'a', by: 'a', host: 'constructor', undo: false }, 422],
    ['more than a command has', 'resume', { reason: 'a'.repeat(9000), by: 'a' }, 413],
    ['nothing wrong but no pace there', 'resume', { reason: 'a', by: 'a' }, 409],
  ])('a command with %s is refused', async (_what, kind, body, status) => {
    const hub = await scene();
    const answer = await hub.post(`/rollouts/staging/${kind}`, body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toHaveProperty('error.advice');
  });
});
