/**
 * What can fail around the agent, and what then happens. docs/FAULTS.md is this table; every row is tried at
 * many moments.
 */
interface Fault {
  readonly fault: string;
  readonly happens: string;
  readonly told: string;
}

export const FAULTS = {
  'agent-killed': {
    fault: 'the agent is killed (SIGKILL, out of memory)',
    happens: 'What serves goes on. The next agent looks, and continues where the last one was.',
    told: '`status`: `AGENT_NOT_RUNNING`, exit code 4',
  },
  'agent-stopped': {
    fault: 'the agent hangs (SIGSTOP)',
    happens:
      'What serves goes on. When it wakes up it looks again; no candidate is blamed for the time that nobody watched it.',
    told: '`status` times out; systemd’s watchdog restarts it',
  },
  'two-agents': {
    fault: 'a second agent of the same environment starts',
    happens: 'The second one ends at once; the first one does not notice.',
    told: '`AGENT_RUNNING`, exit code 1',
  },
  'engine-killed': {
    fault: 'dockerd is killed, or restarted',
    happens:
      'Containers come back by their restart policy; within 5 s of its return the ports answer, and the deploy goes on.',
    told: '`offline` while it is away, exit code 4',
  },
  'engine-stopped': {
    fault: 'dockerd hangs (SIGSTOP)',
    happens:
      'What serves goes on. After 30 s without an answer it counts as away; afterwards the deploy goes on.',
    told: '`offline`, exit code 4',
  },
  'engine-slow': {
    fault: 'dockerd is slow',
    happens: 'The deploy takes longer; no release is blamed for it.',
    told: '`progressing`',
  },
  'engine-gone': {
    fault: 'the socket of dockerd is gone, or its answers end in the middle',
    happens:
      'Nothing is changed while it is away; an action whose answer was lost is looked at, not repeated blindly.',
    told: '`offline`, exit code 4',
  },
  'engine-full': {
    fault: "the engine's disk is full",
    happens:
      'What serves goes on; pulls and new containers are tried again later. The release is not blamed.',
    told: '`blocked`, reason `disk`, with the words of the engine',
  },
  'logs-gone': {
    fault: 'the log server is down that a log driver (`syslog`, `fluentd`, …) has to reach',
    happens:
      'What serves goes on, and nothing is stopped for a container that could not start. The deploy goes on when it is back.',
    told: '`waiting`, reason `back-off`; `blocked`, reason `down`, where nothing serves',
  },
  'unproved-followed': {
    fault: 'a first version never answers, and another bad one is published meanwhile',
    happens: 'Neither is gone back to or called serving: both are taken away and quarantined.',
    told: '`blocked`, reason `down`, exit code 3',
  },
  'edge-killed': {
    fault: 'the edge is killed',
    happens: 'It comes back by itself with the file it had, and is brought up to date.',
    told: 'the edge’s line in `status`',
  },
  'edge-silent': {
    fault: 'the edge hangs (SIGSTOP)',
    happens: 'No container is stopped that it may still send to. The deploy goes on when it answers again.',
    told: '`waiting`, reason `edge`',
  },
  'edge-removed': {
    fault: "somebody removes the edge's container",
    happens: 'Another one is made at once, with the same ports and containers.',
    told: 'the edge’s line in `status`',
  },
  'port-lost': {
    fault: 'another environment, or a program, takes a port of ours while our edge is away',
    happens:
      'The edge comes back without that port, and serves all others within seconds. The service of that port waits for it, and has it back once it is free. No port is ever answered by two environments.',
    told: '`blocked`, reason `port`, with the environment and the service that have it',
  },
  'registry-gone': {
    fault: 'the registry is stopped, killed or cannot be reached',
    happens: 'What serves goes on; the pull is tried again by itself, a little later each time.',
    told: '`waiting`, reason `back-off`, with cause and next try',
  },
  'registry-denied': {
    fault: 'the registry refuses the login',
    happens: 'What serves goes on; tried again by itself, and at once after a new publish.',
    told: '`blocked`, reason `auth`',
  },
  'registry-stopped': {
    fault: 'the registry hangs (SIGSTOP), or is slow',
    happens:
      'What serves goes on; the pull ends when the registry goes on, or is given up after two minutes of silence and tried again.',
    told: '`progressing`, then `waiting`, reason `back-off`',
  },
  'manifests-gone': {
    fault: 'the manifest store is stopped, killed or cannot be reached',
    happens: 'The last accepted manifest stays in force, and drift is repaired by it.',
    told: 'the source’s line in `status`; the exit code does not change',
  },
  'manifests-stopped': {
    fault: 'the manifest store hangs (SIGSTOP), or is slow',
    happens: 'As above; no look at the host waits for it.',
    told: 'the source’s line in `status`',
  },
  'hub-dies': {
    fault: 'one hub of several is stopped, killed or cannot be reached',
    happens:
      'The next request goes to another one at once, a broken long poll within 5 s. When the hub answers again, the host returns within minutes.',
    told: 'the log: `hub.lost`, `hub.reached`; the lines of `doctor`',
  },
  'reports-gone': {
    fault: 'the report store is stopped, killed, hangs or is slow',
    happens: 'Nothing waits for it. The last report is kept and delivered when it is back.',
    told: 'the log: `report.failed`',
  },
  'state-full': {
    fault: 'the disk of the state folder is full',
    happens: 'A new manifest is not accepted. Repairs and rollbacks go on.',
    told: '`blocked`, reason `ledger`, exit code 3',
  },
  'state-readonly': {
    fault: 'the state folder is read-only',
    happens: 'As above.',
    told: '`blocked`, reason `ledger`, exit code 3',
  },
  'clock-forward': {
    fault: 'the clock is stepped a day forward',
    happens:
      'Nothing that serves is touched, and no candidate is blamed for the day that never was. Manifests that expire in it are not accepted any more.',
    told: 'times in `status`',
  },
  'clock-back': {
    fault: 'the clock is stepped a day back',
    happens:
      'Nothing that serves is touched; what waits for a time waits its length from now on, not a day more.',
    told: 'times in `status`',
  },
  'files-unreadable': {
    fault:
      'a compose file, or a file that it names, is a FIFO, on a mount that hangs, too large, or makes the reader throw, grow or hang',
    happens:
      'The last files that could be read stay in force; deploys, repairs and rollbacks go on by them. Once mended, the files are read again.',
    told: '`status`: problem `COMPOSE` with file and line, exit code 3; the log: `compose.refused`',
  },
  'ledger-cut': {
    fault: 'the ledger is cut off at any byte, or lost',
    happens: 'What runs stays as it is, and nothing new starts until somebody runs `supercargo recover`.',
    told: '`blocked`, reason `ledger`, exit code 3',
  },
  'history-cut': {
    fault: 'the history is cut off at any byte',
    happens: 'Whole lines stay readable, the next entry begins a line of its own. Nothing is decided by it.',
    told: '`history` shows what is whole',
  },
  'hand-removed': {
    fault: '`docker rm -f` of a container of ours',
    happens:
      'It is made again from the last good release; during a deploy the deploy goes on. A container that joins its network, IPC or PID namespace is made anew after it.',
    told: '`history`',
  },
  'hand-stopped': {
    fault: '`docker stop` of a container of ours',
    happens: 'It is started again.',
    told: '`history`',
  },
  'hand-restarted': {
    fault: '`docker restart` of a container of ours',
    happens: 'It goes on. A container that joins its network, IPC or PID namespace is restarted as well.',
    told: '`history`',
  },
  'hand-renamed': {
    fault: '`docker rename` of a container of ours',
    happens: 'It gets its name back.',
    told: '`history`',
  },
  'hand-recreated': {
    fault:
      'another tool recreates a container of ours by `inspect`: the same name and labels, another image, one more variable',
    happens:
      "The release's own container takes its place again. Behind the edge the copy serves until that one is good.",
    told: '`progressing`; `history`: `container.copied` with what differs',
  },
  'hand-network': {
    fault: '`docker network rm` of a network of ours (which takes `disconnect --force` first)',
    happens: 'The network is made again, and the containers rejoin it.',
    told: '`history`',
  },
  'names-taken': {
    fault: 'another environment on this host comes to a name of ours: a container, a network, a volume',
    happens:
      'Nothing of it is used or changed, and what serves goes on. A network of ours gets a longer name; a container or a volume waits until the name is free, or is given another one in the compose file.',
    told: '`blocked`, reason `volume` or `name`, with the name of the other environment',
  },
  'hand-pruned': {
    fault: '`docker system prune -af`',
    happens:
      'What was removed is made or fetched again. A stopped container that was kept for a rollback is made anew from the ledger.',
    told: '`history`',
  },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;
