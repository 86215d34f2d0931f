import { setTimeout as sleep } from 'node:timers/promises';
import type { TestHost } from '../test/support/host.ts';
import { createImagePusher } from '../test/support/images.ts';
import { loadApp } from '../test/support/load-app.ts';
import { serversOf } from '../test/support/load-edge.ts';
import { freePort } from '../test/support/ports.ts';
import type { Registry } from '../test/support/registry.ts';
import { tickCosts } from './process-cost.ts';
import { edgeService, untilConverged } from './switch-load.ts';

export interface Many {
  readonly services: number;
  /** CPU time of the agent for each second with one tick in it, in milliseconds. */
  readonly tickMs: readonly number[];
  /** Containers of other services that a deploy of one replaced or restarted. */
  readonly touched: number;
  /** Servers of other services in the edge that it changed. */
  readonly serversTouched: number;
  readonly deployMs: number;
}

/** A look every second, as the environment of a test host polls. */
const SECONDS = 5;
const SAMPLES = 7;
/** A container that started within the last minute is looked at more closely: no tick is idle before. */
const YOUNG_MS = 65_000;

/** Id and start of every container of other services than this one. */
const othersOf = async (host: TestHost, service: string): Promise<ReadonlySet<string>> => {
  const label = [`io.supercargo.environment=${host.environment}`];
  const listed = await host.docker.listContainers({ filters: { label } });
  const others = listed.filter(({ Labels }) => Labels['io.supercargo.service'] !== service);
  const lines = others.map(async ({ Id }) => {
    const { State } = await host.docker.getContainer(Id).inspect();
    return `${Id} ${State.StartedAt}`;
  });
  return new Set(await Promise.all(lines));
};

/** What the edge says of the servers of every other service, without the state of their health checks. */
const otherServersOf = async (host: TestHost, service: string): Promise<ReadonlySet<string>> =>
  new Set(
    (await serversOf(host))
      .filter(({ backend }) => !backend.startsWith(`${service}:`))
      .map(({ backend, name, address, port, admin }) => [backend, name, address, port, admin].join(' ')),
  );

const missing = (before: ReadonlySet<string>, after: ReadonlySet<string>): number =>
  [...before].filter((line) => !after.has(line)).length;

export const measureMany = async (options: {
  readonly host: TestHost;
  readonly registry: Registry;
  readonly services: number;
}): Promise<Many> => {
  const { host, registry, services } = options;
  const { push } = createImagePusher();
  const names = Array.from({ length: services }, (_, n) => `s${String(n + 1)}`);
  const ports = new Set<number>();
  while (ports.size < services) ports.add(await freePort());
  const [...free] = ports;
  const image = await push(registry, 'org/many', '1.0.0', loadApp);
  const next = await push(registry, 'org/many', '1.1.0', loadApp);
  await host.compose(
    `services:${names.map((name, n) => edgeService(name, image.repository, free[n] ?? 0, 2)).join('')}\n`,
  );
  const versions = Object.fromEntries(names.map((name) => [name, image.pinned]));
  await host.publish(versions);
  const agent = await host.agent();
  await untilConverged(host, 600_000);
  await sleep(YOUNG_MS);
  const tickMs = await tickCosts(agent.pid, SAMPLES, SECONDS);
  const [one = ''] = names;
  const before = await othersOf(host, one);
  const serversBefore = await otherServersOf(host, one);
  const startedMs = performance.now();
  await host.publish({ ...versions, [one]: next.pinned });
  await untilConverged(host);
  return {
    services,
    tickMs,
    touched: missing(before, await othersOf(host, one)),
    serversTouched: missing(serversBefore, await otherServersOf(host, one)),
    deployMs: performance.now() - startedMs,
  };
};
