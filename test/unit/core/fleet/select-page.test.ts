import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatFleetQuery,
  parseFleetQuery,
  writeCursor,
  writeRevision,
  type FleetQuery,
} from '../../../../src/core/fleet/fleet-query.ts';
import { addTotals } from '../../../../src/core/fleet/fleet-totals.ts';
import type { HostReport } from '../../../../src/core/fleet/host-report.ts';
import { rankOf, selectPage } from '../../../../src/core/fleet/select-page.ts';
import { VERDICT_KINDS } from '../../../../src/core/vocabulary/outcomes.ts';
import { pageOfReports } from '../../../../src/publish/whole-fleet.ts';
import { WANTED_SERIAL } from '../../../support/fleet-of-all.ts';
import { indexedFleet, indexedReport, randomReports } from '../../../support/random-fleet.ts';
import { hostStatus, NOW_MS } from '../../../support/status.ts';
import { countBy, judgeFleet, selectHosts } from '../../../support/whole-list.ts';
import { manifest } from '../../../support/world.ts';

const target = manifest({ web: 'org/web:1.1.0' }, { serial: WANTED_SERIAL });
const options = { desired: target, nowMs: NOW_MS, highestPublished: WANTED_SERIAL, isBounded: true };

const where = fc.constantFrom(undefined, { zone: 'a' }, { zone: 'b', canary: 'true' }, { zone: 'c' });
const query = fc.record<FleetQuery>({
  where,
  kinds: fc.option(fc.subarray([...VERDICT_KINDS], { minLength: 1 }), { nil: undefined }),
  hosts: fc.option(fc.uniqueArray(fc.stringMatching(/^(web|db)-[0-9]{1,2}$/), { minLength: 1 }), {
    nil: undefined,
  }),
  order: fc.constantFrom('name', 'severity'),
  limit: fc.integer({ min: 1, max: 7 }),
  status: fc.constant('none'),
});

/** Follows the pages to the end. */
const names = (reports: readonly HostReport[], asked: FleetQuery): readonly string[] => {
  const fleet = indexedFleet(reports.map((report) => indexedReport(report)));
  const found: string[] = [];
  let after: string | undefined;
  for (;;) {
    const { hosts, hasMore } = selectPage(fleet, { ...asked, after }, options);
    expect(hosts.length).toBeLessThanOrEqual(asked.limit);
    found.push(...hosts.map(({ host }) => host));
    const last = hosts.at(-1);
    after = last && writeCursor(last, asked.order);
    if (!hasMore) return found;
  }
};

/** What a reader of the whole list makes of it. */
const judged = (reports: readonly HostReport[], asked: FleetQuery) =>
  selectHosts(judgeFleet<HostReport>(reports, asked.hosts, target, NOW_MS), asked.where);

