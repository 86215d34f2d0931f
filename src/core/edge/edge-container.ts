/**
 * Where the two folders of an edge are mounted. Folders: a mounted file would stay the old inode after a
 * rename.
 */
export const EDGE_CONFIG_MOUNT = '/edge/config';
export const EDGE_RUN_MOUNT = '/edge/run';
export const EDGE_CONFIG_FILE = 'haproxy.cfg';
/** What `haproxy -c` looks at before it becomes the file. */
export const EDGE_CANDIDATE_FILE = 'haproxy.cfg.new';

/** In the folder that all edges of an environment share, so that one can hand its listeners to the next. */
export const runtimeSocketName = (instance: string): string => `${instance}.runtime.sock`;
export const masterSocketName = (instance: string): string => `${instance}.master.sock`;

/** Whom the worker becomes: the uid and gid of the official image's own user. */
export const EDGE_WORKER_ID = 99;

/**
 * Bind ports below 1024; give the sockets to the agent, and set their mode after that (FOWNER); become
 * another user; and signal the worker that became one: without KILL the master can't pass SIGUSR1 on.
 */
export const EDGE_CAPABILITIES = ['CHOWN', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'] as const;

/**
 * Entrypoint and arguments; `haproxy` is on the PATH of the official image and of ours. The listeners of a
 * `predecessor` that still runs are taken over, not bound beside it: what waits in a listener that is closed
 * is reset (some 6 of 10,000 new connections at 32 replacements under full load). One that is gone is only a
 * line in the log.
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

/** `haproxy -c` on the candidate, to be run in the container of the edge or in one like it. */
export const edgeCheckCommand: readonly [string, ...string[]] = [
  'haproxy',
  '-c',
  '-f',
  `${EDGE_CONFIG_MOUNT}/${EDGE_CANDIDATE_FILE}`,
];
