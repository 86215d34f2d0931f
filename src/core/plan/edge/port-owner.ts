import { canonicalIp } from '../../compose/ip.ts';
import type { EdgeFrontend } from '../../edge/model.ts';
import { covers, overlaps } from '../conflicts.ts';
import { wait } from '../gate.ts';
import type { PlanInput } from '../input.ts';
import type { Decision } from '../plan.ts';
import { isUp } from '../slot.ts';
import { edgeParts } from './view.ts';

/**
 * The first port of a new edge that somebody else has. Found by asking, never by binding: two HAProxys of one user bind the
 * same port without an error, and share its traffic.
 */
export const takenPort = (input: PlanInput, frontends: readonly EdgeFrontend[]): Decision | undefined => {
  const { actual } = input;
  const parts = edgeParts(actual).filter((p) => p.container.state === 'running');
  // One that runs and does not answer may hold any of them itself.
  if (parts.some((p) => p.seen?.state === undefined)) return undefined;
  const own = parts.flatMap((p) => p.seen?.state?.frontends ?? []).map((f) => ({ ...f, protocol: 'tcp' }));
  for (const f of frontends) {
    const wanted = { hostAddress: f.hostAddress, hostPort: f.hostPort, protocol: 'tcp' };
    if (own.some((o) => covers(o, wanted))) continue;
    const holder = actual.containers.find(
      (o) => !o.edge && isUp(o) && o.ports.some((p) => overlaps(wanted, p)),
    );
    const port = String(f.hostPort);
    if (holder)
      return blocked(
        port,
        `the ${holder.owner ? '' : 'foreign '}container ${holder.name}`,
        `stop it (docker stop ${holder.name}), or publish another port`,
      );
    if (!actual.listeners) return wait('edge', `looks who listens on port ${port}`);
    const listener = actual.listeners.find((l) => {
      const place = { hostAddress: canonicalIp(l.address) ?? '', hostPort: l.port, protocol: 'tcp' };
      return overlaps(wanted, place) && !own.some((o) => covers(o, place));
    });
    if (listener)
      return blocked(
        port,
        `another program of this host (user id ${String(listener.uid)})`,
        `find it with: ss -ltnp 'sport = :${port}'; stop it, or publish another port`,
      );
  }
  return undefined;
};

const blocked = (port: string, by: string, advice: string): Decision => ({
  kind: 'blocked',
  reason: 'port',
  message: `port ${port}/tcp is taken by ${by}`,
  advice,
});
