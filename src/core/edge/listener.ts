import type { EdgeConfig, EdgeFrontend } from './edge-config.ts';

export interface Listener {
  readonly frontend: EdgeFrontend;
  /** Address inside the edge's network; empty means every address. */
  readonly address: string;
  readonly port: number;
}

const byPort = (a: EdgeFrontend, b: EdgeFrontend): number =>
  a.hostPort - b.hostPort || (a.hostAddress < b.hostAddress ? -1 : Number(a.hostAddress > b.hostAddress));

const firstFree = (taken: ReadonlySet<number>): number => {
  let port = 65_535;
  while (taken.has(port)) port -= 1;
  return port;
};

/**
 * Where each frontend listens, sorted by port and address. In `publish` mode the engine maps the host's
 * address and port to the container. Two addresses with one port would collide inside the container, so all
 * but the first get a free port there.
 */
export const listenersOf = (config: Pick<EdgeConfig, 'mode' | 'frontends'>): readonly Listener[] => {
  const sorted = config.frontends.toSorted(byPort);
  if (config.mode === 'host')
    return sorted.map((frontend) => ({ frontend, address: frontend.hostAddress, port: frontend.hostPort }));
  const taken = new Set(sorted.map(({ hostPort }) => hostPort));
  return sorted.map((frontend, index) => {
    const isFirst = sorted[index - 1]?.hostPort !== frontend.hostPort;
    const port = isFirst ? frontend.hostPort : firstFree(taken);
    taken.add(port);
    return { frontend, address: '', port };
  });
};
