import { join } from 'node:path';
import { createEdges } from '../../src/adapters/edge/edges.ts';
import type { EdgeServerSeen } from '../../src/core/edge/edge-config.ts';
import { LABELS } from '../../src/core/docker-names.ts';
import type { TestHost } from './host.ts';

/** The containers of the edge: id, and the instance that its name ends with. */
export const edgesOf = async ({
  docker,
  environment,
}: TestHost): Promise<readonly { readonly id: string; readonly instance: string }[]> => {
  const label = [`${LABELS.environment}=${environment}`];
  const listed = await docker.listContainers({ all: true, filters: { label } });
  return listed.flatMap(({ Id, Names }) => {
    const instance = /-edge-([a-z0-9]+)$/.exec(Names[0] ?? '')?.[1];
    return instance === undefined ? [] : [{ id: Id, instance }];
  });
};

/** What the edges of the host say themselves. Empty where none answers. */
export const serversOf = async (host: TestHost): Promise<readonly EdgeServerSeen[]> => {
  const instances = (await edgesOf(host)).map(({ instance }) => instance);
  const folder = join(host.stateDir, 'edge');
  const edges = createEdges({ folder, check: async () => Promise.resolve(undefined) });
  const seen = await edges.observe(instances, undefined, AbortSignal.timeout(10_000));
  return seen.edges.flatMap((edge) => edge.state?.servers ?? []);
};
