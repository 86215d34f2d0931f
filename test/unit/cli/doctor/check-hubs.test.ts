import { expect, it, onTestFinished } from 'vitest';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkHubs } from '../../../../src/cli/doctor/check-hubs.ts';
import { readConfig } from '../../../../src/config/agent-config.ts';

const serve = async (status: number): Promise<string> => {
  const server = createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
};

const linesOf = async (
  manifests: readonly string[],
  reports: readonly string[],
): Promise<readonly string[]> => {
  const env = {
    SUPERCARGO_ENVIRONMENT: 'staging',
    SUPERCARGO_MANIFEST_URL: manifests.map((hub) => `${hub}/manifests/staging.json`).join(','),
    SUPERCARGO_REPORT_URL: reports.join(' '),
  };
  const config = readConfig(env, {
    hostname: 'web-1',
    home: '/root',
    isTerminal: false,
    fileExists: () => true,
    hasCredential: () => false,
    adviceOn: () => '',
    denied: () => undefined,
  });
  const checks = await checkHubs(config, new AbortController().signal);
  return checks.map(({ name, result, message }) => `${result} ${name}: ${message}`);
};

it('doctor asks each hub of a list, once', async () => {
  const [good, refusing, broken] = [await serve(200), await serve(401), await serve(500)];
  const dead = 'http://127.0.0.1:1';
  expect(await linesOf([good, broken, dead], [refusing, good])).toEqual([
    `ok hub: ${good}/manifests/staging.json`,
    `hint hub: ${broken}/manifests/staging.json answered 500`,
    `hint hub: ${dead}/manifests/staging.json: connect ECONNREFUSED 127.0.0.1:1`,
    `ok hub: ${refusing}/reports/staging/web-1.json`,
  ]);
});

it('says nothing of the only hub: its manifest has a line', async () => {
  const hub = await serve(200);
  expect(await linesOf([hub], [hub])).toEqual([]);
});
