import { Agent as HttpAgent, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

/** As Node's own global agents: connections are used again. */
const KEPT = { keepAlive: true, scheduling: 'lifo', timeout: 5_000 } as const;

/** What every request goes through; Node documents neither its name nor its arguments, and agents of others rely on it. */
interface Entrance {
  addRequest: (request: ClientRequest, ...others: readonly unknown[]) => void;
}

/**
 * Connections to an engine, for docker-modem, whose traps end here. It waits for ever for the rest of an answer whose connection
 * ended in the middle (an engine that is killed, a limit on silence that is reached after the head): that becomes an error of the
 * request. And it follows redirects, to wherever they lead, which ends the program where they lead nowhere: engines send none.
 */
export const engineAgent = (isTls: boolean): HttpAgent => {
  const agent = isTls ? new HttpsAgent(KEPT) : new HttpAgent(KEPT);
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
  return agent;
};

const torn = (): Error => Object.assign(new Error('its answer ended in the middle'), { code: 'ECONNRESET' });
