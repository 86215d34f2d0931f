/** Mount points of an edge's two folders: a mounted file would stay the old inode after a rename. */
export const EDGE_CONFIG_MOUNT = '/edge/config';
export const EDGE_RUN_MOUNT = '/edge/run';
export const EDGE_CONFIG_FILE = 'haproxy.cfg';
/** The candidate that `haproxy -c` checks before it becomes the config file. */
export const EDGE_CANDIDATE_FILE = 'haproxy.cfg.new';
/** What the health endpoint answers. HAProxy refuses a config file whose map does not exist. */
export const EDGE_HEALTH_FILE = 'health.map';
export const EDGE_HEALTH_MAP = `${EDGE_CONFIG_MOUNT}/${EDGE_HEALTH_FILE}`;

/** All edges of an environment share the folder of these sockets, to hand listeners over. */
export const runtimeSocketName = (instance: string): string => `${instance}.runtime.sock`;
export const masterSocketName = (instance: string): string => `${instance}.master.sock`;

/** The uid and gid that the worker switches to: the official image's own user. */
export const EDGE_WORKER_ID = 99;

/**
 * NET_BIND_SERVICE binds ports below 1024. CHOWN and FOWNER give the sockets to the agent and then set their
 * mode. SETUID and SETGID switch the worker's user. Without KILL the master cannot pass SIGUSR1 to that
 * worker.
 */
export const EDGE_CAPABILITIES = ['CHOWN', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'] as const;

/**
 * Entrypoint and arguments; `haproxy` is on the PATH of the official image and of ours. The new edge takes
 * over the listeners of a running `predecessor`, because closing a listener resets the connections that wait
 * in it (about 6 of 10,000 new connections at 32 replacements under full load). If the predecessor is gone,
 * HAProxy only logs a line.
 */
export const edgeCommand = ({
  agentUid,
  instance,
  predecessor,
}: {
  readonly agentUid: number;
  readonly instance: string;
  readonly predecessor?: string;
}): readonly [string, ...string[]] => [
  'haproxy',
  '-W',
  '-db',
  '-S',
  `${EDGE_RUN_MOUNT}/${masterSocketName(instance)},uid,${agentUid},mode,660`,
  '-f',
  `${EDGE_CONFIG_MOUNT}/${EDGE_CONFIG_FILE}`,
  ...(predecessor === undefined ? [] : ['-x', `${EDGE_RUN_MOUNT}/${runtimeSocketName(predecessor)}`]),
];

/** Checks the candidate; runs in the container of the edge or in one like it. */
export const edgeCheckCommand: readonly [string, ...string[]] = [
  'haproxy',
  '-c',
  '-f',
  `${EDGE_CONFIG_MOUNT}/${EDGE_CANDIDATE_FILE}`,
];
