import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { PageAsset } from '../../../src/hub/page/assets.ts';
import { fleetOfAll } from '../../support/fleet-of-all.ts';
import { hostStatus } from '../../support/status.ts';
import {
  bearer,
  manifestText,
  PUBLISH,
  READ,
  type Scene,
  scene,
  type SceneOptions,
  SECRETS_WITH_READ,
} from './scene.ts';
import { isVerdictWord } from '../../../src/core/vocabulary/outcomes.ts';

const assets: readonly PageAsset[] = [
  { path: '/', contentType: 'text/html; charset=utf-8', body: '<title>fleet</title>' },
  { path: '/login', contentType: 'text/html; charset=utf-8', body: '<form></form>' },
  { path: '/assets/page.js', contentType: 'text/javascript; charset=utf-8', body: 'void 0;' },
];
const secrets = SECRETS_WITH_READ;

const withPage = async (options: SceneOptions = {}): Promise<Scene> => scene({ assets, ...options });

const logIn = (hub: Scene, token: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${hub.url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html', ...headers },
    body: new URLSearchParams({ token }).toString(),
  });

describe('the page of a hub', () => {
  it('is served under a strict policy, as are its files', async () => {
    const hub = await withPage();
    const page = await hub.get('/');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
    );
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    const script = await hub.get('/assets/page.js');
    expect(await script.text()).toBe('void 0;');
    const known = { 'if-none-match': script.headers.get('etag') ?? '' };
    expect((await hub.get('/assets/page.js', known)).status).toBe(304);
    expect((await hub.get('/assets/../hub.ts')).status).toBe(404);
  });

  it('sends a browser to the login, and lets it in with the read token', async () => {
    const hub = await withPage({ secrets });
    const first = await hub.get('/');
    expect([first.status, first.headers.get('location')]).toEqual([303, '/login']);
    const form = await hub.get('/login');
    expect(form.headers.get('content-security-policy')).toContain("form-action 'self'");
    const answer = await logIn(hub, READ);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^supercargo_session=\S+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(READ);
    const session = { cookie: `other=1; ${cookie.split(';', 1)[0] ?? ''}` };
    for (const path of ['/', '/reports/staging', '/manifests/', '/metrics'])
      expect([path, (await hub.get(path, session)).status]).toEqual([path, 200]);
    expect((await hub.remove('/reports/staging/web-1.json', session)).status).toBe(403);
    const out = await hub.get('/logout', session);
    expect([out.status, out.headers.get('set-cookie')]).toEqual([
      303,
      'supercargo_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict',
    ]);
  });

  it('is closed to a session that is over, forged, or of another token', async () => {
    const time = { nowMs: Date.now() };
    const hub = await withPage({ secrets, now: () => time.nowMs });
    const session = { cookie: (await logIn(hub, READ)).headers.get('set-cookie')?.split(';', 1)[0] ?? '' };
    expect((await hub.get('/reports/staging', session)).status).toBe(200);
    const forged = {
      cookie: session.cookie.replace(/=(\d+)\./, (_all, until: string) => `=${String(Number(until) + 1)}.`),
    };
    expect((await hub.get('/reports/staging', forged)).status).toBe(401);
    time.nowMs += 12 * 3600 * 1000;
    expect((await hub.get('/reports/staging', session)).status).toBe(401);
    time.nowMs -= 12 * 3600 * 1000;
    await hub.restart({ secrets: { ...secrets, readTokens: [`${READ}2`] } });
    expect((await hub.get('/reports/staging', session)).status).toBe(401);
  });

  it('refuses a wrong token, by a page for people and by a document for programs', async () => {
    const hub = await withPage({ secrets });
    const wrong = await logIn(hub, 'wrong');
    expect([wrong.status, wrong.headers.get('location'), wrong.headers.get('set-cookie')]).toEqual([
      303,
      '/login?failed',
      null,
    ]);
    expect((await logIn(hub, PUBLISH, { accept: '*/*' })).status).toBe(401);
    expect((await logIn(hub, 'x'.repeat(5000))).status).toBe(413);
    const json = await fetch(`${hub.url}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-proto': 'https' },
      body: JSON.stringify({ token: READ }),
    });
    expect([json.status, json.headers.get('set-cookie')]).toEqual([204, expect.stringMatching(/; Secure$/)]);
    expect(JSON.stringify(hub.events)).not.toContain('wrong');
  });

  it('is not shown to a foreign name that was made to mean this machine', async () => {
    const hub = await withPage();
    const { port } = new URL(hub.url);
    const status = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { host, connection: 'close' };
        request({ port, host: '127.0.0.1', path: '/reports/staging', headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .once('error', reject)
          .end();
      });
    expect(await status(`evil.example.com:${port}`)).toBe(403);
    expect(await status(`localhost:${port}`)).toBe(200);
    expect(await status('[::1]')).toBe(200);
  });
});

describe('the events of a hub', () => {
  it('tell the environment in which something changed', async () => {
    const hub = await withPage();
    const gone = new AbortController();
    const stream = await fetch(`${hub.url}/events`, { signal: gone.signal });
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    const until = async (wanted: string, seen = ''): Promise<string> => {
      if (seen.includes(wanted)) return seen;
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
      if (done) throw new Error(`ended after ${seen}`);
      return until(wanted, seen + (value ?? ''));
    };
    await until('retry: 2000\n\n');
    await hub.publish('staging', 1);
    await until('event: change\ndata: {"environment":"staging"}\n\n');
    await hub.report('production', 'web-1', hostStatus({ environment: 'production' }));
    await until('event: change\ndata: {"environment":"production"}\n\n');
    gone.abort();
  });

  it('end when the hub ends', async () => {
    const hub = await withPage();
    const stream = await hub.get('/events');
    const text = stream.text();
    await hub.stop();
    expect(await text).toBe('retry: 2000\n\n');
  });
});

describe('what monitors ask for', () => {
  it('is one word for health', async () => {
    const hub = await withPage();
    expect(await (await hub.get('/healthz')).text()).toBe('ok\n');
    expect(await (await hub.get('/readyz')).text()).toBe('ok\n');
  });

  it('is a text of metrics', async () => {
    const hub = await withPage();
    await hub.publish('staging', 7);
    await hub.publish('staging', 7);
    await hub.publish('staging', 6);
    await hub.report('staging', 'web-1', hostStatus());
    const answer = await hub.get('/metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = (await answer.text()).split('\n');
    for (const line of [
      'supercargo_hub_manifest_serial{environment="staging"} 7',
      'supercargo_hub_hosts{environment="staging",outcome="converged"} 1',
      'supercargo_hub_host_serial{environment="staging",host="web-1"} 418',
      'supercargo_hub_requests_total{method="PUT",code="201"} 2',
      'supercargo_hub_publishes_total 1',
      'supercargo_hub_refused_publishes_total 1',
      'supercargo_hub_reports_total 1',
    ])
      expect(lines).toContain(line);
  });
});

const fleetLines = async (hub: Scene, path: string): Promise<readonly string[]> => {
  const text = await (await hub.get(path)).text();
  return text
    .split('\n')
    .filter((line) => /^supercargo_hub_(hosts|verdicts|host_serial|manifest)/.test(line));
};

describe('what monitors ask of the fleet alone', () => {
  it('is told by each hub of a folder, and at an address of its own', async () => {
    const hub = await withPage();
    await hub.publish('staging', 7);
    await hub.report('staging', 'web-1', hostStatus());
    const fleet = await fleetLines(hub, '/metrics/fleet');
    expect(fleet).toContain('supercargo_hub_host_serial{environment="staging",host="web-1"} 418');
    expect(await fleetLines(hub, '/metrics')).toEqual(fleet);
    expect(await (await hub.get('/metrics/fleet')).text()).not.toContain('process_resident');
  });

  it('is at that address alone where several hubs have one store', async () => {
    const hub = await withPage({ isShared: true });
    await hub.publish('staging', 7);
    expect(await fleetLines(hub, '/metrics')).toEqual([]);
    expect(await fleetLines(hub, '/metrics/fleet')).toContain(
      'supercargo_hub_manifest_serial{environment="staging"} 7',
    );
  });
});

const verdictsOf = async (hub: Scene): Promise<Readonly<Record<string, number>>> => {
  const text = await (await hub.get('/metrics')).text();
  const found = text.matchAll(/^supercargo_hub_verdicts\{environment="staging",verdict="([^"]+)"\} (\d+)$/gm);
  return Object.fromEntries(
    [...found].flatMap(([, word = '', count]) => (count === '0' ? [] : [[word, Number(count)]])),
  );
};
const convergedOf = async (hub: Scene): Promise<string | undefined> =>
  /^supercargo_hub_converged\{environment="staging"\} (\d)$/m.exec(
    await (await hub.get('/metrics')).text(),
  )?.[1];

describe('the verdicts that monitors ask for', () => {
  it('are those of the fleet, host by host', async () => {
    const hub = await withPage();
    await hub.put('/manifests/staging.json', manifestText('staging', 418, 'registry.example.com/web:1.1.0'));
    for (const { host, status } of fleetOfAll)
      await hub.report('staging', host, hostStatus({ host, ...status }));
    const expected = new Map<string, number>();
    for (const { word } of fleetOfAll) {
      const name = isVerdictWord(word) ? word : 'unknown';
      expected.set(name, (expected.get(name) ?? 0) + 1);
    }
    expect(await verdictsOf(hub)).toEqual(Object.fromEntries(expected));
    expect(await convergedOf(hub)).toBe('0');
  });

  it('know silence, and call no environment converged that no host has reported for', async () => {
    let nowMs = Date.parse('2026-11-23T10:00:00Z');
    const hub = await withPage({ now: () => nowMs });
    await hub.put('/manifests/staging.json', manifestText('staging', 418, 'registry.example.com/web:1.1.0'));
    expect(await convergedOf(hub)).toBe('0');
    await hub.report('staging', 'web-1', hostStatus());
    expect([await convergedOf(hub), await verdictsOf(hub)]).toEqual(['1', { converged: 1 }]);
    nowMs += 200_000;
    expect([await convergedOf(hub), await verdictsOf(hub)]).toEqual(['0', { silent: 1 }]);
  });
});

describe('every answer', () => {
  it.each([
    ['GET', '/nothing', 404],
    ['POST', '/manifests/staging.json', 404],
    ['GET', '/%zz', 404],
    ['GET', '/manifests/%zz', 404],
  ])('to %s %s is an error with advice', async (method, path, status) => {
    const hub = await withPage();
    const answer = await fetch(`${hub.url}${path}`, { method, headers: bearer(PUBLISH) });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({
      error: { code: expect.any(String), message: expect.any(String), advice: expect.any(String) },
    });
  });

  it('to a packed body is no', async () => {
    const hub = await withPage();
    const headers = { ...bearer(PUBLISH), 'content-encoding': 'gzip' };
    expect((await hub.put('/manifests/staging.json', 'x', headers)).status).toBe(415);
  });
});
