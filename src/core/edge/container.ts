/** Where the two folders of an edge are mounted. Folders: a mounted file would stay the old inode after a rename. */
export const EDGE_CONFIG_MOUNT = '/edge/config';
export const EDGE_RUN_MOUNT = '/edge/run';
export const EDGE_CONFIG_FILE = 'haproxy.cfg';
/** What `haproxy -c` looks at before it becomes the file. */
export const EDGE_CANDIDATE_FILE = 'haproxy.cfg.new';
export const EDGE_RUNTIME_SOCKET = 'runtime.sock';
export const EDGE_MASTER_SOCKET = 'master.sock';

/** Whom the worker becomes: the uid and gid of the official image's own user. */
export const EDGE_WORKER_ID = 99;

/**
 * Bind ports below 1024; give the sockets to the agent, and set their mode after that (FOWNER); become another user; and signal
 * the worker that became one: without KILL the master can't pass SIGUSR1 on.
 */
export const EDGE_CAPABILITIES = ['CHOWN', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'] as const;

/** Entrypoint and arguments; `haproxy` is on the PATH of the official image and of ours. */
export const edgeCommand = (agentUid: number): readonly [string, ...string[]] => [
  'haproxy',
  '-W',
  '-db',
  '-S',
  `${EDGE_RUN_MOUNT}/${EDGE_MASTER_SOCKET},uid,${agentUid},mode,660`,
  '-f',
  `${EDGE_CONFIG_MOUNT}/${EDGE_CONFIG_FILE}`,
];

/** `haproxy -c` on the candidate, to be run in the container of the edge or in one like it. */
export const edgeCheckCommand: readonly [string, ...string[]] = [
  'haproxy',
  '-c',
  '-q',
  '-f',
  `${EDGE_CONFIG_MOUNT}/${EDGE_CANDIDATE_FILE}`,
];
