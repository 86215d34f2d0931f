import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHubFiles } from '../../../src/adapters/hub-files/hub-files.ts';
import { AgentError } from '../../../src/core/errors.ts';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import { DEFAULT_LIMITS } from '../../../src/hub/limits.ts';
import type { ServiceStatus, Status } from '../../../src/core/status/status-document.ts';
import { forgetSilent } from '../../../src/hub/fleet/forget-silent.ts';
import { strangeStatus } from '../../support/fleet-of-all.ts';
import { eventually } from '../../support/poll.ts';
import { hostStatus, serviceStatus } from '../../support/status.ts';
import { openReportsOf } from './open-reports.ts';
import { bearer, PUBLISH, READ, scene, SECRET, SECRETS_WITH_READ, noFiles } from './scene.ts';

interface Fleet {
  readonly names: readonly string[];
  readonly hosts: readonly { readonly host: string; readonly receivedAt: string; readonly status: Status }[];
}
const fleetOf = async (response: Response): Promise<Fleet> => (await response.json()) as Fleet;
const of = (host: string, change: Partial<Status> = {}): Status => hostStatus({ host, ...change });

describe('reporting to a hub', () => {
  it('shows the report as it came, by itself and in the list', async () => {
    const hub = await scene();
    expect((await hub.report('staging', 'web-2', of('web-2'))).status).toBe(201);
    expect((await hub.report('staging', 'web-1.example.com', of('web-1.example.com'))).status).toBe(201);
    expect((await hub.report('staging', 'web-2', of('web-2', { outcome: 'blocked' }))).status).toBe(204);
    expect(await (await hub.get('/reports/staging/web-2.json')).json()).toEqual(
      of('web-2', { outcome: 'blocked' }),
    );
    const fleet = await fleetOf(await hub.get('/reports/staging'));
    expect(fleet).toMatchObject({ apiVersion: 'supercargo/fleet/v1', environment: 'staging' });
    expect(fleet.names).toEqual(['web-1.example.com.json', 'web-2.json']);
    expect(fleet.hosts.map(({ host, status }) => [host, status.outcome])).toEqual([
      ['web-1.example.com', 'converged'],
      ['web-2', 'blocked'],
    ]);
    expect(await fleetOf(await hub.get('/reports/staging/'))).toMatchObject({ names: fleet.names });
    expect(await fleetOf(await hub.get('/reports/production'))).toMatchObject({ names: [], hosts: [] });
    expect(await (await hub.get('/manifests/')).json()).toMatchObject({
      environments: ['staging'],
      names: [],
    });
  });

  it('is on disk when it is acknowledged, and there again after a restart', async () => {
    const hub = await scene();
    await hub.report('staging', 'web-1', of('web-1'));
    expect(JSON.parse(await readFile(join(hub.folder, 'reports/staging/web-1.json'), 'utf8'))).toEqual(
      of('web-1'),
    );
    const before = await fleetOf(await hub.get('/reports/staging'));
    await writeFile(join(hub.folder, 'reports/staging/web-9.json'), 'not a report');
    await hub.restart();
    const after = await fleetOf(await hub.get('/reports/staging'));
    expect(after.names).toEqual(['web-1.json']);
    const drift =
      Date.parse(after.hosts[0]?.receivedAt ?? '') - Date.parse(before.hosts[0]?.receivedAt ?? '');
    expect(Math.abs(drift)).toBeLessThan(5000);
  });

  it('takes only the token of that very host', async () => {
    const hub = await scene({ secrets: SECRETS_WITH_READ });
    const send = async (token: string | undefined): Promise<number> =>
      (
        await hub.put(
          '/reports/staging/web-1.json',
          JSON.stringify(of('web-1')),
          token === undefined ? {} : bearer(token),
        )
      ).status;
    expect(await send(undefined)).toBe(401);
    expect(await send(hostToken(SECRET, 'staging', 'web-2'))).toBe(403);
    expect(await send(hostToken(SECRET, 'production', 'web-1'))).toBe(403);
    expect(await send(PUBLISH)).toBe(403);
    expect(await send(READ)).toBe(403);
    expect(await send(hostToken(SECRET, 'staging', 'web-1'))).toBe(201);
    const own = bearer(hostToken(SECRET, 'staging', 'web-1'));
    expect((await hub.get('/reports/staging/web-1.json', own)).status).toBe(401);
    expect((await hub.remove('/reports/staging/web-1.json', own)).status).toBe(401);
    expect(hub.events.some(({ fields }) => JSON.stringify(fields).includes(SECRET))).toBe(false);
  });

  it.each([
    ['another host', of('web-2'), 422],
    ['another environment', of('web-1', { environment: 'production' }), 422],
    ['no status document', { apiVersion: 'supercargo/status/v1' }, 422],
    ['an outcome that is no word', { ...of('web-1'), outcome: 7 }, 422],
    ['a time that is none', { ...of('web-1'), at: 'now' }, 422],
  ])('of %s is refused', async (_what, body, status) => {
    const hub = await scene();
    const answer = await hub.report('staging', 'web-1', body);
    expect(answer.status).toBe(status);
    expect((await hub.get('/reports/staging/web-1.json')).status).toBe(404);
  });

  it.each([
    ['no JSON', '{', 400],
    ['a byte order mark', `\uFEFF${JSON.stringify(of('web-1'))}`, 400],
    ['a prototype', JSON.stringify(of('web-1')).replace('{', '{"__proto__":{},'), 422],
    ['too much', `"${'x'.repeat(256 * 1024)}"`, 413],
    ['a member twice', JSON.stringify(of('web-1')).replace('{', '{"host":"web-1",'), 400],
  ])('with %s is refused', async (_what, body, status) => {
    const hub = await scene();
    const headers = bearer(hostToken(SECRET, 'staging', 'web-1'));
    expect((await hub.put('/reports/staging/web-1.json', body, headers)).status).toBe(status);
    expect((await fleetOf(await hub.get('/reports/staging'))).hosts).toEqual([]);
  });

  it('takes words that it does not know, gives them out as they came, and knows them after a restart', async () => {
    const hub = await scene();
    await hub.publish('staging', 418);
    expect((await hub.report('staging', 'web-1', strangeStatus())).status).toBe(201);
    await hub.restart();
    const { hosts } = await fleetOf(await hub.get('/reports/staging'));
    expect(hosts.map(({ status }) => status)).toEqual([strangeStatus()]);
    const metrics = await (await hub.get('/metrics')).text();
    expect(metrics).toContain('supercargo_hub_hosts{environment="staging",outcome="unknown"} 1\n');
    expect(metrics).toContain('supercargo_hub_hosts{environment="staging",outcome="converged"} 0\n');
    expect(metrics).toContain('supercargo_hub_converged{environment="staging"} 0\n');
  });

  it('keeps what a newer agent says more', async () => {
    const hub = await scene();
    const draining = { reason: 'kernel', owner: 'ann', since: of('web-1').at, until: null, done: true };
    for (const more of [
      { ...of('web-1'), added: { later: true } },
      { ...of('web-1'), draining: { ...draining, later: 1 } },
      { ...of('web-1'), labels: { zone: 'a', 'of a newer agent': '' } },
      { ...of('web-1'), draining: null, services: [{ ...serviceStatus(), serves: false }] },
    ]) {
      expect([201, 204]).toContain((await hub.report('staging', 'web-1', more)).status);
      expect(await (await hub.get('/reports/staging/web-1.json')).json()).toEqual(more);
    }
  });

  it('has the labels of hosts in its metrics, also after a restart, and none of an older agent', async () => {
    const hub = await scene();
    const labelled = { ...of('web-1'), labels: { zone: 'a', canary: 'true' } };
    expect((await hub.report('staging', 'web-1', labelled)).status).toBe(201);
    expect((await hub.report('staging', 'web-2', of('web-2'))).status).toBe(201);
    await hub.restart();
    const metrics = (await (await hub.get('/metrics')).text()).split('\n');
    expect(metrics.filter((line) => line.startsWith('supercargo_hub_host_labels'))).toEqual([
      'supercargo_hub_host_labels{environment="staging",host="web-1",zone="a",canary="true"} 1',
    ]);
  });

  it('refuses labels that are no texts by names', async () => {
    const hub = await scene();
    for (const labels of [{ zone: 1 }, null, 'zone=a'])
      expect((await hub.report('staging', 'web-1', { ...of('web-1'), labels })).status).toBe(422);
  });

  it('calls a drained host so in its metrics', async () => {
    const hub = await scene();
    await hub.publish('staging', 418);
    const draining = { reason: 'kernel', owner: 'ann', since: of('web-1').at, until: null, done: true };
    expect((await hub.report('staging', 'web-1', { ...of('web-1'), draining })).status).toBe(201);
    const metrics = await (await hub.get('/metrics')).text();
    expect(metrics).toContain('supercargo_hub_verdicts{environment="staging",verdict="drained"} 1\n');
    expect(metrics).toContain('supercargo_hub_converged{environment="staging"} 0\n');
  });

  it('leaves out a host that has been silent for too long, where that is wanted', async () => {
    const clock = { ms: Date.now() };
    const hour = 3_600_000;
    const hub = await scene({ now: () => clock.ms });
    for (const host of ['web-1', 'web-2']) await hub.report('staging', host, of(host));
    await hub.stop();
    clock.ms += 25 * hour;
    const reports = await openReportsOf(clock, { ...noFiles, ...readHubFiles(hub.folder) });
    const log: unknown[] = [];
    const context = {
      reports,
      now: () => clock.ms,
      log: { write: (_level: string, _event: string, fields?: object) => void log.push(fields) },
    };
    const names = (): readonly string[] => reports.all('staging').map(({ host }) => host);
    // Each host gets an hour to report again.
    await forgetSilent(context, 24 * hour);
    expect(names()).toEqual(['web-1', 'web-2']);
    clock.ms += 2 * hour;
    await reports.take('staging', 'web-2', Buffer.from(JSON.stringify(of('web-2'))));
    await forgetSilent(context, 24 * hour);
    expect(names()).toEqual(['web-2']);
    expect(log).toEqual([{ environment: 'staging', host: 'web-1', reason: 'silent' }]);
  });

  it('has no room for more hosts than it was given, until one is removed', async () => {
    const hub = await scene({ limits: { ...DEFAULT_LIMITS, environments: 2, hosts: 1 } });
    await hub.report('staging', 'web-1', of('web-1'));
    expect((await hub.report('staging', 'web-2', of('web-2'))).status).toBe(507);
    expect((await hub.report('staging', 'web-1', of('web-1'))).status).toBe(204);
    expect((await hub.remove('/reports/staging/web-1.json', {})).status).toBe(401);
    expect((await hub.remove('/reports/staging/web-1.json')).status).toBe(204);
    expect((await hub.remove('/reports/staging/web-1.json')).status).toBe(404);
    expect(await readdir(join(hub.folder, 'reports/staging'))).toEqual([]);
    expect((await hub.report('staging', 'web-2', of('web-2'))).status).toBe(201);
  });

  it('of nothing but faults is left at the first one', async () => {
    const hub = await scene();
    const services = Array.from({ length: 50_000 }, () => ({}));
    const answer = await hub.report('staging', 'web-1', of('web-1', { services } as object));
    expect(answer.status).toBe(422);
    const { error } = (await answer.json()) as { error: { message: string } };
    expect(error.message).toBe('the report is not valid: services.0.service is missing: add it');
  });

  it('of more services than the hub allows is refused with what to do', async () => {
    const hub = await scene({ limits: { ...DEFAULT_LIMITS, services: 2 } });
    const [service] = of('web-1').services;
    const services = ['a', 'b', 'c'].map((name) => ({ ...service, service: name }) as ServiceStatus);
    const report = async (count: number): Promise<Response> =>
      hub.report('staging', 'web-1', of('web-1', { services: services.slice(0, count) }));
    expect((await report(2)).status).toBe(201);
    const answer = await report(3);
    expect(answer.status).toBe(422);
    expect(await answer.text()).toMatch(/3 services, more than 2.*--max-services/);
  });

  it('that the disk refuses is not acknowledged', async () => {
    const hub = await scene({
      disk: (files) => ({
        ...files,
        apply: (changes) => Promise.resolve(changes.map(() => new AgentError('STORE', 'no space is left'))),
      }),
    });
    expect((await hub.report('staging', 'web-1', of('web-1'))).status).toBe(500);
    expect(await (await hub.get('/metrics')).text()).toMatch(/supercargo_hub_failed_writes_total 1/);
  });

  it('is written less often where the disk is slow, and the last one stays', async () => {
    const gate = Promise.withResolvers<void>();
    const writes: string[] = [];
    const hub = await scene({
      disk: (files) => ({
        ...files,
        apply: async (changes) => {
          writes.push(...changes.map(({ path }) => path));
          await gate.promise;
          return files.apply(changes);
        },
      }),
    });
    const reports = Array.from({ length: 20 }, (_, index) =>
      hub.report('staging', 'web-1', of('web-1', { hold: null, at: new Date(index).toISOString() })),
    );
    await eventually(async () => (await hub.get('/reports/staging/web-1.json')).status === 200, {
      describe: () => 'the report is seen before it is written',
    });
    gate.resolve();
    const answers = await Promise.all(reports);
    expect(answers.every(({ ok }) => ok)).toBe(true);
    expect(writes.length).toBeLessThan(20);
    const kept = await readFile(join(hub.folder, 'reports/staging/web-1.json'), 'utf8');
    expect(await (await hub.get('/reports/staging/web-1.json')).text()).toBe(kept);
  });

  it.each([
    '/reports/staging/web 1.json',
    '/reports/staging/.x.json',
    '/reports/Staging/web-1.json',
    `/reports/staging/${'a'.repeat(251)}.json`,
    '/reports/staging/a%2Fb.json',
  ])('%s is no address', async (path) => {
    const hub = await scene();
    expect((await hub.put(path, '{}', bearer('x'))).status).toBe(404);
  });
});

