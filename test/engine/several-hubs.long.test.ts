import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  describeEvidence,
  mostTurns,
  reusedSerials,
  serialsGoingBack,
} from '../support/fault-fleet/evidence.ts';
import { type FaultFleet, MOST_TURNS, startFaultFleet } from '../support/fault-fleet/fault-fleet.ts';
import { type Outage, outageOf, outageTable, untilGoesOn } from '../support/fault-fleet/outage.ts';
import { type AskedHub, lostPublishes, lostReports, openTurns } from '../support/fault-fleet/stored.ts';
import { supercargo } from '../support/host.ts';
import { type PatroniCluster, type PatroniNode, startPatroni } from '../support/patroni.ts';
import { eventually } from '../support/poll.ts';
import { type SeveralHubs, startSeveralHubs } from '../support/several-hubs.ts';

const PUBLISH_TOKEN = 'publish-token-of-the-tests';
const SECRET = 'report-secret-of-the-tests';
/** Of what takes seconds; the machine may be busy. */
const SOON_MS = 60_000;
/** Patroni notices a dead leader after 20 s. */
const FAILOVER_MS = 120_000;
/** After a loss of all reports no turn is granted for three minutes. */
const GUARD_MS = 180_000;

let folder: string;
let cluster: PatroniCluster;
let several: SeveralHubs;
let fleet: FaultFleet;
const outages: Outage[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-hubs-'));
  cluster = await startPatroni();
  const { url: store } = await cluster.createDatabase();
  several = await startSeveralHubs({
    program: supercargo,
    store,
    dataDir: join(folder, 'archives'),
    words: [],
    logFile: join(folder, 'log'),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      SUPERCARGO_PUBLISH_TOKEN: PUBLISH_TOKEN,
      SUPERCARGO_REPORT_SECRET: SECRET,
    },
  });
  const hubs = several.hubs.map(({ url }) => url) as [string, ...string[]];
  fleet = startFaultFleet({ url: several.balancer.url, hubs, publishToken: PUBLISH_TOKEN, secret: SECRET });
  await untilGoesOn(fleet, performance.now(), FAILOVER_MS);
});

afterAll(async () => {
  await fleet.end();
  await several.remove();
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
});

const ask = (url: string): AskedHub => ({ url, token: PUBLISH_TOKEN });

/** What must be true at every moment and is not: with the host, the serial or the hub. */
const findWrong = async (): Promise<readonly string[]> => {
  const { evidence } = fleet;
  const wrong = [...serialsGoingBack(evidence), ...reusedSerials(evidence)];
  const most = mostTurns(evidence);
  if (most.length > MOST_TURNS) wrong.push(`turns at the same time: ${JSON.stringify(most)}`);
  for (const { url } of several.hubs) {
    const open = await openTurns(ask(url));
    if (open > MOST_TURNS) wrong.push(`${String(open)} open turns are stored`);
    wrong.push(...(await lostReports(ask(url), evidence)));
  }
  return wrong;
};

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

interface Fault {
  readonly event: string;
  /** How long it may take until all goes on. */
  readonly deadlineMs: number;
  /** Returns what mends it. */
  readonly strike: () => Promise<() => Promise<void>>;
}

/** Waits until all has gone on and is mended. Returns what is wrong then. */
const endure = async ({ event, deadlineMs, strike }: Fault): Promise<readonly string[]> => {
  await fleet.untilBusy();
  const sinceMs = performance.now();
  const mend = await strike();
  await untilGoesOn(fleet, sinceMs, deadlineMs);
  outages.push(outageOf(fleet, event, sinceMs));
  console.log(outageTable(outages.slice(-1)));
  await mend();
  return findWrong();
};

const strikeNode = (node: PatroniNode) => async () => {
  await node.kill();
  return async () => {
    node.start();
    await cluster.waitUntilWhole();
  };
};

