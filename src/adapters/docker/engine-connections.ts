import { Agent as HttpAgent, type ClientRequest, type IncomingMessage } from 'node:http';
import { inspect } from 'node:util';

/** The settings of Node's global agents. */
const KEPT = { keepAlive: true, scheduling: 'lifo', timeout: 5_000 } as const;

/** The method that every request goes through; undocumented, but other packages rely on it too. */
interface Entrance {
  addRequest: (request: ClientRequest, ...others: readonly unknown[]) => void;
}

/**
 * An HTTP agent that works around three faults of docker-modem. It waits forever for the rest of a truncated
 * response: here that becomes an error of the request. It follows redirects, and a bad one ends the process:
 * engines send none, so a redirect is an error. It runs util.inspect over every request's options, sockets
 * included, for a log that is off (nine tenths of a deploy's time with twenty services): this agent overrides
 * inspect.custom.
 */
export const engineAgent = async (isTls: boolean): Promise<HttpAgent> => {
  // TLS takes 5 MB of memory.
  const agent = isTls ? new (await import('node:https')).default.Agent(KEPT) : new HttpAgent(KEPT);
  const entrance = agent as unknown as Entrance;
  const enter = entrance.addRequest.bind(agent);
  entrance.addRequest = (request, ...others) => {
    request.prependOnceListener('response', (response: IncomingMessage) => {
      delete response.headers.location;
      response.once('close', () => {
        if (!response.complete) request.emit('error', torn());
      });
    });
    enter(request, ...others);
  };
  return Object.assign(agent, { [inspect.custom]: () => 'connections to an engine' });
};

const torn = (): Error => Object.assign(new Error('its answer ended in the middle'), { code: 'ECONNRESET' });
