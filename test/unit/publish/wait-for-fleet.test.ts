import { describe, expect, it } from 'vitest';
import type { HostReport } from '../../../src/core/fleet/host-report.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { createEnvironmentStore } from '../../../src/publish/environment-store.ts';
import { waitForFleet, type Waited, type WaitOptions } from '../../../src/publish/wait-for-fleet.ts';
import { strangeStatus } from '../../support/fleet-of-all.ts';
import { fleetOfReports } from '../../support/fleet-of-reports.ts';
import { createMemoryStore } from '../../support/memory-store.ts';
import { hostStatus, NOW_MS, serviceStatus } from '../../support/status.ts';
import { ENVIRONMENT, manifest } from '../../support/world.ts';

const target = manifest({ web: 'org/web:1.1.0' }, { serial: 418 });
const healthy = hostStatus();
const failed: Partial<Status> = {
  outcome: 'rolled-back',
  services: [serviceStatus({ outcome: 'rolled-back' })],
};
const report = (host: string, change: Partial<Status> = {}): HostReport => ({
  host,
  seenAtMs: 0,
  status: hostStatus({ host, ...change }),
});

/** What was waited for, and every change that was told. */
const wait = async (
  looks: readonly (readonly HostReport[])[],
  { lostMs = 0, ...change }: Partial<WaitOptions> & { readonly lostMs?: number } = {},
): Promise<Waited & { readonly changes: readonly string[] }> => {
  let nowMs = NOW_MS;
  let at = 0;
  const changes: string[] = [];
  const fleet = fleetOfReports(
    () => {
      const look = looks[Math.min(at, looks.length - 1)] ?? [];
      at += 1;
      return look.map((r) => ({ ...r, seenAtMs: nowMs - r.seenAtMs }));
    },
    () => nowMs,
  );
  const untilMs = nowMs + lostMs;
  const view = {
    ...createEnvironmentStore(createMemoryStore(), ENVIRONMENT, undefined),
    fleet: async (...asked: Parameters<typeof fleet>) => ({
      ...(await fleet(...asked)),
      incompleteUntilMs: nowMs < untilMs ? untilMs : undefined,
    }),
  };
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const onPoll: WaitOptions['onPoll'] = ({ changed = [] }) =>
    void changes.push(...changed.map((c) => `${c.host} ${c.verdict.word}`));
  const limits = { timeoutMs: 10_000, maxFailed: 0 };
  const options: WaitOptions = { target, hosts: undefined, which: 'all', onPoll, ...limits, ...change };
  return { ...(await waitForFleet(view, options, clock, new AbortController().signal)), changes };
};

const behind = (nextAt: string): readonly HostReport[] => {
  const source = { ...healthy.manifest.source, nextAt };
  return [report('web-1', { at: nextAt, manifest: { ...healthy.manifest, serial: 417, source } })];
};

describe('waiting for hosts', () => {
  it('never ends well while no host has reported', async () => {
    expect((await wait([[]])).outcome).toBe('timed-out');
  });

  it('goes on from no report to the first one', async () => {
    expect((await wait([[], [], [report('web-1')]])).outcome).toBe('converged');
  });

  it('does not end well while a hub that has lost its reports hears its hosts again', async () => {
    const [one, both] = [[report('web-1')], [report('web-1'), report('web-2', failed)]];
    expect((await wait([one, one, both], { lostMs: 3_000 })).outcome).toBe('failed');
    expect(await wait([one], { lostMs: 3_000 })).toMatchObject({
      outcome: 'converged',
      totals: { hosts: 1 },
    });
    expect(await wait([one], { lostMs: 60_000 })).toMatchObject({
      outcome: 'timed-out',
      incompleteUntilMs: NOW_MS + 60_000,
    });
  });

  it('does not call it a success where every host failed, however many may', async () => {
    const all = [report('web-1', failed), report('web-2', failed)];
    expect((await wait([all], { maxFailed: 5 })).outcome).toBe('failed');
    expect((await wait([[...all, report('web-3')]], { maxFailed: 5 })).outcome).toBe('converged');
  });

  it('does not take a word that it does not know for done', async () => {
    const strange: HostReport = { host: 'web-1', seenAtMs: 0, status: strangeStatus() };
    const { outcome, hosts } = await wait([[strange]]);
    expect(outcome).toBe('timed-out');
    expect(hosts.map(({ verdict }) => verdict.word)).toEqual(['hibernating']);
  });

  it('tells nothing of heartbeats: when the source is asked again is no news', async () => {
    const { changes } = await wait([behind('2026-11-23T10:00:30Z'), behind('2026-11-23T10:01:00Z')]);
    expect(changes).toEqual(['web-1 behind']);
  });

  it('looks at hosts in natural order', async () => {
    const { hosts } = await wait([['web-10', 'web-1', 'web-2'].map((host) => report(host))]);
    expect(hosts.map(({ host }) => host)).toEqual(['web-1', 'web-2', 'web-10']);
  });

  it('waits for the hosts with the labels, and for named ones without a report, whose labels are unknown', async () => {
    const where = { zone: 'a' };
    const [a, b] = [{ labels: { zone: 'a' } }, { labels: { zone: 'b' } }];
    const behindB = report('web-2', { ...b, manifest: { ...healthy.manifest, serial: 417 } });
    const done = await wait([[report('web-1', a), behindB]], { where });
    expect([done.outcome, done.hosts.map(({ host }) => host)]).toEqual(['converged', ['web-1']]);
    const hosts = ['web-1', 'web-2', 'web-3'];
    expect((await wait([[report('web-1', a), behindB]], { where, hosts })).outcome).toBe('timed-out');
    // Once it reports, its labels are known.
    const looks = [
      [report('web-1', a), behindB],
      [report('web-1', a), behindB, report('web-3', b)],
    ];
    const known = await wait(looks, { where, hosts });
    expect([known.outcome, known.changes]).toEqual(['converged', ['web-1 converged', 'web-3 silent']]);
  });

  it('never ends well without a host that has the labels', async () => {
    const labels = { zone: 'b' };
    const gone = await wait([[report('web-1', { labels })], []], { where: { zone: 'a' } });
    expect(gone).toMatchObject({ outcome: 'timed-out', hosts: [] });
    // The report of an older agent has no labels.
    expect((await wait([[report('web-1')]], { where: { zone: 'a' } })).outcome).toBe('timed-out');
    const bad = [report('web-1', { ...failed, labels }), report('web-2')];
    expect((await wait([bad], { where: labels, maxFailed: 5 })).outcome).toBe('failed');
  });

  it('fails at once where the ledger of a host is lost: a person has to act', async () => {
    const lost = report('web-1', {
      outcome: 'blocked',
      problems: [{ code: 'LEDGER', message: 'the ledger is lost', advice: 'supercargo recover' }],
      manifest: { ...healthy.manifest, state: 'none', serial: null },
    });
    const { outcome, hosts } = await wait([[lost]]);
    expect(outcome).toBe('failed');
    expect(hosts[0]?.verdict.faults).toMatchObject([
      { service: null, reason: 'ledger', advice: 'supercargo recover' },
    ]);
  });
});
