import type { Status } from '../../../src/core/status/status-document.ts';
import type { RolloutStatus } from '../../../src/core/turns/rollout-status.ts';
import { type Evidence, lastWhole } from './evidence.ts';
import { MART, SHOP } from './fault-fleet.ts';

/** A hub, and a token that may read all of it. */
export interface AskedHub {
  readonly url: string;
  readonly token: string;
}

const read = async ({ url, token }: AskedHub, path: string): Promise<unknown> => {
  const answer = await fetch(`${url}/${path}`, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`${path} at ${url}: ${String(answer.status)} ${await answer.text()}`);
  return answer.json();
};

/** Hosts whose report at this hub is older than one that was acknowledged, as `mart-3: 7 < 9`. */
export const lostReports = async (hub: AskedHub, evidence: Evidence): Promise<readonly string[]> => {
  const lost: string[] = [];
  for (const environment of [SHOP, MART]) {
    const acknowledged = lastWhole(evidence, environment);
    const { hosts } = (await read(hub, `reports/${environment}`)) as {
      hosts: { host: string; status: Status }[];
    };
    const kept = new Map(hosts.map(({ host, status }) => [host, status.turns?.seq ?? 0]));
    for (const [host, seq] of acknowledged) {
      const found = kept.get(host);
      if (found === undefined || found < seq) lost.push(`${host}: ${String(found)} < ${String(seq)}`);
    }
  }
  return lost;
};

/** Turns that the stored state has open now. */
export const openTurns = async (hub: AskedHub): Promise<number> => {
  const { holders } = (await read(hub, `rollouts/${MART}`)) as RolloutStatus;
  return holders.filter(({ state }) => state === 'granted' || state === 'begun').length;
};

/** Of the serials that were acknowledged: those whose document is missing or another one. */
export const lostPublishes = async (hub: AskedHub, evidence: Evidence): Promise<readonly string[]> => {
  const lost: string[] = [];
  for (const { environment, serial, image } of evidence.publishes) {
    const path = `manifests/${environment}/${String(serial)}.json`;
    const { services } = (await read(hub, path)) as { services: { web: { image: string } } };
    if (services.web.image !== image) lost.push(`${path}: ${services.web.image} and not ${image}`);
  }
  return lost;
};
