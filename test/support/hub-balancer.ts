import { LONGEST_WAIT_SECONDS } from '../../src/hub/http/held-requests.ts';
import { type Balancer, startBalancer } from './balancer.ts';

export interface HubBalancer extends Balancer {
  /** For agents and publishers. */
  readonly url: string;
}

/**
 * HAProxy in front of hubs on this machine, as an operator has it: each request goes to the next hub of those
 * that answer at `/healthz`, and to another one where a hub refuses the connection. In `states` they are
 * `hub1`, `hub2` and so on.
 */
export const startHubBalancer = async (hubPorts: readonly number[]): Promise<HubBalancer> => {
  const servers = hubPorts.map((port, at) => ({
    name: `hub${String(at + 1)}`,
    address: '127.0.0.1',
    port,
    healthPort: port,
  }));
  const balancer = await startBalancer('healthz', servers, {
    // Longer than a hub holds a poll.
    silenceSeconds: LONGEST_WAIT_SECONDS + 60,
    retries: hubPorts.length,
  });
  return { ...balancer, url: `http://127.0.0.1:${String(balancer.port)}` };
};
