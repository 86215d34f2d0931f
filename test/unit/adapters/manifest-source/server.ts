import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createCertificate } from '../../../support/certificate.ts';

export interface LocalServer {
  readonly url: string;
  readonly requests: readonly IncomingMessage[];
  readonly server: Server;
}

const listen = async (server: Server, scheme: string): Promise<LocalServer> => {
  const requests: IncomingMessage[] = [];
  server.prependListener('request', (request: IncomingMessage) => requests.push(request));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise<void>((closed) => {
      server.close(() => {
        closed();
      });
    });
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${scheme}://127.0.0.1:${port}/manifest.json`, requests, server };
};

/** A real server for one test. */
export const serve = (listener: RequestListener): Promise<LocalServer> =>
  listen(createHttpServer(listener), 'http');

export const serveTls = (options: ServerOptions, listener: RequestListener): Promise<LocalServer> =>
  listen(createHttpsServer(options, listener), 'https');

/** A folder for one test. */
export const createFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-source-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

export const writeText = async (folder: string, name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};

/** A server that answers only a client with the certificate that it knows. */
export const serveMutualTls = async (listener: RequestListener) => {
  const folder = await createFolder();
  const server = await createCertificate(folder, 'server');
  const client = await createCertificate(folder, 'client');
  const tls = {
    key: await readFile(server.key),
    cert: await readFile(server.cert),
    ca: await readFile(client.cert),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const { url } = await serveTls(tls, listener);
  return { url, folder, server, client };
};
