import { DEFAULT_NETWORK } from '../../compose/project-model.ts';
import { networkName } from '../../docker-names.ts';
import type { Action } from '../action.ts';
import type { PlanInput } from '../plan-input.ts';
import { freeNetworkName } from '../networks.ts';
import { EDGE_NETWORK, EDGE_NETWORK_HASH } from './edge-view.ts';

/** A bridge with addresses that the agent gives, so that a container keeps its own over a restart. */
export const edgeNetworkOf = (input: PlanInput): Action => {
  const plain = networkName(input.environment, EDGE_NETWORK);
  return {
    kind: 'create-network',
    name: freeNetworkName(input.actual, plain, EDGE_NETWORK_HASH),
    network: EDGE_NETWORK,
    hash: EDGE_NETWORK_HASH,
    pinned: true,
    definition: DEFAULT_NETWORK,
  };
};