const leads = async ({ restPort }: PatroniNode): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${String(restPort)}/primary`)).ok;

/** Asks the others alone: one that hangs answers nothing for long. */
const untilAnotherLeads = async (old: PatroniNode): Promise<void> => {
  const others = cluster.nodes.filter((node) => node !== old);
  await eventually(async () => (await Promise.all(others.map(leads))).includes(true), {
    deadlineMs: FAILOVER_MS,
    describe: () => `another node than ${old.name} leads`,
  });
};

/** Answers that were on their way when the leader went. */
const LAST_ANSWERS_MS = 1_000;

/**
 * The leader goes, and with it all reports, which are in no standby. They come back by the next heartbeat of
 * each host, and no turn is granted before: one host is late.
 */
const endureFailover = async (
  event: string,
  take: (leader: PatroniNode) => Promise<() => void>,
): Promise<readonly string[]> => {
  const { evidence, hosts, takers } = fleet;
  const leader = await cluster.waitForLeader();
  const late = takers[0]?.name ?? '';
  const state = { lostMs: Infinity };
  const heard = (): ReadonlyMap<string, number> =>
    new Map(
      evidence.reports
        .filter(({ isWhole, atMs }) => isWhole && atMs > state.lostMs)
        .toReversed()
        .map(({ host, atMs }) => [host, atMs]),
    );
  const wrong = await endure({
    event,
    deadlineMs: FAILOVER_MS + GUARD_MS + SOON_MS,
    strike: async () => {
      const speak = takers[0]?.silence();
      const struckMs = performance.now();
      const bringBack = await take(leader);
      state.lostMs = performance.now() + LAST_ANSWERS_MS;
      await untilAnotherLeads(leader);
      const ledMs = performance.now();
      await eventually(() => hosts.every(({ name }) => name === late || heard().has(name)), {
        deadlineMs: SOON_MS,
        describe: () => `every host has sent its whole report again: ${[...heard().keys()].join(', ')}`,
      });
      const [led, back] = [ledMs - struckMs, Math.max(...heard().values()) - ledMs];
      console.log(
        `${event}: another node led after ${inSeconds(led)}, all reports were back ${inSeconds(back)} later`,
      );
      speak?.();
      await eventually(() => heard().has(late), { deadlineMs: SOON_MS, describe: () => `${late} reports` });
      return async () => {
        bringBack();
        await cluster.waitUntilWhole();
      };
    },
  });
  const heardMs = Math.max(...heard().values());
  const early = evidence.turns.filter(({ fromMs }) => fromMs > state.lostMs && fromMs < heardMs);
  return [...wrong, ...early.map(({ host }) => `${host} got a turn before every host was heard`)];
};

describe('three hubs on three PostgreSQL nodes, behind HAProxy', { timeout: 900_000 }, () => {
  it.each([1, 2, 3])('go on when hub %i is killed', async (number) => {
    const hub = several.hubs[number - 1];
    const wrong = await endure({
      event: `kill -9 of hub${String(number)}`,
      deadlineMs: SOON_MS,
      strike: async () => {
        await hub?.kill();
        return several.start;
      },
    });
    expect(wrong).toEqual([]);
  });

  it('serve the hosts that know every hub while the balancer is dead', async () => {
    const { evidence, hosts } = fleet;
    const wrong = await endure({
      event: 'kill -9 of HAProxy, started again',
      deadlineMs: SOON_MS,
      strike: async () => {
        await several.balancer.kill();
        const killedMs = performance.now();
        const direct = hosts.filter(({ knowsHubs }) => knowsHubs).map(({ name }) => name);
        const isServed = (name: string): boolean =>
          evidence.reports.filter(({ host, atMs }) => host === name && atMs > killedMs).length >= 2;
        await eventually(() => direct.every(isServed), {
          deadlineMs: SOON_MS,
          describe: () => `these report: ${direct.join(', ')}`,
        });
        await several.balancer.start();
        return () => Promise.resolve();
      },
    });
    expect(wrong).toEqual([]);
  });

  it('go on when the synchronous standby is killed', async () => {
    const node = await cluster.nodeOf('sync_standby');
    const wrong = await endure({
      event: 'kill -9 of the synchronous standby',
      deadlineMs: FAILOVER_MS,
      strike: strikeNode(node),
    });
    expect(wrong).toEqual([]);
  });

  it('go on when the primary is killed, and grant turns once all hosts are heard again', async () => {
    const wrong = await endureFailover('kill -9 of the primary', async (leader) => {
      await leader.kill();
      return leader.start;
    });
    expect(wrong).toEqual([]);
  });

  it('go on when the primary hangs, and lose nothing when it wakes up', async () => {
    expect(await endureFailover('the primary hangs', async (leader) => leader.freeze())).toEqual([]);
  });

  it('have every acknowledged publish in the history of each hub', async () => {
    await Promise.all(fleet.publishers.map(async (publisher) => publisher.end()));
    for (const { url } of several.hubs) expect(await lostPublishes(ask(url), fleet.evidence)).toEqual([]);
    expect(fleet.publishers.flatMap(({ failures }) => failures)).toEqual([]);
    console.log(`${outageTable(outages)}\n${describeEvidence(fleet.evidence)}`);
  });
});
