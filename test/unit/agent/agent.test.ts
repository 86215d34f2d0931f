import { describe, expect, it } from 'vitest';
import { createAgent, type Agent } from '../../../src/agent/agent.ts';
import { AgentError } from '../../../src/core/errors.ts';
import { bareManifest, createSurroundings, type Surroundings } from '../../support/agent-ports.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';

const signal = new AbortController().signal;
const COMPOSE = 'services: { web: { image: org/web, restart: always } }';

const OPTIONS = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };

const createHost = (compose = COMPOSE): Surroundings => {
  const host = createSurroundings(compose);
  host.engine.registry.push('org/web:1');
  host.engine.registry.push('org/web:2');
  host.engine.registry.push('org/web:bad', { exits: 1 });
  return host;
};

const start = async (host: Surroundings): Promise<Agent> => {
  const agent = createAgent(host, OPTIONS, { running: true, version: '0', pid: 1 }, false);
  const failure = await agent.open(signal);
  if (failure) throw failure;
  await agent.settleLedger(signal);
  return agent;
};

/** Fetches, and passes until nothing moves; the simulated clock goes on by itself. */
const settle = async (host: Surroundings, agent: Agent): Promise<Agent> => {
  await agent.intake.fetch(signal);
  for (let pass = 0; pass < 200; pass += 1) {
    await agent.pass(signal);
    await agent.reconciler.close(1_000);
    if (agent.reconciler.isSettled()) return agent;
    host.engine.advance(500);
  }
  throw new Error(`never settled: ${JSON.stringify(agent.status().services)}`);
};

const running = (host: Surroundings): readonly string[] =>
  host.engine
    .actual()
    .containers.filter((c) => c.state === 'running')
    .map((c) => `${c.owner?.service ?? c.name} ${c.owner?.version ?? ''}`);

const DRAIN = { kind: 'drain', reason: 'kernel', owner: 'ann', untilMs: null } as const;
const seconds = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

