/**
 * npm run bench:turns            turns a second of one hub, beside the reports a second that it takes
 * npm run bench:turns -- --json  the same as JSON
 * npm run bench:turns -- --rounds 3 --hosts 1000 --seconds 5
 * One hub for each round, with so many hosts that have reported. Then, each for some seconds:
 * 1. 64 hosts report news, one report after the other, without a pace and with one
 * 2. the same hosts take turns and no host waits: ask, be granted, report that it is good
 * 3. the same with 8 slots, so that 56 hosts wait in held requests
 * Reports and turns are on disk before they are answered. Medians over the rounds, with the extremes.
 */
import { parseArgs } from 'node:util';
import { buildBundle } from '../scripts/build.ts';
import { withHub } from './bench-hub.ts';
import { createBusyHost, createHostAgent, perSecond, turnManifest } from './busy-host.ts';
import { spreadOf, type Spread } from './figures.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    hosts: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
  },
});
const [rounds = 5, hosts = 1000, seconds = 5] = [values.rounds, values.hosts, values.seconds].map(Number);
const BUSY = 64;
const SLOTS = 8;

const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.abort());

const agent = createHostAgent(BUSY);

interface Round {
  readonly unpaced: number;
  readonly reports: number;
  readonly turns: number;
  readonly contended: number;
}

const rate = (work: readonly (() => Promise<unknown>)[]): Promise<number> =>
  perSecond(work, seconds, ended.signal);

const measure = (): Promise<Round> =>
  withHub(ended.signal, async (hub) => {
    await hub.publish(turnManifest(1, null));
    const names = Array.from({ length: hosts }, (_, index) => `web-${String(index)}`);
    const all = names.map((name) => createBusyHost(hub, name, agent, ended.signal));
    for (let at = 0; at < all.length; at += BUSY)
      await Promise.all(all.slice(at, at + BUSY).map((host) => host.report()));
    const busy = all.slice(0, BUSY);
    const unpaced = await rate(busy.map(({ news }) => news));
    await hub.publish(turnManifest(2, BUSY));
    const reports = await rate(busy.map(({ news }) => news));
    const turns = await rate(busy.map(({ turn }) => turn));
    await hub.publish(turnManifest(3, SLOTS));
    return { unpaced, reports, turns, contended: await rate(busy.map(({ turn }) => turn)) };
  });

const line = (name: string, { median, min, max }: Spread): string =>
  `${name.padEnd(46)}${[median, min, max].map((value) => value.toFixed(0).padStart(11)).join('')}  a second`;

const main = async (): Promise<void> => {
  await buildBundle();
  const measured: Round[] = [];
  while (measured.length < rounds) measured.push(await measure());
  agent.destroy();
  const of = (value: (round: Round) => number): Spread => spreadOf(measured.map(value));
  const [unpaced, reports, turns, contended] = [
    of((round) => round.unpaced),
    of((round) => round.reports),
    of((round) => round.turns),
    of((round) => round.contended),
  ];
  if (values.json) {
    console.log(JSON.stringify({ rounds, hosts, perSecond: { unpaced, reports, turns, contended } }));
    return;
  }
  console.log(`${''.padEnd(46)}     median        min        max  over ${String(rounds)} rounds`);
  console.log(line(`reports with news, ${String(hosts)} hosts, no pace`, unpaced));
  console.log(line('reports with news, with a pace', reports));
  console.log(line('turns, no host waits', turns));
  console.log(line(`turns, ${String(BUSY - SLOTS)} of ${String(BUSY)} hosts wait`, contended));
};

try {
  await main();
} catch (error) {
  if (!ended.signal.aborted) throw error;
  process.exitCode = 130;
}
