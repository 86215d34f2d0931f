import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, startService } from './command.ts';
import { eventually } from './poll.ts';
import { freePorts } from './ports.ts';

export interface BalancedServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly healthPort: number;
}

/** A load balancer in front of hosts, as an operator has it. */
export interface Balancer {
  readonly port: number;
  /** What it thinks of each server: `UP`, `DOWN`, or on the way from one to the other (`UP 1/2`). */
  readonly states: () => Promise<Readonly<Record<string, string>>>;
  /** SIGKILL, also to its connections. */
  readonly kill: () => Promise<void>;
  /** Again, on the same port. */
  readonly start: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

export interface BalancerOptions {
  /** How long a client and a server may be silent. */
  readonly silenceSeconds?: number;
  /**
   * How often another server gets what one did not accept: 0 unless given, which hides nothing from a test.
   */
  readonly retries?: number;
}

const CHECK = { intervalMs: 500, threshold: 2 } as const;

/** How long it takes to notice another answer: the thresholds, the time-out of one check, and a reserve. */
export const NOTICE_MS = CHECK.intervalMs * (CHECK.threshold + 1) + 1_000;

const serverLine = ({ name, address, port, healthPort }: BalancedServer): string =>
  `  server ${name} ${address}:${String(port)} check port ${String(healthPort)}`;

const configOf = (
  service: string,
  servers: readonly BalancedServer[],
  port: number,
  statsPort: number,
  { silenceSeconds = 30, retries = 0 }: BalancerOptions,
): string => `defaults
  mode http
  retries ${String(retries)}
  option redispatch 1
  timeout connect 3s
  timeout client ${String(silenceSeconds)}s
  timeout server ${String(silenceSeconds)}s
  timeout tunnel 1h
frontend clients
  bind 127.0.0.1:${String(port)}
  default_backend hosts
backend hosts
  balance roundrobin
  option httpchk GET /${service}
  default-server inter ${String(CHECK.intervalMs)}ms fall ${String(CHECK.threshold)} rise ${String(CHECK.threshold)}
${servers.map(serverLine).join('\n')}
frontend stats
  bind 127.0.0.1:${String(statsPort)}
  stats enable
  stats uri /
`;

/**
 * HAProxy of this machine, which sends each request to the next server and asks each server's health port
 * about the service; once it is up.
 */
export const startBalancer = async (
  service: string,
  servers: readonly BalancedServer[],
  options: BalancerOptions = {},
): Promise<Balancer> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-balancer-'));
  const [port = 0, statsPort = 0] = await freePorts(2);
  const [file, logFile] = [join(folder, 'haproxy.cfg'), join(folder, 'log')];
  await writeFile(file, configOf(service, servers, port, statsPort, options));
  const states: Balancer['states'] = async () => {
    const csv = await (await fetch(`http://127.0.0.1:${String(statsPort)}/;csv`)).text();
    const [head = '', ...rows] = csv.split('\n').map((line) => line.split(','));
    const status = head.indexOf('status');
    const ours = rows.filter(([backend, name]) => backend === 'hosts' && name !== 'BACKEND');
    return Object.fromEntries(ours.map((row) => [row[1], row[status] ?? '']));
  };
  let haproxy: Service | undefined;
  const start = async (): Promise<void> => {
    haproxy = startService('haproxy', ['-db', '-f', file], { logFile });
    await eventually(async () => Object.keys(await states()).length === servers.length, {
      describe: async () => `the balancer answers; its log:\n${await readFile(logFile, 'utf8')}`,
    });
  };
  const kill = async (): Promise<void> => haproxy?.kill();
  await start();
  return {
    port,
    states,
    kill,
    start,
    remove: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
