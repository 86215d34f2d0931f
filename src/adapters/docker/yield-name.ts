import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { statusOf } from './engine-error.ts';

/** How long the oldest network waits for the others of its name to go. */
const PATIENCE_MS = 2_000;
const POLL_MS = 50;

type Listed = Pick<Dockerode.NetworkInspectInfo, 'Id' | 'Name' | 'Created'>;

const byAge = (a: Listed, b: Listed): number =>
  Date.parse(a.Created) - Date.parse(b.Created) || (a.Id < b.Id ? -1 : 1);

/**
 * Removes the network just created if another one has its name. An engine looks a name up before it creates,
 * so two agents can create one name at the same moment, and then it starts no container on either. The
 * youngest goes at once. An older one goes too if the other stays, whose agent may have looked before both
 * were listed. A network with containers always stays.
 */
export const yieldName = async (
  docker: Dockerode,
  { id, name }: { readonly id: string; readonly name: string },
  signal: AbortSignal,
): Promise<void> => {
  const list = async (): Promise<readonly Listed[]> => {
    const listed = await docker.listNetworks({ filters: { name: [name] }, abortSignal: signal });
    return listed.filter((n) => n.Name === name).toSorted(byAge);
  };
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const same = await list();
    if (same.every((n) => n.Id === id)) return;
    if (same.at(-1)?.Id === id || waitedMs >= PATIENCE_MS) break;
    await sleep(POLL_MS, undefined, { signal });
  }
  const users = await docker.listContainers({ all: true, filters: { network: [id] }, abortSignal: signal });
  if (users.length > 0) return;
  try {
    await docker.getNetwork(id).remove({ abortSignal: signal });
  } catch (error) {
    // Gone already, or a container has joined it in between.
    if (![403, 404, 409].includes(statusOf(error) ?? 0)) throw error;
  }
};
