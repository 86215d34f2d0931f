import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestHost } from '../test/support/host.ts';
import { createImagePusher } from '../test/support/images.ts';
import { loadApp } from '../test/support/load-app.ts';
import { createNamespace } from '../test/support/load-namespace.ts';
import { type LoadReport, mergeReports, startLoadProcess } from '../test/support/load.ts';
import { freePort } from '../test/support/ports.ts';
import type { Registry } from '../test/support/registry.ts';

export const DRAIN_MS = 2_000;

export interface UnderLoad {
  readonly deploys: number;
  readonly requests: number;
  readonly failed: readonly string[];
  /** Open streams that were cut at the drain deadline. */
  readonly streams: number;
  /** Those that were cut before. */
  readonly early: number;
  /** Of quick requests, in milliseconds: while nothing is deployed, and while a deploy goes on. */
  readonly quiet: readonly number[];
  readonly during: readonly number[];
  /** From the new manifest to converged, in milliseconds. */
  readonly perDeploy: readonly number[];
}

/** A service behind the edge, as a part of a compose file. */
export const edgeService = (name: string, image: string, port: number, replicas: number): string => `
  ${name}:
    image: ${image}
    restart: always
    stop_grace_period: 3s
    ports: [{ target: 8888, published: "${String(port)}", app_protocol: http }]
    deploy: { replicas: ${String(replicas)}, update_config: { order: start-first, monitor: 1s, parallelism: 0 } }
    x-supercargo: { drain: ${String(DRAIN_MS)}ms, ready: { http: /ready, port: 8888 }, healthy-within: 60s }`;

/** @throws with what it says where the host does not converge. */
export const untilConverged = async (host: TestHost, timeoutMs = 90_000): Promise<void> => {
  const { code, stdout, stderr } = await host.run(['sync', '--wait'], { timeoutMs });
  if (code !== 0) throw new Error(`sync --wait ended with ${String(code)}:\n${stdout}${stderr}`);
};

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const loaded = async (
  port: number,
  work: () => Promise<readonly Span[]>,
): Promise<{ readonly report: LoadReport; readonly spans: readonly Span[] }> => {
  const namespace = await createNamespace();
  try {
    const loads = await Promise.all([
      startLoadProcess({ port }),
      startLoadProcess({ port, host: namespace.hostAddress, namespace: namespace.name }),
    ]);
    const spans = await work();
    return { spans, report: mergeReports(await Promise.all(loads.map(async (load) => load.stop()))) };
  } finally {
    await namespace.remove();
  }
};

/** When servers were taken out of rotation, in milliseconds since 1970. */
const drainsOf = async (host: TestHost): Promise<readonly number[]> =>
  (await readFile(join(host.stateDir, 'history.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { at: string; event: string; to?: string })
    .filter(({ event, to }) => event === 'server.changed' && to === 'drain')
    .map(({ at }) => Date.parse(at));

export const measureLoad = async (options: {
  readonly host: TestHost;
  readonly registry: Registry;
  readonly deploys: number;
}): Promise<UnderLoad> => {
  const { host, registry, deploys } = options;
  const { push } = createImagePusher();
  const port = await freePort();
  const publish = async (tag: string): Promise<void> => {
    const { pinned } = await push(registry, 'org/web', tag, loadApp);
    await host.publish({ web: pinned });
    await untilConverged(host);
  };
  await host.compose(`services:${edgeService('web', `${registry.address}/org/web`, port, 2)}\n`);
  await host.publish({});
  await host.agent();
  await publish('1.0.0');
  const { report, spans } = await loaded(port, async () => {
    const done: Span[] = [];
    for (let n = 1; n <= deploys; n += 1) {
      // As long as nothing happens as a deploy takes, or the two would not be compared on the same machine.
      await sleep(2_000);
      const fromMs = Date.now();
      await publish(`1.${String(n)}.0`);
      done.push({ fromMs, toMs: Date.now() });
    }
    return done;
  });
  const isDuring = (atMs: number): boolean => spans.some((s) => atMs >= s.fromMs && atMs <= s.toMs);
  const drains = await drainsOf(host);
  const isEarly = (cutMs: number): boolean =>
    cutMs - Math.max(...drains.filter((at) => at < cutMs)) < DRAIN_MS;
  const early = report.cuts.filter(({ cutMs }) => isEarly(cutMs)).length;
  return {
    deploys,
    requests: report.requests,
    failed: report.failed,
    streams: report.cuts.length - early,
    early,
    quiet: report.samples.filter(([atMs]) => !isDuring(atMs)).map(([, tookMs]) => tookMs),
    during: report.samples.filter(([atMs]) => isDuring(atMs)).map(([, tookMs]) => tookMs),
    perDeploy: spans.map(({ fromMs, toMs }) => toMs - fromMs),
  };
};
