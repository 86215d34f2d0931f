import { canonicalIp } from '../compose/ip.ts';
import type { EdgeFrontend, EdgeProtocol, EdgeServerState } from './edge-config.ts';
import { isCheckBackend, parseCheckBackend, parseFrontendName } from './haproxy-names.ts';
import { HEALTH_BACKEND, type CheckedPort } from './health-answer.ts';

export interface WrittenServer {
  readonly backend: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly state: EdgeServerState;
}

/** What a rendered file says: where an edge that starts with it listens, and the servers that it sends to. */
export interface Written {
  readonly text: string;
  /** `edgeShape` of the config that it was rendered from. */
  readonly shape: string;
  readonly frontends: readonly EdgeFrontend[];
  /** The containers of these servers must not be stopped. */
  readonly servers: readonly WrittenServer[];
  /** What its health endpoint tries itself. */
  readonly checks: readonly CheckedPort[];
}

const SERVER = /^server (\S+) \[?([^\s\]]+?)\]?:(\d+) check/;

/** `… if { path / /web } { nbsrv(check:any:80) eq 0 } …` */
const CHECKED = / \{ path \/ \/(\S+) \} \{ nbsrv\((\S+)\)/;

const checkedIn = (line: string): readonly CheckedPort[] => {
  const [, service, backend = ''] = CHECKED.exec(line) ?? [];
  const port = parseCheckBackend(backend);
  return service === undefined || port === undefined ? [] : [{ service, ...port }];
};

/** Reads what `renderConfig` wrote; skips all other lines. */
export const readWritten = (text: string): Written => {
  let shape = '';
  const frontends: EdgeFrontend[] = [];
  const servers: WrittenServer[] = [];
  const checks: CheckedPort[] = [];
  let section: readonly string[] = [];
  let protocol: EdgeProtocol = 'tcp';
  for (const line of text.split('\n')) {
    const words = line.trim().split(' ');
    if (line !== '' && !line.startsWith(' ')) section = words;
    const [kind, title = ''] = section;
    if (words[0] === 'description') shape = words[1] ?? '';
    if (words[0] === 'mode') protocol = words[1] === 'http' ? 'http' : 'tcp';
    const listener = kind === 'frontend' ? parseFrontendName(title) : undefined;
    if (listener && words[0] === 'default_backend')
      frontends.push({ ...listener, protocol, backend: words[1] ?? '' });
    if (title === HEALTH_BACKEND) checks.push(...checkedIn(line));
    const [, name, address, port] = SERVER.exec(line.trim()) ?? [];
    if (kind !== 'backend' || name === undefined || address === undefined || isCheckBackend(title)) continue;
    const state = words.at(-1) === 'disabled' ? 'maint' : 'ready';
    servers.push({
      backend: title,
      name,
      address: canonicalIp(address) ?? address,
      port: Number(port),
      state,
    });
  }
  return { text, shape, frontends, servers, checks };
};
