import { chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificate } from './certificate.ts';
import { type Service, type User, startService } from './command.ts';
import { killWithChildren } from './pids.ts';
import { eventually } from './poll.ts';
import { freePort } from './ports.ts';
import {
  type PostgresAddress,
  type TestDatabase,
  createDatabase,
  queryPostgres,
} from './postgres-database.ts';
import { postgresProgram, postgresUser, runOrThrow } from './postgres-programs.ts';

export interface PostgresOptions {
  /** TCP with TLS only, by a certificate for 127.0.0.1. */
  readonly tls?: boolean;
  /** TCP asks for this password (SCRAM) of every role; otherwise all of this machine may enter. */
  readonly password?: string;
  /** Writes reach the disk before they are acknowledged: as slow as in production. */
  readonly fsync?: boolean;
  /** More of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL server of a test's own. */
export interface TestPostgres extends PostgresAddress {
  readonly logFile: string;
  /** With `tls`: what a client checks the server by. */
  readonly certificateFile: string;
  readonly createDatabase: () => Promise<TestDatabase>;
  /** As the superuser, see `queryPostgres`. */
  readonly query: (sql: string, database?: string) => Promise<readonly string[]>;
  /** SIGKILL to all of its processes at one moment. */
  readonly kill: () => Promise<void>;
  /** Ends it in order if it runs, and starts it; resolves when it answers. */
  readonly restart: () => Promise<void>;
  /** Ends it and removes its folder. */
  readonly stop: () => Promise<void>;
}

const settingsOf = (
  { folder, port }: PostgresAddress,
  { tls, fsync, settings }: PostgresOptions,
): Readonly<Record<string, string>> => ({
  listen_addresses: '127.0.0.1',
  port: String(port),
  unix_socket_directories: folder,
  shared_buffers: '32MB',
  ...(fsync !== true && { fsync: 'off', full_page_writes: 'off' }),
  ...(tls === true && {
    ssl: 'on',
    ssl_cert_file: join(folder, 'server.crt'),
    ssl_key_file: join(folder, 'server.key'),
  }),
  ...settings,
});

const accessOf = ({ tls, password }: PostgresOptions): string => {
  const transport = tls === true ? 'hostssl' : 'host';
  const method = password === undefined ? 'trust' : 'scram-sha-256';
  return `local all all trust\n${transport} all all 127.0.0.1/32 ${method}\n`;
};

const INITDB = ['--auth=trust', '--encoding=UTF8', '--locale=C', '--username=postgres', '--no-sync'];

/** The data of a new server with its settings; it does not run. */
const initialise = async (
  address: PostgresAddress,
  options: PostgresOptions,
  user: User | undefined,
): Promise<string> => {
  const { folder } = address;
  const data = join(folder, 'data');
  await runOrThrow(postgresProgram('initdb'), ['-D', data, ...INITDB], { user, cwd: folder });
  if (options.tls === true) {
    const { key } = await createCertificate(folder, 'server');
    await chmod(key, 0o600);
    if (user) await chown(key, user.uid, user.gid);
  }
  const settings = Object.entries(settingsOf(address, options));
  const lines = settings.map(([name, value]) => `${name} = '${value}'\n`);
  await writeFile(join(data, 'postgresql.conf'), lines.join(''), { flag: 'a' });
  await writeFile(join(data, 'pg_hba.conf'), accessOf(options));
  return data;
};

/**
 * PostgreSQL of Debian's packages with everything it has in a folder below TMPDIR. It ends with us, also when
 * we are killed. Takes a second: tests that neither kill nor configure theirs share one (shared-postgres.ts).
 * @throws with the end of its log when it does not answer.
 */
export const startPostgres = async (options: PostgresOptions = {}): Promise<TestPostgres> => {
  const user = await postgresUser();
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-postgres-'));
  if (user) await chown(folder, user.uid, user.gid);
  const address = { folder, port: await freePort() };
  const data = await initialise(address, options, user);
  const logFile = join(folder, 'log');
  const query: TestPostgres['query'] = async (sql, database) => queryPostgres(address, sql, database);

  const start = async (): Promise<Service> => {
    // SIGINT ends its connections; after SIGTERM it waits until the clients do.
    const started = startService(postgresProgram('postgres'), ['-D', data], {
      user,
      cwd: folder,
      logFile,
      endSignal: 'SIGINT',
    });
    await eventually(async () => (await query('select 1')).length === 1, {
      everyMs: 20,
      describe: async () =>
        `PostgreSQL answers; its log ends:\n${(await readFile(logFile, 'utf8')).slice(-2_000)}`,
    });
    return started;
  };

  let service = await start();
  const { password } = options;
  await query('create role hub login');
  if (password !== undefined)
    for (const role of ['hub', 'postgres']) await query(`alter role ${role} password '${password}'`);
  return {
    ...address,
    logFile,
    certificateFile: join(folder, 'server.crt'),
    createDatabase: async () => createDatabase(address),
    query,
    kill: async () => killWithChildren(service.pid),
    restart: async () => {
      await service.stop();
      service = await start();
    },
    stop: async () => {
      await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
