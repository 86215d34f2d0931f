import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, type User, startService } from './command.ts';
import { type NodePlace, etcdFlags, patroniConfig } from './patroni-config.ts';
import { findPids, killWithChildren, signalPid, stopWithChildren } from './pids.ts';
import { eventually } from './poll.ts';
import { freePorts } from './ports.ts';
import { createDatabase, queryPostgres } from './postgres-database.ts';
import { postgresUser } from './postgres-programs.ts';

/** A machine with Patroni and its PostgreSQL. */
export interface PatroniNode extends NodePlace {
  /** As the superuser, see `queryPostgres`. */
  readonly query: (sql: string, database?: string) => Promise<readonly string[]>;
  /** SIGKILL to Patroni and PostgreSQL at one moment: the machine is gone. */
  readonly kill: () => Promise<void>;
  readonly start: () => void;
  /** The machine hangs: connections stay open and nothing answers. Returns what wakes it. */
  readonly freeze: () => () => void;
}

/** Three of them. */
export interface PatroniCluster {
  readonly nodes: readonly PatroniNode[];
  /** A new database of the role `hub`, and its address with all nodes in it. */
  readonly createDatabase: () => Promise<{ readonly name: string; readonly url: string }>;
  /** The one that takes writes; undefined while there is none. */
  readonly leader: () => Promise<PatroniNode | undefined>;
  /** That has the role now; waits until one has it. */
  readonly nodeOf: (role: Role) => Promise<PatroniNode>;
  readonly waitForLeader: () => Promise<PatroniNode>;
  /** Until a leader, a standby that has each acknowledged write, and another standby run. */
  readonly waitUntilWhole: () => Promise<void>;
  /** Ends all and removes their folder. */
  readonly stop: () => Promise<void>;
}

/** In Patroni's words; `sync_standby` has each write before it is acknowledged. */
export type Role = 'leader' | 'sync_standby' | 'replica';

/** Of Patroni's `GET /cluster`. */
interface Member {
  readonly name: string;
  readonly role: Role;
  readonly state: string;
}

const NAMES = ['db1', 'db2', 'db3'] as const;
const DEADLINE_MS = 120_000;

const ask = async ({ restPort }: NodePlace, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${String(restPort)}/${path}`, { signal: AbortSignal.timeout(5_000) });

/** As one of the nodes that run tells it; a node that died counts as a member for a while. */
const membersOf = async (nodes: readonly NodePlace[]): Promise<readonly Member[]> => {
  const answers = await Promise.allSettled(
    nodes.map(async (node) => (await ask(node, 'cluster')).json() as Promise<{ members: Member[] }>),
  );
  return answers.find((answer) => answer.status === 'fulfilled')?.value.members ?? [];
};

/** In its folder, as the user of `parent`. */
const makeFolder = async (parent: string, name: string, user: User | undefined): Promise<string> => {
  const folder = join(parent, name);
  // PostgreSQL starts in no folder that others may enter.
  await mkdir(folder, { mode: 0o700 });
  if (user) await chown(folder, user.uid, user.gid);
  return folder;
};

const createNode = async (
  place: NodePlace,
  etcdPort: number,
  user: User | undefined,
): Promise<PatroniNode> => {
  const { folder } = place;
  const config = join(folder, 'patroni.yml');
  await writeFile(config, patroniConfig(place, etcdPort));
  // PostgreSQL is no child of Patroni: both name the folder.
  const ownPids = (): readonly number[] =>
    findPids((words) => words.some((word) => word.includes(`${folder}/`)));
  return {
    ...place,
    query: async (sql, database) => queryPostgres(place, sql, database),
    kill: async () => killWithChildren(...ownPids()),
    freeze: () => {
      const pids = stopWithChildren(...ownPids());
      return () => {
        for (const pid of pids) signalPid(pid, 'SIGCONT');
      };
    },
    start: () => {
      startService('patroni', [config], { user, cwd: folder, logFile: join(folder, 'log') });
    },
  };
};

const startEtcd = async (
  folder: string,
  user: User | undefined,
): Promise<{ port: number; service: Service }> => {
  const [port = 0, peerPort = 0] = await freePorts(2);
  const logFile = join(folder, 'log');
  // etcd 3.4 takes ARM for an experiment.
  const env = { ...process.env, ETCD_UNSUPPORTED_ARCH: 'arm64' };
  const service = startService('etcd', etcdFlags(folder, port, peerPort), {
    user,
    cwd: folder,
    logFile,
    env,
  });
  await eventually(async () => (await fetch(`http://127.0.0.1:${String(port)}/health`)).ok, {
    describe: async () => `etcd answers; its log ends:\n${(await readFile(logFile, 'utf8')).slice(-2_000)}`,
  });
  return { port, service };
};

