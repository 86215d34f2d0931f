import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveStatus } from '../../src/adapters/status-socket/status-server.ts';
import { createAgent, type Agent } from '../../src/agent/agent.ts';
import { createRefresh } from '../../src/agent/daemon.ts';
import { routesOf } from '../../src/cli/wiring/socket-routes.ts';
import { createSurroundings, type Surroundings } from '../support/agent-ports.ts';
import { edgeSetting, ENVIRONMENT } from '../support/world.ts';
import { fuzzAsync, PATIENCE_MS } from './cases.ts';
import { mutatedJson } from './mutate.ts';

const { signal } = new AbortController();
const options = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };

const agentOn = (host: Surroundings): Agent =>
  createAgent(host, options, { running: true, version: '0', pid: 1 }, false);

const startAgent = async (): Promise<{ host: Surroundings; agent: Agent; path: string }> => {
  const host = createSurroundings('services: { web: { image: org/web, restart: always } }');
  const agent = agentOn(host);
  await agent.open(signal);
  await agent.pass(signal);
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-fuzz-'));
  const path = join(folder, 'agent.sock');
  const refresh = createRefresh(agent, { watchFiles: () => () => undefined }, signal);
  const server = await serveStatus(path, routesOf(ENVIRONMENT, agent, refresh));
  onTestFinished(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  return { host, agent, path };
};

const ask = async (
  socketPath: string,
  method: string,
  path: string,
  body: Buffer,
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, method, path, agent: false, headers: { 'content-length': body.length } },
      (response) => {
        text(response).then((said) => resolve({ status: response.statusCode ?? 0, text: said }), reject);
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });

const commands = fc.constantFrom<unknown>(
  { kind: 'pause', reason: 'looking', owner: 'root', untilMs: 1_800_000_000_000, all: false },
  { kind: 'pause', reason: 'looking', owner: 'root', untilMs: null, all: true },
  { kind: 'pause', reason: 'for ever', owner: 'root', untilMs: 9e15, all: false },
  { kind: 'resume' },
  { kind: 'drain', reason: 'looking', owner: 'root', untilMs: 1_800_000_000_000 },
  { kind: 'drain', reason: 'for ever', owner: 'root', untilMs: null },
  { kind: 'undrain' },
  { kind: 'retry', service: 'web' },
  { kind: 'recover', serial: 5, dryRun: false },
  { kind: 'recover', serial: null, dryRun: true },
);
const requests = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'GET', 'PUT', 'DELETE'),
  path: fc.constantFrom(
    '/command',
    '/command',
    '/command',
    '/status',
    '/sync',
    '/explain',
    '/',
    '/__proto__',
    '/constructor',
    '/%00',
  ),
  body: mutatedJson(commands),
});

describe('whatever is asked over the status socket', () => {
  it(
    'gets an answer in JSON, and the agent goes on, as does the next one',
    async () => {
      const { host, agent, path } = await startAgent();
      await fuzzAsync(requests, async ({ method, path: asked, body }) => {
        const answer = await ask(path, method, asked, body);
        expect([200, 400, 404]).toContain(answer.status);
        const said = JSON.parse(answer.text) as { error?: { code: string; message: string; advice: string } };
        expect(said.error?.code).not.toBe('INTERNAL');
        expect((said.error === undefined) === (answer.status === 200)).toBe(true);
        // Whatever it was told to keep in mind, it can still look, and say what it sees.
        await agent.pass(signal);
        expect(JSON.parse(JSON.stringify(agent.status()))).toMatchObject({ environment: ENVIRONMENT });
        const next = agentOn(host);
        await next.open(signal);
        await next.pass(signal);
        expect(next.status().host).toBe('host-1');
      });
    },
    PATIENCE_MS,
  );
});
