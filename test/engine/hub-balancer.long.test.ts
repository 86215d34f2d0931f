import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { startHubBalancer } from '../support/hub-balancer.ts';
import { eventually } from '../support/poll.ts';
import { freePorts } from '../support/ports.ts';

/** Answers every request with its name. */
const startNamed = async (name: string, port: number): Promise<Server> => {
  const server = createServer((_, response) => response.end(name)).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
};

const stop = async (server: Server): Promise<void> => {
  if (!server.listening) return;
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
};

it('sends each request to the next hub, and none to one that is dead', async () => {
  const [one = 0, two = 0] = await freePorts(2);
  const servers = [await startNamed('one', one), await startNamed('two', two)];
  onTestFinished(async () => {
    await Promise.all(servers.map(stop));
  });
  const balancer = await startHubBalancer([one, two]);
  onTestFinished(balancer.remove);
  const states = async (wanted: Readonly<Record<string, string>>): Promise<void> => {
    await eventually(async () => JSON.stringify(await balancer.states()) === JSON.stringify(wanted), {
      describe: async () => `${JSON.stringify(await balancer.states())} is ${JSON.stringify(wanted)}`,
    });
  };
  const four = async (): Promise<readonly string[]> => {
    const answers: string[] = [];
    while (answers.length < 4)
      answers.push(await (await fetch(`${balancer.url}/manifests/shop.json`)).text());
    return answers.toSorted();
  };
  await states({ hub1: 'UP', hub2: 'UP' });
  expect(await four()).toEqual(['one', 'one', 'two', 'two']);

  // At once: the balancer does not know yet.
  await Promise.all(servers.slice(1).map(stop));
  expect(await four()).toEqual(['one', 'one', 'one', 'one']);
  await states({ hub1: 'UP', hub2: 'DOWN' });
  servers.push(await startNamed('two', two));
  await states({ hub1: 'UP', hub2: 'UP' });
  expect(await four()).toEqual(['one', 'one', 'two', 'two']);
});
