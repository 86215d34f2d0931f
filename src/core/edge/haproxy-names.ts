import { createHash } from 'node:crypto';
import { canonicalIp, canonicalSubnet } from '../compose/ip.ts';
import { AgentError } from '../errors.ts';

/** HAProxy's names of sections and servers (manual, 2.2 and 4.1), without our separator, the colon. */
const SAFE = /^[A-Za-z0-9_.-]{1,100}$/;
const BACKEND = /^[A-Za-z0-9_.-]{1,111}:\d{1,5}$/;
const SERVER = /^[0-9a-f]{12}$/;
/** Short because the path of a unix socket has at most 107 bytes, and HAProxy lengthens it for a moment. */
const INSTANCE = /^[a-z0-9]{1,16}$/;
const ANY = 'any';
const SERVICE = /^[A-Za-z0-9_.-]{1,255}$/;
const CHECK_BACKEND = /^check:.+:\d{1,5}$/;

/** `web:8888`. Any other character in the service's name adds a digest, so that no two names collide. */
export const backendName = (service: string, containerPort: number): string => {
  if (SAFE.test(service)) return `${service}:${containerPort}`;
  const digest = createHash('sha256').update(service).digest('hex').slice(0, 10);
  return `${service.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100)}-${digest}:${containerPort}`;
};

/** The first 12 hex digits of a container's id. */
export const serverName = (containerId: string): string => containerId.slice(0, 12);

/** `any:8080`, `10.0.0.1:8080`, `fd00::1:8080`. The runtime API shows frontends by this name. */
export const frontendName = (hostAddress: string, hostPort: number): string =>
  `${hostAddress === '' ? ANY : checkedAddress(hostAddress)}:${checkedPort(hostPort)}`;

/** `check:any:8080`. No service's backend has two colons. */
export const checkBackendName = (port: { readonly hostAddress: string; readonly hostPort: number }): string =>
  `check:${frontendName(port.hostAddress, port.hostPort)}`;

export const isCheckBackend = (name: string): boolean => CHECK_BACKEND.test(name);

/** Returns undefined for a name that `checkBackendName` did not make. */
export const parseCheckBackend = (name: string): ReturnType<typeof parseFrontendName> =>
  isCheckBackend(name) ? parseFrontendName(name.slice(name.indexOf(':') + 1)) : undefined;

/** Returns undefined for a name that `frontendName` did not make. */
export const parseFrontendName = (
  name: string,
): { readonly hostAddress: string; readonly hostPort: number } | undefined => {
  const [, address, port] = /^(.+):(\d{1,5})$/.exec(name) ?? [];
  const hostPort = Number(port);
  if (address === undefined || hostPort > 65_535) return undefined;
  const hostAddress = address === ANY ? '' : canonicalIp(address);
  return hostAddress === undefined ? undefined : { hostAddress, hostPort };
};

/** `10.0.0.1:80`, `[fd00::1]:80`. */
export const endpoint = (address: string, port: number): string => {
  const ip = checkedAddress(address);
  return `${ip.includes(':') ? `[${ip}]` : ip}:${checkedPort(port)}`;
};

/** Every value passes such a check, so that none can start a new word or line of HAProxy's text. */
const refused = (what: string, value: string): AgentError =>
  new AgentError('EDGE', `${JSON.stringify(value)} is not a valid ${what} for the edge`, {
    advice: 'this is a fault in supercargo: please report it with the log',
  });

const checked =
  (what: string, pattern: RegExp) =>
  (value: string): string => {
    if (!pattern.test(value)) throw refused(what, value);
    return value;
  };

export const checkedEnvironment = checked('environment name', SAFE);
export const isInstance = (name: string): boolean => INSTANCE.test(name);
export const checkedInstance = checked('instance name', INSTANCE);
export const checkedBackend = checked('backend name', BACKEND);
export const checkedService = checked('service name', SERVICE);
export const checkedServer = checked('server name', SERVER);

const checkedAddress = (value: string): string => {
  const ip = canonicalIp(value);
  if (ip === undefined) throw refused('address', value);
  return ip;
};

export const checkedSubnet = (value: string): string => {
  const subnet = canonicalSubnet(value);
  if (subnet === undefined) throw refused('subnet', value);
  return subnet;
};

export const checkedPort = (value: number): number => {
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw refused('port', String(value));
  return value;
};

export const checkedCount = (what: string, value: number): number => {
  if (!Number.isSafeInteger(value) || value < 0) throw refused(what, String(value));
  return value;
};
