import type { Config } from '../../config/agent-config.ts';
import { messageOf } from '../../core/errors.ts';
import { exchange } from '../../io/http.ts';
import { showAddress } from '../../io/hub-failover.ts';
import { hint, ok, type Check } from './check.ts';
import { tlsReader } from '../wiring/wire-agent.ts';

const TIMEOUTS = { connectMs: 5_000, responseMs: 10_000, requestMs: 15_000 };
const ADVICE = 'look at this hub, its port and certificate; meanwhile its hosts use the others';

/** Any answer below 500 shows that the hub is there: whether it takes the token is another line. */
const checkHub = async (config: Config, address: string, signal: AbortSignal): Promise<Check> => {
  const shown = showAddress(address);
  try {
    const request = {
      url: new URL(address),
      headers: {},
      tls: await tlsReader(config)(signal),
      timeouts: TIMEOUTS,
    };
    const { status } = await exchange(request, () => 0, signal);
    return status < 500 ? ok('hub', shown) : hint('hub', `${shown} answered ${String(status)}`, ADVICE);
  } catch (error) {
    signal.throwIfAborted();
    return hint('hub', `${shown}: ${messageOf(error)}`, ADVICE);
  }
};

const originOf = (address: string): string => new URL(address).origin;

/** One line for each hub of a list. One that does not answer is a hint while another one does. */
export const checkHubs = async (config: Config, signal: AbortSignal): Promise<readonly Check[]> => {
  const { manifestUrls, report } = config;
  const lists = [manifestUrls, report?.urls ?? []].filter(({ length }) => length > 1);
  const addresses = lists.flat();
  // The hub of a manifest is most often that of the reports, too.
  const firsts = addresses.filter(
    (address, n) => addresses.findIndex((other) => originOf(other) === originOf(address)) === n,
  );
  return Promise.all(firsts.map((address) => checkHub(config, address, signal)));
};
