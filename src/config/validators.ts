import { EnvError } from 'envalid';
import { canonicalIp, canonicalSubnet } from '../core/compose/ip.ts';
import { parseDuration } from '../core/duration.ts';
import { parseLabels, type HostLabels } from '../core/fleet/host-labels.ts';
import { parseListenAddress } from '../core/hub/listen-address.ts';
import { parseMirrors, type Mirror } from '../core/image/mirror.ts';
import { tryParseImage, type ImageReference } from '../core/image/reference.ts';
import type { DeployWindow } from '../core/window/deploy-window.ts';
import { parseWindows } from '../core/window/parse.ts';
import { kind } from './read-variables.ts';

/** The unit of a path. */
export const PATH_UNIT = 'an absolute path';

/** Where the engine answers. */
export type EngineAddress =
  | { readonly kind: 'unix'; readonly socketPath: string }
  /** An undefined `port` means 2376 with TLS, else 2375. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number | undefined };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export const LOG_FORMATS = ['json', 'pretty'] as const;

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const HOST = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;
/** sun_path holds 108 bytes with its final zero (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107;

/** The message completes "VARIABLE …". */
const matching = (pattern: RegExp) =>
  kind<string>((text) => {
    if (pattern.test(text)) return text;
    throw new EnvError(`is "${text}", which is not a valid name`);
  });

const oneOf = <T extends string>(choices: readonly T[]) =>
  kind<T>((text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new EnvError(`is "${text}"`);
  });

const absolute = (text: string): string => {
  if (text.startsWith('/')) return text;
  throw new EnvError(`is "${text}", which depends on the folder that the agent is started in`);
};

export const environmentName = matching(NAME);
export const hostName = matching(HOST);
export const logLevel = oneOf(LOG_LEVELS);
export const logFormat = oneOf(LOG_FORMATS);
export const absolutePath = kind<string>(absolute);
export const text = kind<string>((value) => value);

export const socketPath = kind<string>((value) => {
  const bytes = Buffer.byteLength(absolute(value));
  if (bytes <= MAX_SOCKET_PATH_BYTES) return value;
  throw new EnvError(`has ${bytes} bytes, more than the path of a unix socket can have`);
});

/** systemd lists every folder that the unit names; ours is the first (systemd.exec(5), StateDirectory=). */
export const firstFolder = kind<string>((value) => absolute(value.split(':')[0] ?? ''));

/** Accepts only the two exact words, so that no typo turns a security switch. */
export const exactBoolean = kind<boolean>((value) => {
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw new EnvError(`is "${value}"`);
});

export const integer = (least: number, most: number) =>
  kind<number>((value) => {
    const count = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (count >= least && count <= most) return count;
    throw new EnvError(`is "${value}", which is not a whole number from ${least} to ${most}`);
  });

/** A number from systemd. Any other text counts as not set (0), because no operator wrote it. */
export const systemNumber = kind<number>((value) => (/^\d{1,15}$/.test(value) ? Number(value) : 0));

/** The secret never appears in a message. */
export const secretWord = kind<string>((value) => {
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new EnvError('has blanks or other characters that no token has');
});

/** node_exporter reads only files with this ending. */
export const metricsFile = kind<string>((value) => {
  if (absolute(value).endsWith('.prom')) return value;
  throw new EnvError(`is "${value}", which does not end in .prom`);
});

export const deployWindows = kind<readonly DeployWindow[]>((value) => {
  const parsed = parseWindows(value);
  if (parsed.kind === 'problem') throw new EnvError(parsed.message);
  return parsed.windows;
});

export const registryMirrors = kind<readonly Mirror[]>((value) => {
  const parsed = parseMirrors(value);
  if (parsed.kind === 'problem') throw new EnvError(parsed.message);
  return parsed.mirrors;
});

export const hostLabels = kind<HostLabels>((value) => {
  const parsed = parseLabels(value);
  if (parsed.kind === 'problem') throw new EnvError(parsed.message);
  return parsed.labels;
});

/** A single address becomes a subnet of its own. */
export const subnets = kind<readonly string[]>((value) =>
  value
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map((word) => {
      const subnet = canonicalSubnet(
        word.includes('/') ? word : `${word}/${word.includes(':') ? '128' : '32'}`,
      );
      if (subnet === undefined) throw new EnvError(`has "${word}", which is neither an address nor a subnet`);
      return subnet;
    }),
);

export interface HealthListen {
  /** Empty means every address of the host. */
  readonly hostAddress: string;
  readonly hostPort: number;
}

export const healthListen = kind<HealthListen>((value) => {
  const address = parseListenAddress(/^\d+$/.test(value) ? `:${value}` : value);
  if (address === undefined || address.port === 0) throw new EnvError(`is "${value}"`);
  if (address.host === undefined) return { hostAddress: '', hostPort: address.port };
  const hostAddress = canonicalIp(address.host);
  if (hostAddress === undefined)
    throw new EnvError(`has "${address.host}", which is a name and not an address`);
  return { hostAddress, hostPort: address.port };
});

export const durationUpTo = (longestMs: number, longest: string) =>
  kind<number>((value) => {
    const ms = parseDuration(value, ['ms', 's', 'm', 'h']);
    if (ms === undefined) throw new EnvError(`is "${value}", which is not a duration`);
    if (ms > longestMs) throw new EnvError(`is "${value}", which is longer than ${longest}`);
    return ms;
  });

const tcpAddress = (value: string): EngineAddress => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.hostname === '' || url.username !== '' || !['', '/'].includes(url.pathname)) {
    throw new EnvError('is not tcp://HOST[:PORT]');
  }
  return {
    kind: 'tcp',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? undefined : Number(url.port),
  };
};

export const engineAddress = kind<EngineAddress>((value) => {
  if (value.startsWith('unix:///')) return { kind: 'unix', socketPath: value.slice('unix://'.length) };
  if (value.startsWith('tcp://')) return tcpAddress(value);
  if (value.startsWith('ssh://')) {
    throw new EnvError('is an ssh:// address, but the agent runs on the host of its engine');
  }
  throw new EnvError(`is "${value}"`);
});

export const turnsMode = oneOf(['manifest', 'always'] as const);

export const edgeMode = oneOf(['host', 'publish'] as const);

export const pinnedImage = kind<ImageReference>((value) => {
  const image = tryParseImage(value);
  if (image === undefined) throw new EnvError(`is "${value}", which is not an image`);
  if (image.tag === undefined && image.digest === undefined)
    throw new EnvError(`is "${value}", without tag or digest`);
  return image;
});
