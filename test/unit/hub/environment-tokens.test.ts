import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PageAsset } from '../../../src/hub/page/assets.ts';
import { hostStatus } from '../../support/status.ts';
import {
  bearer,
  manifestText,
  PUBLISH,
  READ,
  scene,
  SECRETS,
  SECRETS_WITH_READ,
  type Scene,
} from './scene.ts';

const STAGING = 'staging-token-of-the-tests';
const STAGING_BEFORE = 'staging-token-from-before';
const PRODUCTION = 'production-token-of-the-tests';
const secrets = {
  ...SECRETS_WITH_READ,
  environmentTokens: [
    { environment: 'staging', token: STAGING, isPrevious: false },
    { environment: 'staging', token: STAGING_BEFORE, isPrevious: true },
    { environment: 'production', token: PRODUCTION, isPrevious: false },
  ],
};
const assets: readonly PageAsset[] = [{ path: '/', contentType: 'text/html', body: '<title>fleet</title>' }];
const archive = 'an archive';
const ARCHIVE = `/archives/${createHash('sha256').update(archive).digest('hex')}.tar`;
const OWN_ARCHIVE = `/archives/${createHash('sha256').update('another').digest('hex')}.tar`;
const command = JSON.stringify({ reason: 'a sale', by: 'ann@build', forSeconds: null });

/** Both environments have a manifest and a report, and an archive is there. */
const twoEnvironments = async (): Promise<Scene> => {
  const hub = await scene({ secrets, assets });
  for (const environment of ['staging', 'production']) {
    await hub.publish(environment, 1);
    await hub.report(environment, 'web-1', hostStatus({ host: 'web-1', environment }));
  }
  await hub.put(ARCHIVE, archive);
  return hub;
};

const ask = (hub: Scene, token: string, method: string, path: string, body?: string): Promise<Response> =>
  fetch(`${hub.url}${path}`, { method, headers: bearer(token), ...(body !== undefined && { body }) });

const next = (environment: string): string => manifestText(environment, 2);

/**
 * Status with the token of staging, one request after the other. 409: the environment has no pace, so the
 * request was let in.
 */
const ROUTES: readonly (readonly [method: string, path: string, status: number, body?: string])[] = [
  ['GET', '/manifests/staging.json', 200],
  ['GET', '/manifests/production.json', 403],
  ['PUT', '/manifests/staging.json', 204, next('staging')],
  ['PUT', '/manifests/staging.json?anyway', 204, next('staging')],
  ['PUT', '/manifests/production.json', 403, next('production')],
  ['GET', '/manifests/', 200],
  ['GET', '/manifests/staging/', 200],
  ['GET', '/manifests/production/', 403],
  ['GET', '/manifests/staging/1.json', 200],
  ['GET', '/manifests/production/1.json', 403],
  ['PUT', '/manifests/staging/1.json', 204, manifestText('staging', 1)],
  ['PUT', '/manifests/production/1.json', 403, manifestText('production', 1)],
  ['PUT', '/manifests/staging/probe.json', 201, '{}'],
  ['PUT', '/manifests/production/probe.json', 403, '{}'],
  ['DELETE', '/manifests/staging/probe.json', 204],
  ['DELETE', '/manifests/production/probe.json', 403],
  ['GET', '/reports/staging', 200],
  ['GET', '/reports/staging/', 200],
  ['GET', '/reports/production', 403],
  ['GET', '/reports/production/', 403],
  ['GET', '/reports/staging/web-1.json', 200],
  ['GET', '/reports/production/web-1.json', 403],
  ['DELETE', '/reports/staging/web-1.json', 204],
  ['DELETE', '/reports/production/web-1.json', 403],
  ['PUT', '/reports/staging/web-1.json', 403, '{}'],
  ['POST', '/turns/staging/web-1', 403, '{}'],
  ['GET', '/rollouts/staging', 200],
  ['GET', '/rollouts/production', 403],
  ['POST', '/rollouts/staging/halt', 409, command],
  ['POST', '/rollouts/production/halt', 403, command],
  ['GET', ARCHIVE, 200],
  ['HEAD', ARCHIVE, 200],
  ['PUT', OWN_ARCHIVE, 201, 'another'],
  ['DELETE', ARCHIVE, 403],
  ['GET', '/archives/', 403],
  ['GET', '/', 403],
  ['GET', '/events', 403],
  ['GET', '/metrics', 403],
  ['GET', '/healthz', 200],
];