describe('reading reports', () => {
  it('needs a token once there is one', async () => {
    const hub = await scene({ secrets: SECRETS_WITH_READ });
    await hub.report('staging', 'web-1', of('web-1'));
    for (const path of [
      '/reports/staging',
      '/reports/staging/',
      '/reports/staging/web-1.json',
      '/metrics',
      '/events',
      '/manifests/',
      '/manifests/staging.json',
    ]) {
      const answer = await hub.get(path);
      expect([path, answer.status]).toEqual([path, 401]);
    }
    for (const token of [READ, PUBLISH])
      expect((await hub.get('/reports/staging', bearer(token))).status).toBe(200);
    expect((await hub.get('/healthz')).status).toBe(200);
  });

  it.each([
    ['a proxy', { 'x-forwarded-for': '192.0.2.1' }],
    ['another proxy', { forwarded: 'for=192.0.2.1' }],
  ])('without a read token is refused through %s', async (_what, headers) => {
    const hub = await scene();
    expect((await hub.get('/reports/staging', headers as Record<string, string>)).status).toBe(403);
    expect((await hub.get('/reports/staging')).status).toBe(200);
  });

  it('without a read token is refused on an address that others reach', async () => {
    const hub = await scene({ listen: { host: '0.0.0.0', port: 0 } });
    expect((await hub.get('/reports/staging')).status).toBe(403);
    expect((await hub.get('/reports/staging', bearer(PUBLISH))).status).toBe(200);
    expect((await hub.get('/manifests/staging.json')).status).toBe(404);
  });

  it('gives the very same list under the same strong tag, however much later', async () => {
    let nowMs = Date.now();
    const hub = await scene({ now: () => (nowMs += 1000) });
    const look = async (): Promise<readonly [string | null, string]> => {
      const answer = await hub.get('/reports/staging');
      return [answer.headers.get('etag'), await answer.text()];
    };
    const empty = await look();
    expect(empty[0]).toMatch(/^"/);
    expect(await look()).toEqual(empty);
    await hub.report('staging', 'web-1', of('web-1'));
    const one = await look();
    expect(one[0]).toMatch(/^"/);
    expect(one[0]).not.toBe(empty[0]);
    expect(await look()).toEqual(one);
    await hub.restart();
    expect((await look())[0]).not.toBe(one[0]);
  });

  it('says so where the same tag is asked for again', async () => {
    const hub = await scene();
    await hub.report('staging', 'web-1', of('web-1'));
    for (const path of ['/reports/staging', '/reports/staging/web-1.json']) {
      const tag = (await hub.get(path)).headers.get('etag') ?? '';
      expect((await hub.get(path, { 'if-none-match': tag })).status).toBe(304);
      await hub.report(
        'staging',
        'web-1',
        of('web-1', { at: new Date(Date.now() + tag.length).toISOString() }),
      );
      expect((await hub.get(path, { 'if-none-match': tag })).status).toBe(200);
    }
  });
});
