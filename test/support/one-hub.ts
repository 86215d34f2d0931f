import { createHubs, type HubList } from '../../src/io/hub-failover.ts';

/** The list of one address, as most hosts have it. */
export const oneHub = (address: string): HubList => createHubs({ host: 'web-1' }).list('test', [address]);