describe('the agent', () => {
  it('is not converged before it has observed the host', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    const again = createAgent(host, OPTIONS, { running: true, version: '0', pid: 1 }, false);
    await again.open(signal);
    expect(again.status()).toMatchObject({
      outcome: 'progressing',
      services: [{ service: 'web', outcome: 'progressing', reason: 'observe' }],
    });
    await again.pass(signal);
    expect(again.status().outcome).toBe('converged');
  });

  it('makes the host run what the manifest says, and says so', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    expect(running(host)).toEqual(['web 1']);
    expect(agent.status()).toMatchObject({
      outcome: 'converged',
      manifest: { state: 'accepted', serial: 1 },
    });
    host.publish(2, { web: 'org/web:2' });
    await settle(host, agent);
    expect(running(host)).toEqual(['web 2']);
    expect(host.entries.map((e) => e.event)).toContain('release.proved');
  });

  it('rolls a bad release back, also with a full disk', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    host.publish(2, { web: 'org/web:bad' });
    await agent.intake.fetch(signal);
    host.set.isDiskFull = true;
    await settle(host, agent);
    expect(running(host)).toEqual(['web 1']);
    expect(agent.status()).toMatchObject({
      outcome: 'rolled-back',
      services: [{ rolledBack: { from: 'bad', to: '1' } }],
    });
    expect(host.events.filter((e) => e.event === 'journal.failed')).toHaveLength(1);
  });

  it('invariant 8: accepts nothing that it cannot write down, and changes nothing', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    host.set.isDiskFull = true;
    host.publish(2, { web: 'org/web:2' });
    await settle(host, agent);
    expect(running(host)).toEqual(['web 1']);
    expect(agent.status()).toMatchObject({ manifest: { serial: 1 }, problems: [{ code: 'STATE_DIR' }] });
    host.set.isDiskFull = false;
    await settle(host, agent);
    expect(running(host)).toEqual(['web 2']);
  });

  it('keeps a lost ledger lost until somebody recovers it, whatever is published', async () => {
    const host = createHost();
    const first = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, first);
    host.set.stored = { kind: 'missing' };
    const agent = await start(host);
    host.publish(2, { web: 'org/web:2' });
    await settle(host, agent);
    expect(running(host)).toEqual(['web 1']);
    expect(host.set.stored).toEqual({ kind: 'missing' });
    expect(agent.status()).toMatchObject({ outcome: 'blocked', problems: [{ code: 'LEDGER' }] });
    const answer = await agent.operate({ kind: 'recover', serial: null, dryRun: false });
    expect(answer.lines).toContain('the ledger was rebuilt');
    await settle(host, agent);
    expect(running(host)).toEqual(['web 2']);
  });

  it('leaves the ledger of another environment alone, also where somebody says recover', async () => {
    const host = createHost();
    host.set.stored = { kind: 'foreign', environment: '"other"' };
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    expect(running(host)).toEqual([]);
    expect(agent.status().problems).toEqual([
      expect.objectContaining({
        code: 'LEDGER',
        advice:
          'give each environment of this host a SUPERCARGO_STATE_DIR and a SUPERCARGO_SOCKET of its own',
      }),
    ]);
    await expect(agent.operate({ kind: 'recover', serial: 5, dryRun: false })).rejects.toMatchObject({
      code: 'CONFIG',
    });
    expect(host.set.stored).toEqual({ kind: 'foreign', environment: '"other"' });
  });

  it('judges a refused manifest again when the trust changes', async () => {
    const host = createHost();
    host.set.trust = { epoch: 1, threshold: 1, keys: [] };
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    expect(agent.status().manifest).toMatchObject({ state: 'rejected', rejection: { reason: 'unsigned' } });
    host.set.trust = undefined;
    host.set.fetched = { kind: 'unchanged' };
    await agent.intake.readFiles(signal);
    await settle(host, agent);
    expect(agent.status().manifest).toMatchObject({ state: 'accepted', serial: 1 });
  });

  it('names the hub of several that hands out an older manifest, until another one shows the accepted one', async () => {
    const host = createHost();
    const agent = await start(host);
    const hand = (serial: number, from: string) => {
      const bytes = bareManifest(serial, { web: 'org/web:1' });
      host.set.fetched = { kind: 'document', bytes, from };
    };
    hand(2, 'https://hub-1/manifests/test.json');
    await settle(host, agent);
    hand(1, 'https://hub-2/manifests/test.json');
    await settle(host, agent);
    expect(agent.status().manifest).toMatchObject({
      serial: 2,
      rejection: {
        reason: 'older',
        message:
          'serial 1 is older than 2, which this host has accepted; it comes from https://hub-2/manifests/test.json',
        advice: expect.stringMatching(/^look at that hub: it is behind/) as string,
      },
    });
    hand(2, 'https://hub-1/manifests/test.json');
    await settle(host, agent);
    expect(agent.status().manifest).toMatchObject({ state: 'accepted', serial: 2, rejection: null });
  });

  it('goes on repairing with the last good compose file when the new one is broken', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    host.set.composeProblem = 'compose.yaml:3:5: services.web.prots: unknown key';
    await agent.intake.readFiles(signal);
    const [container] = host.engine.actual().containers;
    host.engine.byHand.remove(container?.name ?? '');
    await settle(host, agent);
    expect(running(host)).toEqual(['web 1']);
    expect(agent.status()).toMatchObject({ outcome: 'blocked', problems: [{ code: 'COMPOSE' }] });
  });

  it('tells an engine that is away, and goes on when it is back', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    host.engine.setOffline(true);
    await agent.pass(signal);
    expect(agent.status()).toMatchObject({ outcome: 'offline', engine: { online: false } });
    host.engine.setOffline(false);
    await settle(host, agent);
    expect(agent.status().outcome).toBe('converged');
  });

  it('tries at once again what an engine refused in its last moments', async () => {
    const host = createHost();
    const agent = await start(host);
    const error = new AgentError('ENGINE', 'cannot start: the store is closed', { retry: 'later' });
    host.engine.fail({ kind: 'start', error, times: 1 });
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    expect(agent.status().services).toMatchObject([{ outcome: 'blocked', reason: 'down' }]);
    host.engine.setOffline(true);
    await agent.pass(signal);
    host.engine.setOffline(false);
    const before = host.now();
    await settle(host, agent);
    expect(running(host)).toEqual(['web 1']);
    expect(host.now() - before).toBeLessThan(60_000);
  });

  it('keeps the tag of what runs while neither ledger nor manifest names it', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    const tags = (): readonly string[] =>
      host.engine.actual().images.flatMap((i) => i.tags.map((t) => `${t.repository}:${t.tag}`));
    const before = tags();
    host.set.stored = { kind: 'unreadable', message: 'x' };
    const other = await start(host);
    host.set.fetched = { kind: 'unchanged' };
    await settle(host, other);
    await other.operate({ kind: 'recover', serial: null, dryRun: false });
    await settle(host, other);
    expect(other.status().services).toMatchObject([{ reason: 'unpublished' }]);
    expect(tags()).toEqual(before);
    expect(before.some((t) => t.includes('supercargo-'))).toBe(true);
  });

  it('waits before it asks again for an image that could not be had, and tells until when', async () => {
    const host = createHost();
    const agent = await start(host);
    const error = new AgentError('REGISTRY', 'cannot pull: 503', {
      retry: 'later',
      advice: 'it is tried again',
    });
    host.engine.fail({ kind: 'pull', error, times: 1 });
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    const [web] = agent.status().services;
    expect(web).toMatchObject({ outcome: 'waiting', reason: 'back-off', message: 'cannot pull: 503' });
    expect(Date.parse(web?.until ?? '')).toBeGreaterThan(host.now());
    host.engine.advance(60_000);
    await settle(host, agent);
    expect(running(host)).toEqual(['web 1']);
  });

  it('refuses a hold that ends after the last date that can be written down, and goes on as if it had not been asked', async () => {
    const host = createHost();
    const agent = await start(host);
    const hold = {
      kind: 'pause',
      reason: 'x',
      owner: 'ann',
      untilMs: Date.UTC(10_000),
      all: false,
    } as const;
    await expect(agent.operate(hold)).rejects.toMatchObject({
      code: 'USAGE',
      advice: expect.stringContaining('leave the end out') as string,
    });
    expect(agent.status().hold).toBeNull();
    await agent.operate({ ...hold, untilMs: Date.UTC(10_000) - 1 });
    expect(agent.status().hold?.until).toBe('9999-12-31T23:59:59.999Z');
  });

  it('holds, resumes and tries again when it is told to', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    await agent.operate({ kind: 'pause', reason: 'migration', owner: 'ann', untilMs: null, all: false });
    host.publish(2, { web: 'org/web:bad' });
    await settle(host, agent);
    expect(agent.status()).toMatchObject({
      hold: { owner: 'ann' },
      services: [{ outcome: 'waiting', reason: 'hold' }],
    });
    await agent.operate({ kind: 'resume' });
    await settle(host, agent);
    expect(agent.status().outcome).toBe('rolled-back');
    await expect(agent.operate({ kind: 'retry', service: 'db' })).rejects.toMatchObject({
      code: 'USAGE',
      advice: 'quarantined here: web',
    });
    await expect(agent.operate({ kind: 'retry', service: '__proto__' })).rejects.toMatchObject({
      code: 'USAGE',
      message: '__proto__ is not quarantined',
    });
    await agent.operate({ kind: 'retry', service: 'web' });
    expect(agent.status().services).toMatchObject([{ failure: null }]);
    await settle(host, agent);
    expect(agent.status().outcome).toBe('rolled-back');
  });

  it('lets a second hold extend the first, and shortens it only where that is said', async () => {
    const host = createHost();
    const agent = await start(host);
    const [soon, late] = [host.now() + 60_000, host.now() + 3_600_000];
    const pause = async (change: object): Promise<readonly string[]> => {
      const command = {
        kind: 'pause',
        reason: 'x',
        owner: 'bob',
        untilMs: null,
        all: false,
        ...change,
      } as const;
      return (await agent.operate(command)).lines;
    };
    expect(await pause({ owner: 'ann', reason: 'migration', untilMs: late })).toHaveLength(1);
    const until = new Date(late).toISOString().replace('.000Z', 'Z');
    await expect(pause({ untilMs: soon })).rejects.toMatchObject({
      code: 'USAGE',
      message: `the hold of ann (migration) until ${until} holds more than this pause would`,
      advice: 'leave it, or add --replace to hold only what you say now',
    });
    expect(agent.status().hold).toMatchObject({ owner: 'ann', reason: 'migration' });
    expect(await pause({ all: true })).toEqual([
      `the hold of ann (migration) until ${until} is replaced`,
      'held until `supercargo resume`: nothing at all is changed here',
    ]);
    await expect(pause({})).rejects.toMatchObject({
      message: expect.stringContaining(
        'the hold of bob (x, repairs too) until `supercargo resume`',
      ) as string,
    });
    await pause({ untilMs: soon, replace: true });
    expect(agent.status().hold).toMatchObject({ owner: 'bob', all: false });
    const held = host.entries.filter((e) => e.event === 'hold.set').map((e) => e['until']);
    expect(held).toEqual([until, null, new Date(soon).toISOString().replace('.000Z', 'Z')]);
    host.engine.advance(60_000);
    expect(await pause({ untilMs: host.now() + 1_000 })).toHaveLength(1);
  });

  it('drains and undrains, and a second drain changes reason and end, but not the beginning', async () => {
    const host = createHost();
    const agent = await start(host);
    const sinceMs = host.now();
    expect((await agent.operate({ kind: 'undrain' })).lines).toEqual(['this host is not drained']);
    expect((await agent.operate(DRAIN)).lines).toEqual([
      'drained until `supercargo undrain`: every service leaves and stops, and none begins',
      'load balancers are not told: set SUPERCARGO_HEALTH_LISTEN, so that they stop sending before services stop',
    ]);
    host.engine.advance(60_000);
    const untilMs = host.now() + 600_000;
    const { lines } = await agent.operate({ ...DRAIN, reason: 'disk', owner: 'bob', untilMs });
    expect(lines.slice(0, 2)).toEqual([
      'the drain of ann (kernel) until `supercargo undrain` is replaced',
      `drained until ${seconds(untilMs)}, then back by itself: every service leaves and stops, and none begins`,
    ]);
    expect(agent.record.current().drain).toEqual({ reason: 'disk', owner: 'bob', sinceMs, untilMs });
    const again = await start(host);
    expect(again.record.current().drain).toEqual({ reason: 'disk', owner: 'bob', sinceMs, untilMs });
    expect((await again.operate({ kind: 'undrain' })).lines).toEqual(['the drain of bob (disk) is over']);
    expect(again.record.current().drain).toBeUndefined();
    expect(
      host.entries.filter((e) => e.event.startsWith('drain.')).map((e) => [e.event, e['owner'], e['until']]),
    ).toEqual([
      ['drain.set', 'ann', null],
      ['drain.set', 'bob', seconds(untilMs)],
      ['drain.ended', 'bob', undefined],
    ]);
  });

  it.each(['drain', 'pause'] as const)(
    'keeps the reason of a %s on one line, and refuses none',
    async (kind) => {
      const host = createHost();
      const agent = await start(host);
      const command = (reason: string) =>
        kind === 'drain' ? { ...DRAIN, reason } : { ...DRAIN, kind, reason, all: false };
      for (const reason of ['', ' \t ', '\n\n', '\u2028'])
        await expect(agent.operate(command(reason))).rejects.toMatchObject({
          code: 'USAGE',
          message: `the reason of the ${kind} is empty`,
        });
      expect(agent.record.current()).not.toMatchObject({ drain: expect.anything() as unknown });
      await agent.operate(command(' new disk,\r\nask Ann\n'));
      const { drain, hold } = agent.record.current();
      expect((kind === 'drain' ? drain : hold)?.reason).toBe('new disk, ask Ann');
      expect(host.entries.find((e) => e.event.endsWith('.set'))?.['reason']).toBe('new disk, ask Ann');
    },
  );

  it('reports the labels of its host', async () => {
    const identity = { running: true, version: '0', pid: 1 };
    const labels = { zone: 'a', canary: 'true' };
    const agent = createAgent(createHost(), { ...OPTIONS, labels }, identity, false);
    expect(agent.status().labels).toEqual(labels);
    expect(createAgent(createHost(), OPTIONS, identity, false).status().labels).toEqual({});
  });

  it('reports a drain, and that it is done once no container of it is up', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    expect(agent.status().draining).toBeNull();
    await agent.operate(DRAIN);
    const since = new Date(host.now()).toISOString();
    const draining = { reason: 'kernel', owner: 'ann', since, until: null, done: false };
    expect(agent.status().draining).toEqual(draining);
    const again = await start(host);
    expect(again.status().draining).toEqual(draining);
    const empty = createHost();
    const idle = await start(empty);
    await idle.operate(DRAIN);
    expect(idle.status().draining?.done).toBe(false);
    await settle(empty, idle);
    expect(idle.status().draining?.done).toBe(true);
  });

  it('begins a drain anew where the last one is over', async () => {
    const host = createHost();
    const agent = await start(host);
    await agent.operate({ ...DRAIN, untilMs: host.now() + 1_000 });
    host.engine.advance(1_000);
    expect((await agent.operate({ kind: 'undrain' })).lines).toEqual(['this host is not drained']);
    expect((await agent.operate(DRAIN)).lines[0]).toContain('drained until `supercargo undrain`');
    expect(agent.record.current().drain?.sinceMs).toBe(host.now());
  });

  it('refuses a drain that ends after the last possible date, and one under a hold of everything', async () => {
    const host = createHost();
    const agent = await start(host);
    await expect(agent.operate({ ...DRAIN, untilMs: Date.UTC(10_000) })).rejects.toMatchObject({
      code: 'USAGE',
      advice: 'leave the end out: the drain then lasts until `supercargo undrain`',
    });
    await agent.operate({ kind: 'pause', reason: 'forensics', owner: 'bob', untilMs: null, all: true });
    await expect(agent.operate(DRAIN)).rejects.toMatchObject({
      code: 'USAGE',
      message:
        'the hold of bob (forensics, repairs too) until `supercargo resume` changes nothing at all here, ' +
        'so no service can stop',
      advice: 'end the hold first: `supercargo resume`',
    });
    expect(agent.record.current().drain).toBeUndefined();
  });

  it('says after the end of a drain that a hold of everything still lets nothing begin', async () => {
    const host = createHost();
    const agent = await start(host);
    await agent.operate(DRAIN);
    await agent.operate({ kind: 'pause', reason: 'forensics', owner: 'bob', untilMs: null, all: true });
    expect((await agent.operate({ kind: 'undrain' })).lines).toEqual([
      'the drain of ann (kernel) is over',
      'but the hold of bob (forensics, repairs too) until `supercargo resume` changes nothing at all here: ' +
        'services stay as they are',
    ]);
  });

  it('tries again the version that is wanted now, although another failed after it', async () => {
    const host = createHost();
    host.engine.registry.push('org/web:worse', { exits: 1 });
    const agent = await start(host);
    for (const [serial, version] of [
      [1, '1'],
      [2, 'bad'],
      [3, 'worse'],
      [4, 'bad'],
    ] as const) {
      host.publish(serial, { web: `org/web:${version}` });
      await settle(host, agent);
    }
    const retry = async (): Promise<readonly string[]> =>
      (await agent.operate({ kind: 'retry', service: 'web' })).lines;
    expect(await retry()).toEqual(['web bad is tried again']);
    await settle(host, agent);
    await agent.operate({ kind: 'pause', reason: 'x', owner: 'ann', untilMs: null, all: false });
    host.publish(5, { web: 'org/web:2' });
    await settle(host, agent);
    expect(await retry()).toEqual(['web bad may be tried again; another version is wanted here now']);
  });

  it('keeps the plan of a host where nothing has changed, and makes another one of what has', async () => {
    const host = createHost();
    const agent = await start(host);
    host.publish(1, { web: 'org/web:1' });
    await settle(host, agent);
    const { actual, plan } = agent.reconciler.view();
    host.engine.advance(60_000);
    const written = host.set.writes;
    await agent.intake.fetch(signal);
    await agent.pass(signal);
    expect(agent.reconciler.view()).toMatchObject({ actual, plan });
    expect(agent.reconciler.view().plan).toBe(plan);
    expect(agent.reconciler.busy()).toEqual([]);
    expect(host.set.writes).toBe(written);
    host.engine.byHand.stop(host.engine.actual().containers.find((c) => c.owner)?.name ?? '');
    await agent.pass(signal);
    expect(agent.reconciler.view().plan?.services[0]?.decision.kind).toBe('act');
  });
});
