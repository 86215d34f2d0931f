import { Agent, request } from 'node:http';
import { hostToken } from '../src/core/hub/tokens.ts';
import type { TurnAnswer } from '../src/core/turns/turn-request.ts';
import { createTurnHost, digestOf, pacedManifest } from '../test/support/turn-host.ts';
import { REPORT_SECRET, type BenchHub } from './bench-hub.ts';

/** Connections of busy hosts. */
export const createHostAgent = (hosts: number): Agent => new Agent({ keepAlive: true, maxSockets: hosts });

const send = (
  { port, agent }: { readonly port: number; readonly agent: Agent },
  method: string,
  path: string,
  host: string,
  body: object,
): Promise<string> =>
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

/** Each function resolves when it is done. */
export interface BusyHost {
  readonly report: () => Promise<unknown>;
  /** Reports another release. */
  readonly news: () => Promise<unknown>;
  /** Asks until it is granted, and reports that it is good. */
  readonly turn: () => Promise<unknown>;
}

/** A host that gets new settings again and again: each is a release, and needs a slot but no wave. */
export const createBusyHost = (
  { port }: Pick<BenchHub, 'port'>,
  name: string,
  agent: Agent,
  signal: AbortSignal,
): BusyHost => {
  const host = createTurnHost(name, 'bench');
  const target = { port, agent };
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
    const status = host.report(1, 'good', {}, { switching });
    return send(target, 'PUT', `/reports/bench/${name}.json`, name, status);
  };
  const ask = async (): Promise<boolean> => {
    const wish = { kind: 'files', release: release() } as const;
    const text = await send(target, 'POST', `/turns/bench/${name}`, name, host.request(1, 2, {}, wish));
    return (JSON.parse(text) as TurnAnswer).answer === 'granted';
  };
  return {
    report,
    news: () => {
      state.count += 1;
      return report();
    },
    turn: async () => {
      state.count += 1;
      while (!(await ask())) signal.throwIfAborted();
      return report();
    },
  };
};

/** How often a second the hosts do so, each one time after the other. */
export const perSecond = async (
  work: readonly (() => Promise<unknown>)[],
  seconds: number,
  signal: AbortSignal,
): Promise<number> => {
  const started = performance.now();
  const end = started + seconds * 1000;
  const counts = await Promise.all(
    work.map(async (once) => {
      let count = 0;
      for (; performance.now() < end && !signal.aborted; count += 1) await once();
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - started) / 1000);
};

/** Without `maxParallel` hosts need no turn. */
export const turnManifest = (serial: number, maxParallel: number | null): string =>
  pacedManifest('bench', serial, { web: 1 }, maxParallel === null ? null : { maxParallel });
