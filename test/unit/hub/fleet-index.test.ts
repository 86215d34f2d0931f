import { describe, expect, it } from 'vitest';
import type { FleetStore } from '../../../src/core/ports/fleet-store.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { wordOf } from '../../../src/hub/fleet/fleet-index.ts';
import { fleetDocument } from '../../../src/hub/routes/fleet-document.ts';
import { newReport } from '../../support/fleet-store-contract.ts';
import { openReportsOf, type OpenedReports } from './open-reports.ts';

const turns = (life: string, seq: number): Partial<Status> => ({
  turns: { mode: 'manifest', life, seq, asked: ['web'], store: 'answers', message: null, revision: 7 },
});
const take = async (reports: OpenedReports, ...of: Parameters<typeof newReport>): Promise<string> => {
  const { host, bytes, tag } = newReport(...of);
  expect(await reports.take('staging', host, bytes)).toMatchObject({ kind: 'taken', tag });
  return tag;
};
const hosts = (reports: OpenedReports): readonly string[] => reports.all('staging').map(({ host }) => host);

describe('the index of a fleet', () => {
  it('has what reports say, sorted by name, and gives words to the rules of turns', async () => {
    const reports = await openReportsOf({ ms: Date.now() });
    await take(reports, 'web-2', turns('a', 3));
    const tag = await take(reports, 'web-1', { ...turns('b', 5), labels: { zone: 'a' } });
    expect(hosts(reports)).toEqual(['web-1', 'web-2']);
    const report = reports.find('staging', 'web-1');
    expect(report).toMatchObject({ tag, summary: { outcome: 'converged', labels: { zone: 'a' } } });
    const { summary } = newReport('web-1', { ...turns('b', 5), labels: { zone: 'a' } });
    expect(report && wordOf(report)).toEqual(summary.word);
    const old = newReport('web-3');
    await take(reports, 'web-3');
    expect(reports.all('staging').map(wordOf).at(-1)).toEqual(old.summary.word);
  });

  it('shares what hosts have in common', async () => {
    const reports = await openReportsOf({ ms: Date.now() });
    await take(reports, 'web-1', turns('a', 3));
    await take(reports, 'web-2', turns('b', 4));
    await take(reports, 'web-3', { outcome: 'blocked' });
    const [first, second, third] = reports.all('staging').map(({ summary }) => summary);
    expect(second).toBe(first);
    expect(third?.judged.services).toBe(first?.judged.services);
  });

  it('takes the number of a heartbeat into the word, which is no news', async () => {
    const reports = await openReportsOf({ ms: Date.now() });
    const tag = await take(reports, 'web-1', turns('a', 3));
    const newsRevision = reports.newsRevision('staging');
    const { revision } = reports.hearing('staging');
    const calls = reports.calls.length;
    expect(await reports.beat('staging', { host: 'web-1', tag, seq: 9 })).toBe('taken');
    expect(reports.calls.slice(calls)).toEqual(['heard staging']);
    expect(reports.all('staging').map(wordOf)).toMatchObject([{ turns: { life: 'a', seq: 9, revision: 7 } }]);
    expect(reports.newsRevision('staging')).toBe(newsRevision);
    expect(reports.hearing('staging').revision).toBeGreaterThan(revision);
  });

  it('says when a host last had news: a change, or a report after a silence', async () => {
    const clock = { ms: Date.now() };
    const reports = await openReportsOf(clock);
    const newsOf = (host: string): number | undefined => reports.find('staging', host)?.newsRevision;
    const revision = (): number => reports.hearing('staging').revision;
    await take(reports, 'web-1');
    const first = newsOf('web-1');
    expect(first).toBe(revision());
    await take(reports, 'web-1', { at: new Date(clock.ms).toISOString() });
    expect(newsOf('web-1')).toBe(first);
    const tag = await take(reports, 'web-1', { outcome: 'blocked' });
    expect(newsOf('web-1')).toBe(revision());
    clock.ms += 181_000;
    await reports.beat('staging', { host: 'web-1', tag, seq: null });
    expect(newsOf('web-1')).toBe(revision());
  });

  it('follows what another hub of the store takes and removes', async () => {
    const clock = { ms: Date.now() };
    const first = await openReportsOf(clock);
    await take(first, 'web-1');
    await take(first, 'web-2');
    const second = await openReportsOf(clock, undefined, first.store);
    expect(hosts(second)).toEqual(['web-1', 'web-2']);
    await second.remove('staging', 'web-1');
    await take(second, 'web-3', { outcome: 'blocked' });
    await first.refresh('staging');
    expect(hosts(first)).toEqual(['web-2', 'web-3']);
    expect([...first.removed('staging')]).toEqual(['web-1']);
    expect(first.hearing('staging')).toEqual(second.hearing('staging'));
    expect(first.newsRevision('staging')).toBe(second.newsRevision('staging'));
    await take(first, 'web-1');
    expect([...first.removed('staging')]).toEqual([]);
  });

  it('begins anew with another life of the store, and says so', async () => {
    const clock = { ms: Date.now() };
    const [before, after] = [await openReportsOf(clock), await openReportsOf(clock)];
    await take(before, 'web-1');
    await take(before, 'web-2');
    await before.remove('staging', 'web-2');
    await take(after, 'web-3');
    const current: { store: FleetStore } = { store: before.store };
    const moved: FleetStore = {
      ...before.store,
      changes: (environment, since) => current.store.changes(environment, since),
    };
    const reports = await openReportsOf(clock, undefined, moved);
    expect([hosts(reports), [...reports.removed('staging')]]).toEqual([['web-1'], ['web-2']]);
    current.store = after.store;
    const calls = reports.calls.length;
    await reports.refresh('staging');
    expect([hosts(reports), [...reports.removed('staging')]]).toEqual([['web-3'], []]);
    expect(reports.calls.slice(calls)).toEqual(['changed staging', 'heard staging']);
  });

  it('acknowledges what is stored, though the store cannot be read again', async () => {
    const clock = { ms: Date.now() };
    const { store } = await openReportsOf(clock);
    const away = new AgentError('STORE', 'the store is away', { retry: 'later' });
    const reports = await openReportsOf(clock, undefined, {
      ...store,
      changes: async () => Promise.reject(away),
    });
    await take(reports, 'web-1');
    await expect(reports.refresh('staging')).rejects.toThrow('the store is away');
    expect(hosts(reports)).toEqual([]);
  });

  it('remembers no environment that was only asked for', async () => {
    const reports = await openReportsOf({ ms: 1000 });
    await reports.refresh('nothing');
    expect(reports.environments()).toEqual([]);
    expect(reports.hearing('nothing')).toMatchObject({ life: '', revision: 0, runBeganMs: 1000 });
  });
});

describe('the whole list of reports', () => {
  it('is refused once it has more bytes than its readers take', async () => {
    const reports = await openReportsOf({ ms: Date.now() });
    for (const host of ['web-1', 'web-2']) await take(reports, host);
    const size = newReport('web-1').bytes.length;
    expect(await fleetDocument(reports, 'staging', 0, 2 * size)).toBeUndefined();
    const whole = await fleetDocument(reports, 'staging', 0, 3 * size);
    expect(JSON.parse(whole?.toString() ?? '')).toMatchObject({ names: ['web-1.json', 'web-2.json'] });
  });

  it('leaves out a host that was removed meanwhile', async () => {
    const reports = await openReportsOf({ ms: Date.now() });
    for (const host of ['web-1', 'web-2']) await take(reports, host);
    const without = { all: reports.all, bytesOf: async () => reports.store.reports('staging', ['web-2']) };
    const whole = await fleetDocument(without, 'staging', 0);
    expect(JSON.parse(whole?.toString() ?? '')).toMatchObject({
      names: ['web-2.json'],
      hosts: [{ host: 'web-2' }],
    });
  });
});
