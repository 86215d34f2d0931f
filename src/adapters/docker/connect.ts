import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Dockerode from 'dockerode';
import { compareApi } from '../../core/compose/engine-needs.ts';
import { AgentError } from '../../core/errors.ts';
import { asText } from './response-types.ts';
import { createAsk, type Ask } from './engine-call.ts';
import { toEngineError } from './engine-error.ts';
import { engineAgent } from './engine-connections.ts';

/** The API of the oldest supported engine (20.10), and the newest API that we know. */
const OLDEST_API = '1.41';
const NEWEST_API = '1.52';

export type EngineAddress =
  | { readonly kind: 'unix'; readonly socketPath: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number | undefined;
      /** Folder with ca.pem, cert.pem and key.pem. */ readonly tlsFolder: string | undefined;
    };

/** A connection to an engine that has answered. */
export interface Connection {
  /** For reads, with a time limit: a healthy engine answers them at once. */
  readonly ask: Ask;
  /** dockerode, for actions; loaded at the first use. */
  readonly clients: () => Promise<Clients>;
  readonly apiVersion: string;
  readonly remoteHost: string | undefined;
}

export interface Clients {
  readonly docker: Dockerode;
  /** Has the time limit of a read. */
  readonly reader: Dockerode;
}

/**
 * Negotiates the API version: the engine's, at most the newest that we know. Docker 29 refuses versions below
 * 1.44 and 20.10 knows only 1.41, so no fixed version suits both.
 * @throws AgentError ENGINE_OFFLINE; ENGINE if the engine is too old or too new
 */
export const connect = async (address: EngineAddress, readLimitMs = READ_LIMIT_MS): Promise<Connection> => {
  const options = optionsOf(address);
  const version = await versionOf(await createAsk(options, '', readLimitMs), address);
  if (compareApi(version.ApiVersion, OLDEST_API) < 0 || compareApi(version.MinAPIVersion, NEWEST_API) > 0) {
    throw new AgentError(
      'ENGINE',
      `engine ${version.Version} speaks API ${version.MinAPIVersion} to ${version.ApiVersion}`,
      {
        advice: `use Docker 20.10 or newer: the engine must speak an API from ${OLDEST_API} to ${NEWEST_API}`,
      },
    );
  }
  const apiVersion = compareApi(version.ApiVersion, NEWEST_API) > 0 ? NEWEST_API : version.ApiVersion;
  let clients: Promise<Clients> | undefined;
  return {
    ask: await createAsk(options, `/v${apiVersion}`, readLimitMs),
    clients: () => (clients ??= load({ ...options, version: `v${apiVersion}` }, readLimitMs)),
    apiVersion,
    remoteHost: address.kind === 'tcp' ? address.host : undefined,
  };
};

const load = async (options: Dockerode.DockerOptions, readLimitMs: number): Promise<Clients> => {
  const { default: Client } = await import('dockerode');
  // docker-modem accepts an agent, but its types lack it.
  const all = { ...options, agent: await engineAgent(options.protocol === 'https') };
  return { docker: new Client(all), reader: new Client({ ...all, timeout: readLimitMs }) };
};

interface EngineVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly MinAPIVersion: string;
}

/** @throws TypeError */
const asApiVersion = (value: unknown): string => {
  const text = asText(value);
  if (/^\d+\.\d+$/.test(text)) return text;
  throw new TypeError('no version where the Docker API has one');
};

/** The request has no version in its path, because the engine may refuse any that we could guess. */
const versionOf = async (ask: Ask, address: EngineAddress): Promise<EngineVersion> => {
  try {
    const said = JSON.parse(await ask.text('/version')) as Partial<EngineVersion>;
    return {
      Version: asText(said.Version),
      ApiVersion: asApiVersion(said.ApiVersion),
      MinAPIVersion: asApiVersion(said.MinAPIVersion ?? OLDEST_API),
    };
  } catch (error) {
    throw toEngineError(error, 'cannot reach the Docker engine', nameOf(address));
  }
};

const nameOf = (address: EngineAddress): string =>
  address.kind === 'unix' ? address.socketPath : `${address.host}:${String(address.port ?? '')}`;

const READ_LIMIT_MS = 30_000;

const optionsOf = (address: EngineAddress): Dockerode.DockerOptions => {
  if (address.kind === 'unix') return { socketPath: address.socketPath };
  const tls = address.tlsFolder === undefined ? undefined : tlsOf(address.tlsFolder);
  return {
    host: address.host,
    port: address.port ?? (tls ? 2376 : 2375),
    protocol: tls ? 'https' : 'http',
    ...tls,
  };
};

const tlsOf = (folder: string): { ca: Buffer; cert: Buffer; key: Buffer } => {
  try {
    const read = (name: string): Buffer => readFileSync(join(folder, name));
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
  } catch (cause) {
    throw new AgentError('CONFIG', `cannot read the engine's certificates in ${folder}`, {
      cause,
      advice: 'DOCKER_CERT_PATH needs ca.pem, cert.pem and key.pem that this user can read',
    });
  }
};

/** Whether this API can create a container with more than one network. */
export const hasMultiNetworkCreate = (apiVersion: string): boolean => compareApi(apiVersion, '1.44') >= 0;
