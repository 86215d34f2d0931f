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
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import { buildBundle } from '../scripts/build.ts';
import { hostToken } from '../src/core/hub/tokens.ts';
import type { TurnAnswer } from '../src/core/turns/turn-request.ts';
import { createTurnHost, digestOf, pacedManifest } from '../test/support/turn-host.ts';
import { REPORT_SECRET, withHub, type BenchHub } from './bench-hub.ts';
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

const agent = new Agent({ keepAlive: true, maxSockets: BUSY });

const send = (port: number, method: string, path: string, host: string, body: object): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${hostToken(REPORT_SECRET, 'bench', host)}` };
    const sent = request({ host: '127.0.0.1', port, method, path, agent, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.once('end', () => {
        if ((answer.statusCode ?? 500) < 300) resolve(text);
        else reject(new Error(`${method} ${path}: ${String(answer.statusCode)} ${text}`));
      });
    });
    sent.once('error', reject).end(JSON.stringify(body));
  });

/** A host that gets new settings again and again: each is a release, and needs a slot but no wave. */
const createBusyHost = ({ port }: BenchHub, name: string) => {
  const host = createTurnHost(name, 'bench');
  const state = { count: 0 };
  const release = (): string => String(state.count).padStart(64, '0');
  const report = (): Promise<string> => {
    const switching = {
      entry: 'web',
      release: release(),
      digest: digestOf(1),
      attempt: 0,
      state: 'good',
      kind: 'files',
      unsettled: false,
      hasServed: true,
    } as const;
    return send(port, 'PUT', `/reports/bench/${name}.json`, name, host.report(1, 'good', {}, { switching }));
  };
  const ask = async (): Promise<boolean> => {
    const wish = { kind: 'files', release: release() } as const;
    const text = await send(port, 'POST', `/turns/bench/${name}`, name, host.request(1, 2, {}, wish));
    return (JSON.parse(text) as TurnAnswer).answer === 'granted';
  };
  return {
    report,
    news: async (): Promise<boolean> => {
      state.count += 1;
      await report();
      return true;
    },
    turn: async (): Promise<boolean> => {
      state.count += 1;
      while (!(await ask())) ended.signal.throwIfAborted();
      await report();
      return true;
    },
  };
};

/** How often a second the hosts do so, each one time after the other. */
const perSecond = async (work: readonly (() => Promise<boolean>)[]): Promise<number> => {
  const started = performance.now();
  const end = started + seconds * 1000;
  const counts = await Promise.all(
    work.map(async (once) => {
      let count = 0;
      for (; performance.now() < end && !ended.signal.aborted; count += 1) await once();
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - started) / 1000);
};

interface Round {
  readonly unpaced: number;
  readonly reports: number;
  readonly turns: number;
  readonly contended: number;
}

const manifest = (serial: number, maxParallel: number | null): string =>
  pacedManifest('bench', serial, { web: 1 }, maxParallel === null ? null : { maxParallel });

const measure = (): Promise<Round> =>
  withHub(ended.signal, async (hub) => {
    await hub.publish(manifest(1, null));
    const names = Array.from({ length: hosts }, (_, index) => `web-${String(index)}`);
    const all = names.map((name) => createBusyHost(hub, name));
    for (let at = 0; at < all.length; at += BUSY)
      await Promise.all(all.slice(at, at + BUSY).map((host) => host.report()));
    const busy = all.slice(0, BUSY);
    const unpaced = await perSecond(busy.map(({ news }) => news));
    await hub.publish(manifest(2, BUSY));
    const reports = await perSecond(busy.map(({ news }) => news));
    const turns = await perSecond(busy.map(({ turn }) => turn));
    await hub.publish(manifest(3, SLOTS));
    return { unpaced, reports, turns, contended: await perSecond(busy.map(({ turn }) => turn)) };
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
