import { describe, expect, it } from 'vitest';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import { eventually } from '../../support/poll.ts';
import { hostStatus } from '../../support/status.ts';
import { createTurnHost } from '../../support/turn-host.ts';
import {
  bearer,
  manifestText,
  PUBLISH,
  READ,
  scene,
  SECRET,
  SECRETS,
  SECRETS_WITH_READ,
  type Scene,
} from './scene.ts';

const NEW_PUBLISH = 'new-publish-token-of-the-tests';
const NEW_SECRET = 'new-report-secret-of-the-tests';
const NEW_READ = 'new-read-token-of-the-tests';
const both = {
  ...SECRETS,
  publishTokens: [NEW_PUBLISH, PUBLISH],
  reportSecrets: [NEW_SECRET, SECRET],
  readTokens: [NEW_READ, READ],
};
const onlyNew = {
  ...SECRETS,
  publishTokens: [NEW_PUBLISH],
  reportSecrets: [NEW_SECRET],
  readTokens: [NEW_READ],
};

const logIn = async (hub: Scene, token: string): Promise<Record<string, string>> => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${hub.url}/login`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ token }),
  });
  return { cookie: answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '' };
};

/** Statuses of a publish, a report and a read with these secrets. */
const statuses = async (hub: Scene, publish: string, secret: string, read: string) => [
  (await hub.put('/manifests/staging.json', manifestText('staging', 1), bearer(publish))).status,
  (await hub.report('staging', 'web-1', hostStatus({ host: 'web-1' }), hostToken(secret, 'staging', 'web-1')))
    .status,
  (await hub.get('/reports/staging', bearer(read))).status,
];

describe('a rotation of secrets', () => {
  it('lets both count, then only the new ones, without a restart', async () => {
    const hub = await scene({ secrets: SECRETS_WITH_READ });
    expect(await statuses(hub, PUBLISH, SECRET, READ)).toEqual([201, 201, 200]);
    expect(await statuses(hub, NEW_PUBLISH, NEW_SECRET, NEW_READ)).toEqual([401, 403, 401]);
    hub.renewSecrets(both);
    expect(await statuses(hub, PUBLISH, SECRET, READ)).toEqual([204, 204, 200]);
    expect(await statuses(hub, NEW_PUBLISH, NEW_SECRET, NEW_READ)).toEqual([204, 204, 200]);
    hub.renewSecrets(onlyNew);
    expect(await statuses(hub, PUBLISH, SECRET, READ)).toEqual([401, 403, 401]);
    expect(await statuses(hub, NEW_PUBLISH, NEW_SECRET, NEW_READ)).toEqual([204, 204, 200]);
  });

  it('counts what still uses the secrets from before', async () => {
    const hub = await scene({ secrets: both });
    const counts = async (): Promise<readonly string[]> => {
      const text = await (await hub.get('/metrics', bearer(NEW_READ))).text();
      return [...text.matchAll(/^supercargo_hub_previous_secret_uses_total(.+)$/gm)].map(
        ([, found = '']) => found,
      );
    };
    await statuses(hub, NEW_PUBLISH, NEW_SECRET, NEW_READ);
    expect(await counts()).toEqual(['{secret="publish"} 0', '{secret="report"} 0', '{secret="read"} 0']);
    await statuses(hub, PUBLISH, SECRET, READ);
    expect(await counts()).toEqual(['{secret="publish"} 1', '{secret="report"} 1', '{secret="read"} 1']);
  });

  it('keeps the logins of a browser as long as their read token counts', async () => {
    const hub = await scene({ secrets: SECRETS_WITH_READ });
    const old = await logIn(hub, READ);
    hub.renewSecrets(both);
    const fresh = await logIn(hub, NEW_READ);
    const oldAgain = await logIn(hub, READ);
    const open = async (): Promise<readonly number[]> =>
      Promise.all(
        [old, fresh, oldAgain].map(async (cookie) => (await hub.get('/reports/staging', cookie)).status),
      );
    expect(await open()).toEqual([200, 200, 200]);
    hub.renewSecrets(onlyNew);
    expect(await open()).toEqual([401, 200, 401]);
  });

  it('drops no held poll, and ends streams of events so that they are judged anew', async () => {
    const hub = await scene({ secrets: SECRETS_WITH_READ });
    const tag = (await hub.publish('staging', 1)).headers.get('etag') ?? '';
    const poll = hub.get('/manifests/staging.json', {
      ...bearer(READ),
      'if-none-match': tag,
      prefer: 'wait=300',
    });
    const stream = await hub.get('/events', bearer(READ));
    await eventually(
      async () =>
        (await (await hub.get('/metrics', bearer(READ))).text()).includes('supercargo_hub_held_polls 1\n'),
      { describe: () => 'the poll is held' },
    );
    hub.renewSecrets(onlyNew);
    // The whole stream: it has ended.
    expect(await stream.text()).toContain('retry: 2000');
    expect((await hub.get('/events', bearer(READ))).status).toBe(401);
    await hub.put('/manifests/staging.json', manifestText('staging', 2), bearer(NEW_PUBLISH));
    expect(await (await poll).json()).toMatchObject({ serial: 2 });
  });
});

const revoking = (leastGeneration: number | undefined) => ({
  ...SECRETS,
  revokedHosts: [{ environment: 'staging', host: 'web-1', leastGeneration }],
});
const tokenOf = (host: string, generation?: number): string => hostToken(SECRET, 'staging', host, generation);

/** Statuses of a report and of a request for a turn. */
const tries = async (hub: Scene, host: string, token: string) => [
  (await hub.report('staging', host, hostStatus({ host }), token)).status,
  (await hub.post(`/turns/staging/${host}`, createTurnHost(host).request(1, 1), bearer(token))).status,
];

describe('a revoked host', () => {
  it('neither reports nor gets turns, whichever token of it is sent; others do', async () => {
    const hub = await scene();
    expect(await tries(hub, 'web-1', tokenOf('web-1'))).toEqual([201, 200]);
    hub.renewSecrets(revoking(undefined));
    expect(await tries(hub, 'web-1', tokenOf('web-1'))).toEqual([403, 403]);
    expect(await tries(hub, 'web-1', tokenOf('web-1', 7))).toEqual([403, 403]);
    expect(await tries(hub, 'web-2', tokenOf('web-2'))).toEqual([201, 200]);
    const elsewhere = hostStatus({ host: 'web-1', environment: 'production' });
    expect((await hub.report('production', 'web-1', elsewhere)).status).toBe(201);
  });

  it('is taken back with a token of the generation that the hub names', async () => {
    const hub = await scene({ secrets: revoking(2) });
    expect(await tries(hub, 'web-1', tokenOf('web-1'))).toEqual([403, 403]);
    expect(await tries(hub, 'web-1', tokenOf('web-1', 1))).toEqual([403, 403]);
    expect(await tries(hub, 'web-1', tokenOf('web-1', 2))).toEqual([201, 200]);
    expect(await tries(hub, 'web-1', tokenOf('web-1', 3))).toEqual([204, 200]);
    expect(await tries(hub, 'web-1', tokenOf('web-2', 3))).toEqual([403, 403]);
  });

  it('cannot claim a generation that its token was not made for', async () => {
    const hub = await scene({ secrets: revoking(2) });
    expect(await tries(hub, 'web-1', `2.${tokenOf('web-1')}`)).toEqual([403, 403]);
    expect(await tries(hub, 'web-1', tokenOf('web-1', 1).replace('1.', '2.'))).toEqual([403, 403]);
  });

  it.each([
    [2, 'this token of web-1 in staging is revoked', /supercargo hub token staging web-1 --generation 2$/],
    [
      undefined,
      'all tokens of web-1 in staging are revoked',
      /write "staging web-1 1" into the file of revoked/,
    ],
  ])('is told so, below generation %j', async (least, message, advice) => {
    const hub = await scene({ secrets: revoking(least) });
    const answer = await hub.report('staging', 'web-1', hostStatus({ host: 'web-1' }));
    expect(await answer.json()).toEqual({
      error: { code: 'forbidden', message, advice: expect.stringMatching(advice) as string },
    });
    expect(hub.events).toContainEqual({
      event: 'report.refused',
      fields: { environment: 'staging', host: 'web-1', reason: 'revoked', message },
    });
    // A stranger learns nothing of it, and fills no log.
    const logged = hub.events.length;
    expect(await (await hub.report('staging', 'web-1', {}, 'x')).text()).toContain('not the token of web-1');
    expect(hub.events.length).toBe(logged);
  });
});