/**
 * Three PostgreSQL nodes with Patroni, of Debian's packages, on loopback; whole when it resolves. Everything
 * lies in a folder below TMPDIR. Takes 20 s.
 */
export const startPatroni = async (): Promise<PatroniCluster> => {
  const user = await postgresUser();
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-patroni-'));
  if (user) await chown(folder, user.uid, user.gid);
  const etcd = await startEtcd(await makeFolder(folder, 'etcd', user), user);
  const nodes: PatroniNode[] = [];
  for (const name of NAMES) {
    const [port = 0, restPort = 0] = await freePorts(2);
    const place = { name, folder: await makeFolder(folder, name, user), port, restPort };
    nodes.push(await createNode(place, etcd.port, user));
  }

  const evidence = async (): Promise<string> => {
    const logs = nodes.map(async (node) => {
      const log = await readFile(join(node.folder, 'log'), 'utf8').catch(() => '');
      return `${node.name}:\n${log.slice(-2_000)}`;
    });
    return [JSON.stringify(await membersOf(nodes)), ...(await Promise.all(logs))].join('\n');
  };
  const until = async <T>(what: string, condition: () => Promise<T | undefined | false>): Promise<T> =>
    eventually(condition, {
      deadlineMs: DEADLINE_MS,
      everyMs: 250,
      describe: async () => `${what}; ${await evidence()}`,
    });

  const leader: PatroniCluster['leader'] = async () => {
    const answers = await Promise.allSettled(nodes.map(async (node) => (await ask(node, 'primary')).ok));
    return nodes.find((_, at) => answers[at]?.status === 'fulfilled' && answers[at].value);
  };
  const waitForLeader: PatroniCluster['waitForLeader'] = async () => until('a node leads', leader);
  const waitUntilWhole: PatroniCluster['waitUntilWhole'] = async () => {
    await until('three nodes run, one of them synchronous', async () => {
      const members = await membersOf(nodes);
      const running = members.filter(({ state }) => state === 'running' || state === 'streaming');
      const roles = running.map(({ role }) => role).toSorted();
      return roles.join() === 'leader,replica,sync_standby' && (await leader()) !== undefined;
    });
  };

  for (const node of nodes) node.start();
  await waitUntilWhole();
  await (await waitForLeader()).query('create role hub login');
  return {
    nodes,
    createDatabase: async () => {
      const { name } = await createDatabase(await waitForLeader());
      // A standby that does not have it yet refuses a client, which then asks no other node.
      await until(`every node has ${name}`, async () => {
        await Promise.all(nodes.map(async (node) => node.query('select 1', name)));
        return true;
      });
      const hosts = nodes.map(({ port }) => `127.0.0.1:${String(port)}`).join();
      return { name, url: `postgres://hub@${hosts}/${name}` };
    },
    leader,
    nodeOf: async (role) =>
      until(`a node is ${role}`, async () => {
        const name = (await membersOf(nodes)).find((member) => member.role === role)?.name;
        return nodes.find((node) => node.name === name);
      }),
    waitForLeader,
    waitUntilWhole,
    stop: async () => {
      for (const node of nodes) await node.kill();
      await etcd.service.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
