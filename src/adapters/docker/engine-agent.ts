import { Agent as HttpAgent, type ClientRequest, type IncomingMessage } from 'node:http';
import { inspect } from 'node:util';

/** As Node's own global agents: connections are used again. */
const KEPT = { keepAlive: true, scheduling: 'lifo', timeout: 5_000 } as const;

/**
 * What every request goes through; Node documents neither its name nor its arguments, and agents of others
 * rely on it.
 */
interface Entrance {
  addRequest: (request: ClientRequest, ...others: readonly unknown[]) => void;
}

/**
 * Connections to an engine, for docker-modem, whose traps end here. It waits for ever for the rest of an
 * answer whose connection ended in the middle (an engine that is killed, a limit on silence that is reached
 * after the head): that becomes an error of the request. It follows redirects, to wherever they lead, which
 * ends the program where they lead nowhere: engines send none. And it puts all that it is given into words
 * for a debug line that nobody reads, to the last socket of this agent: with twenty services that was nine
 * tenths of a deploy's time. So this agent has one word.
 */
export const engineAgent = async (isTls: boolean): Promise<HttpAgent> => {
  // TLS takes 5 MB to load.
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