describe('the publish token of one environment', () => {
  it('opens what is of that environment, and nothing else', async () => {
    const hub = await twoEnvironments();
    const answers: (readonly [string, string, number])[] = [];
    for (const [method, path, , body] of ROUTES)
      answers.push([method, path, (await ask(hub, STAGING, method, path, body)).status]);
    expect(answers).toEqual(ROUTES.map(([method, path, status]) => [method, path, status]));
  });

  it('shows only that environment in the list of environments', async () => {
    const hub = await twoEnvironments();
    const listed = async (token: string): Promise<unknown> =>
      (await ask(hub, token, 'GET', '/manifests/')).json();
    expect(await listed(STAGING)).toMatchObject({ environments: ['staging'], names: ['staging.json'] });
    expect(await listed(READ)).toMatchObject({ environments: ['production', 'staging'] });
  });

  it.each([
    [
      'GET',
      '/manifests/production.json',
      /this token is for staging alone and cannot read production/,
      /SUPERCARGO_READ_TOKEN/,
    ],
    [
      'PUT',
      '/manifests/production.json',
      /for staging alone and cannot change production/,
      /publish token of production/,
    ],
    ['DELETE', ARCHIVE, /cannot change what concerns all environments/, /publish token of all environments/],
    ['GET', '/metrics', /cannot read what concerns all environments/, /read token of the hub/],
  ])('%s %s: the refusal says why, and what to do', async (method, path, message, advice) => {
    const hub = await twoEnvironments();
    const answer = await ask(hub, STAGING, method, path);
    const { error } = (await answer.json()) as { error: { message: string; advice: string } };
    expect(error).toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(message) as string,
      advice: expect.stringMatching(advice) as string,
    });
    expect(JSON.stringify(error)).not.toContain(STAGING);
  });

  it('may be the one before, and counts that', async () => {
    const hub = await twoEnvironments();
    expect((await ask(hub, STAGING_BEFORE, 'PUT', '/manifests/staging.json', next('staging'))).status).toBe(
      204,
    );
    expect(await (await ask(hub, READ, 'GET', '/metrics')).text()).toContain(
      'supercargo_hub_previous_secret_uses_total{secret="publish"} 1\n',
    );
  });

  it('is no token for the login of the page', async () => {
    const hub = await twoEnvironments();
    const answer = await fetch(`${hub.url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: STAGING }),
    });
    expect(answer.status).toBe(401);
  });

  it('reads what everyone reads where the hub has no read token', async () => {
    const open = await scene({ secrets: { ...secrets, readTokens: [] } });
    await open.publish('production', 1);
    expect((await ask(open, STAGING, 'GET', '/manifests/production.json')).status).toBe(200);
    expect((await ask(open, STAGING, 'GET', '/metrics')).status).toBe(200);
    const proxied = { ...bearer(STAGING), 'x-forwarded-for': '192.0.2.1' };
    expect((await open.get('/reports/production', proxied)).status).toBe(403);
    expect((await open.get('/reports/staging', proxied)).status).toBe(200);
  });

  it('suffices to publish on a hub without a token for all environments', async () => {
    const hub = await scene({ secrets: { ...secrets, publishTokens: [] } });
    expect((await ask(hub, STAGING, 'PUT', '/manifests/staging.json', next('staging'))).status).toBe(201);
    expect((await ask(hub, PUBLISH, 'PUT', '/manifests/staging.json', next('staging'))).status).toBe(401);
    const none = await scene({ secrets: { ...SECRETS, publishTokens: [] } });
    expect((await ask(none, STAGING, 'PUT', '/manifests/staging.json', next('staging'))).status).toBe(403);
  });
});
