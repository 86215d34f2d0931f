import { setTimeout as sleep } from 'node:timers/promises';
import type { Balancer } from '../../support/balancer.ts';
import { type Gap, gapsIn } from '../../support/gaps.ts';
import type { BalancedHost } from './hosts-behind-balancer.ts';

const EVENTS =
  '--filter label=io.supercargo.service=web --filter event=start --filter event=die ' +
  "--format '{{.TimeNano}} {{.Action}}'";

/** By the events of the host's engine, since then; they are lost when the engine ends. */
export const gapsOf = async ({ host, name }: BalancedHost, sinceMs: number): Promise<readonly Gap[]> => {
  const [since, until] = [sinceMs / 1000, Date.now() / 1000].map((s) => s.toFixed(3));
  const text = await host.shell(`docker events --since ${since ?? ''} --until ${until ?? ''} ${EVENTS}`);
  const events = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [nanoseconds = '', action = ''] = line.split(' ');
      return { atMs: Number(nanoseconds) / 1e6, action };
    });
  return gapsIn(name, events);
};

/** The hosts to which a balancer sent nothing from a moment on. */
interface Outage {
  readonly at: string;
  readonly hosts: readonly string[];
}

const EVERY_MS = 100;

/** Watches to which hosts a balancer sends nothing; `stop` resolves with every change, oldest first. */
export const watchBalancer = ({ states }: Balancer): { readonly stop: () => Promise<readonly Outage[]> } => {
  const over = new AbortController();
  const watch = async (): Promise<readonly Outage[]> => {
    const seen: Outage[] = [];
    while (!over.signal.aborted) {
      const now = Object.entries(await states());
      const hosts = now.filter(([, state]) => state.startsWith('DOWN')).map(([host]) => host);
      const last = seen.at(-1)?.hosts ?? [];
      if (hosts.join() !== last.join()) seen.push({ at: new Date().toISOString(), hosts });
      await sleep(EVERY_MS);
    }
    return seen;
  };
  const watched = watch();
  return {
    stop: async () => {
      over.abort();
      return watched;
    },
  };
};