describe('a page of a fleet', () => {
  it('judges hosts that differ in labels alone once, and silent ones apart', () => {
    const { summary } = indexedReport({ host: 'web-1', seenAtMs: NOW_MS, status: hostStatus() });
    const lookedAt = (count: number): number => {
      let looks = 0;
      const shared = {
        ...summary.judged,
        get services() {
          looks += 1;
          return summary.judged.services;
        },
      };
      const hosts = Array.from({ length: count }, (_, at) => {
        const host = `web-${String(at)}`;
        return {
          host,
          receivedAtMs: at === 0 ? 0 : NOW_MS,
          newsRevision: 1,
          summary: { ...summary, labels: { name: host }, judged: shared },
        };
      });
      const asked = { order: 'name', limit: 0, status: 'none' } as const;
      const { totals } = selectPage(indexedFleet(hosts), asked, options);
      expect(totals.kinds.silent).toBe(1);
      expect(totals.runs.map((run) => run.hosts)).toEqual(summary.agent.runs.map(() => count - 1));
      return looks;
    };
    expect(lookedAt(50)).toBe(lookedAt(5));
  });

  it('has the hosts of the whole list that the query asks for, each once, in its order', () => {
    fc.assert(
      fc.property(randomReports, query, (reports, asked) => {
        const listed = judged(reports, asked).filter(
          ({ verdict }) => asked.kinds?.includes(verdict.kind) ?? true,
        );
        const sorted =
          asked.order === 'name'
            ? listed
            : listed.toSorted((a, b) => rankOf(a.verdict.word) - rankOf(b.verdict.word));
        expect(names(reports, asked)).toEqual(sorted.map(({ host }) => host));
      }),
    );
  });

  it('has the totals of the whole list, also where they are added up from parts', () => {
    fc.assert(
      fc.property(randomReports, query, (reports, asked) => {
        const fleet = indexedFleet(reports.map((report) => indexedReport(report)));
        const { totals } = selectPage(fleet, asked, options);
        const all = judged(reports, asked);
        expect(totals).toMatchObject({
          hosts: all.length,
          reported: all.filter(({ report }) => report !== undefined).length,
        });
        expect(new Map(totals.words.map(({ word, hosts }) => [word, hosts]))).toEqual(
          countBy(all, ({ verdict }) => [verdict.word]),
        );
        const ranks = totals.words.map(({ word }) => rankOf(word));
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
        expect(new Map(totals.labels.map(({ label, hosts }) => [label, hosts]))).toEqual(
          countBy(all, ({ report }) =>
            Object.entries(report?.status.labels ?? {}).map(([name, value]) => `${name}=${value}`),
          ),
        );
        for (const kind of VERDICT_KINDS)
          expect(totals.kinds[kind]).toBe(all.filter(({ verdict }) => verdict.kind === kind).length);
        expect(pageOfReports(reports, { target, query: asked }, NOW_MS).totals).toEqual(totals);
        const [first = [], second = []] = [asked.hosts?.slice(0, 2), asked.hosts?.slice(2)];
        const of = (hosts: readonly string[]) => selectPage(fleet, { ...asked, hosts }, options).totals;
        const sum = addTotals(of(first), of(second));
        const { runs: _runs, serials, ...rest } = of([...first, ...second]);
        expect(sum).toMatchObject({ hosts: rest.hosts, kinds: rest.kinds, words: rest.words });
        expect(sum.serials.map(({ serial, hosts }) => [serial, hosts])).toEqual(
          serials.map(({ serial, hosts }) => [serial, hosts]),
        );
      }),
    );
  });

  it('since a revision has every host whose verdict is another one', () => {
    const later = fc.integer({ min: 0, max: 400_000 });
    fc.assert(
      fc.property(randomReports, randomReports, later, (before, news, laterMs) => {
        const nowMs = NOW_MS + laterMs;
        const revision = { life: 'life', number: 1, serial: WANTED_SERIAL, atMs: NOW_MS };
        const heard = news.map((report) => ({ ...report, seenAtMs: nowMs }));
        const hosts = new Map([...before, ...heard].map((report) => [report.host, report]));
        const fleet = indexedFleet(
          [...hosts.values()].map((report) => indexedReport(report, heard.includes(report) ? 2 : 1)),
          2,
        );
        const asked: FleetQuery = {
          order: 'name',
          limit: 1000,
          status: 'none',
          since: writeRevision(revision),
        };
        const page = selectPage(fleet, asked, { ...options, nowMs });
        const known = new Map(
          judgeFleet(before, undefined, target, NOW_MS).map((h) => [h.host, h.verdict.word]),
        );
        const changed = judgeFleet([...hosts.values()], undefined, target, nowMs).filter(
          ({ host, verdict }) => known.get(host) !== verdict.word,
        );
        expect(page.isWhole).toBe(false);
        expect(page.hosts.map(({ host }) => host)).toEqual(
          expect.arrayContaining(changed.map(({ host }) => host)),
        );
      }),
    );
  });

  it('begins anew where the revision says nothing of this fleet', () => {
    const fleet = indexedFleet([indexedReport({ host: 'web-1', seenAtMs: NOW_MS, status: hostStatus() })], 5);
    const known = { life: 'life', number: 5, serial: WANTED_SERIAL, atMs: NOW_MS };
    const isWhole = (since: string | undefined): boolean =>
      selectPage(fleet, { order: 'name', limit: 1, status: 'none', since }, options).isWhole;
    expect(isWhole(writeRevision(known))).toBe(false);
    expect(
      [
        undefined,
        'nonsense',
        writeRevision({ ...known, life: 'another' }),
        writeRevision({ ...known, number: 6 }),
        writeRevision({ ...known, serial: 1 }),
      ].map(isWhole),
    ).toEqual([true, true, true, true, true]);
  });
});

describe('a query', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(query, (asked) => {
        const parsed = parseFleetQuery(new URLSearchParams(formatFleetQuery(asked)));
        expect(parsed).toMatchObject({ kind: 'query', query: asked });
      }),
    );
  });

  it.each([
    ['limit=1001', /^limit is "1001", and no whole number up to 1000$/],
    ['limit=-1', /^limit is "-1"/],
    ['limit=1&limit=2', /^it has limit twice$/],
    ['kind=good', /^kind is "good", and none of converged, pending/],
    ['where=zone', /^where has "zone", which is not NAME=VALUE$/],
    ['host=../x', /^host is "..\/x", and no valid name of a host$/],
    ['limit=1&colour=red', /^it has "colour", which this version does not know$/],
    ['after=5.web-1', /^after is no next of an answer in this order$/],
    ['order=severity&after=n.web-1', /^after is no next/],
    [Array.from({ length: 101 }, (_, n) => `host=web-${String(n)}`).join('&'), /^it names 101 hosts/],
  ])('is refused for %s', (text, message) => {
    expect(parseFleetQuery(new URLSearchParams(text))).toMatchObject({
      kind: 'problem',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is none without a member of its own', () => {
    expect(parseFleetQuery(new URLSearchParams('_=1')).kind).toBe('none');
  });
});
