import { createHash } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { TlsMaterial } from './tls-files.ts';

export interface HttpAgents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** Connections that stay open for the next request to the same server. */
export interface Connections {
  /** New ones where the certificates have changed: what the old ones were proved by may be revoked. */
  readonly agents: (tls: TlsMaterial) => Promise<HttpAgents>;
  readonly close: () => void;
}

/** A poll is held on one connection, and reports use the other one. */
const MOST_FREE = 2;
/** Longer than the time between two reports; shorter than a hub or nginx keeps a silent connection (75 s). */
const FREE_MS = 70_000;
/** Until the kernel asks whether the other side is still there. */
const PROBE_MS = 30_000;

const OPTIONS = { keepAlive: true, keepAliveMsecs: PROBE_MS, maxFreeSockets: MOST_FREE, timeout: FREE_MS };

const digestOf = (tls: TlsMaterial): string => createHash('sha256').update(JSON.stringify(tls)).digest('hex');

/** Lets requests in progress end, and keeps none of their connections. */
const retire = ({ http, https }: HttpAgents): void => {
  for (const agent of [http, https]) {
    agent.maxFreeSockets = 0;
    for (const sockets of Object.values(agent.freeSockets))
      for (const socket of sockets ?? []) socket.destroy();
  }
};

export const createConnections = (): Connections => {
  let current: { readonly digest: string; readonly agents: HttpAgents } | undefined;
  return {
    agents: async (tls) => {
      const digest = digestOf(tls);
      const { default: https } = await import('node:https');
      const { default: nodeTls } = await import('node:tls');
      // No await from here on: two requests of one moment get the same agents.
      if (current?.digest === digest) return current.agents;
      const { certificateAuthority: ca, certificate: cert, key } = tls;
      // Made once, because Node would parse the authorities again for every connection.
      const secureContext = nodeTls.createSecureContext({
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
      });
      if (current) retire(current.agents);
      const agents = { http: new HttpAgent(OPTIONS), https: new https.Agent({ ...OPTIONS, secureContext }) };
      current = { digest, agents };
      return agents;
    },
    close: () => {
      current?.agents.http.destroy();
      current?.agents.https.destroy();
      current = undefined;
    },
  };
};
