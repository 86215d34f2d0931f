import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, startService } from './command.ts';
import { eventually } from './poll.ts';
import { freePort } from './ports.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Where images are pushed to: plain values, so that it can be handed to test workers. */
export interface RegistryAddress {
  /** `127.0.0.1:PORT`, the first part of an image's name. Engines speak plain HTTP to 127.0.0.0/8. */
  readonly address: string;
  /** What it demands; absent: open to everyone. */
  readonly credentials?: Credentials;
}

export interface Registry extends RegistryAddress {
  readonly folder: string;
  readonly pid: () => number | undefined;
  /** On the same port, with the same content. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Stops it and removes its folder. */
  readonly remove: () => Promise<void>;
}

export interface RegistryOptions {
  /** Demands `registryCredentials`. */
  readonly withPassword?: boolean;
  /** Made when missing, removed with the registry; a temporary one unless given. */
  readonly folder?: string;
  readonly survives?: boolean;
}

const registryCredentials: Credentials = { username: 'deploy', password: 'correct horse' };
/** bcrypt of the password above: the registry reads no other kind. */
const htpasswd = 'deploy:$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n';

const configuration = (folder: string, address: string, withPassword: boolean): string =>
  JSON.stringify({
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'content') }, delete: { enabled: true } },
    http: { addr: address, relativeurls: true, secret: 'one registry, nothing to share' },
    ...(withPassword ? { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } } : {}),
  });

/** Starts docker-registry with its content in a temporary folder. */
export const startRegistry = async ({
  withPassword = false,
  survives = false,
  folder: wanted,
}: RegistryOptions = {}): Promise<Registry> => {
  const folder = wanted ?? (await mkdtemp(join(tmpdir(), 'supercargo-registry-')));
  await mkdir(folder, { recursive: true });
  const address = `127.0.0.1:${String(await freePort())}`;
  // JSON is YAML.
  await writeFile(join(folder, 'config.yml'), configuration(folder, address, withPassword));
  await writeFile(join(folder, 'htpasswd'), htpasswd);
  let service: Service | undefined;

  const isUp = async (): Promise<boolean> =>
    (await fetch(`http://${address}/v2/`)).status === (withPassword ? 401 : 200);
  const start = async (): Promise<void> => {
    service = startService('docker-registry', ['serve', join(folder, 'config.yml')], {
      logFile: join(folder, 'log'),
      survives,
    });
    await eventually(isUp, { describe: () => `docker-registry answers at ${address} (log: ${folder}/log)` });
  };
  const stop = async (): Promise<void> => {
    await service?.kill();
    service = undefined;
  };
  const remove = async (): Promise<void> => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  };
  await start();
  const pid = (): number | undefined => service?.pid;
  const open = { address, folder, pid, start, stop, remove };
  return withPassword ? { ...open, credentials: registryCredentials } : open;
};
