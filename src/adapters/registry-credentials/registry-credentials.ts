import { join } from 'node:path';
import { registryKey } from '../../core/image/reference.ts';
import type { RegistryAuth, RegistryCredentials } from '../../core/ports/registry-credentials.ts';
import { askProgram, type ProgramAnswer } from './credential-program.ts';
import { malformed, readDockerConfig, type DockerConfig, type DockerConfigEntry } from './docker-config.ts';

export interface RegistryCredentialsOptions {
  readonly dockerConfigDir: string;
  /** For the credential programs, which need their own tools and files. */
  readonly path: string;
  readonly home: string;
  readonly timeoutMs?: number;
}

const HUB = ['index.docker.io', 'docker.io', 'registry-1.docker.io'];

/** Like docker (cli/config/credentials, `ConvertToHostname`); all names of Docker Hub are one. */
const hostOf = (key: string): string => {
  const host = (key.replace(/^https?:\/\//i, '').split('/')[0] ?? '').toLowerCase();
  return HUB.includes(host) ? 'index.docker.io' : host;
};

/** The exact key wins over one that differs in scheme, path or case. */
const entryFor = <T>(
  entries: Readonly<Record<string, T>>,
  key: string,
): { name: string; value: T } | undefined => {
  const names = Object.keys(entries);
  const name =
    names.find((candidate) => candidate === key) ??
    names.find((candidate) => hostOf(candidate) === hostOf(key));
  const value = name === undefined ? undefined : entries[name];
  return name === undefined || value === undefined ? undefined : { name, value };
};

/** Checks the alphabet, because Buffer.from drops other characters. */
const decodeLogin = (auth: string): { username: string; password: string } | undefined => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(auth)) return undefined;
  const login = Buffer.from(auth, 'base64').toString('utf8');
  const colon = login.indexOf(':');
  // docker pads the password with zero bytes in old files (cli/config/configfile, `decodeAuth`).
  return colon < 1
    ? undefined
    : { username: login.slice(0, colon), password: login.slice(colon + 1).replaceAll('\0', '') };
};

/** In the engine's order of preference: registry token, identity token, password. */
const authOfEntry = (
  file: string,
  name: string,
  entry: DockerConfigEntry,
  serveraddress: string,
): RegistryAuth | undefined => {
  if (entry.registrytoken !== '') return { registrytoken: entry.registrytoken, serveraddress };
  if (entry.identitytoken !== '') return { identitytoken: entry.identitytoken, serveraddress };
  if (entry.auth !== '') {
    const login = decodeLogin(entry.auth);
    if (login === undefined)
      throw malformed(file, `has an "auth" for ${name} that is not base64 of user:password`);
    return { ...login, serveraddress };
  }
  return entry.username === ''
    ? undefined
    : { username: entry.username, password: entry.password, serveraddress };
};

const authOfAnswer = ({ Username, Secret }: ProgramAnswer, serveraddress: string): RegistryAuth =>
  Username === '<token>'
    ? { identitytoken: Secret, serveraddress }
    : { username: Username, password: Secret, serveraddress };

/**
 * A program for this registry wins over the general one; an empty name means the file
 * (`GetCredentialsStore`).
 */
const programFor = (config: DockerConfig, key: string): string =>
  entryFor(config.credHelpers, key)?.value ?? config.credsStore;

/** The logins of DOCKER_CONFIG/config.json and of the programs that it names, read at every call. */
export const createRegistryCredentials = (options: RegistryCredentialsOptions): RegistryCredentials => {
  const file = join(options.dockerConfigDir, 'config.json');
  return {
    for: async (repository, signal) => {
      const key = registryKey(repository);
      const config = await readDockerConfig(file, signal);
      const name = programFor(config, key);
      if (name !== '') {
        const answer = await askProgram({ name, timeoutMs: 10_000, ...options }, key, signal);
        return answer && authOfAnswer(answer, key);
      }
      const entry = entryFor(config.auths, key);
      return entry && authOfEntry(file, entry.name, entry.value, key);
    },
  };
};
