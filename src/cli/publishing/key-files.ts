import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { AgentError, messageOf } from '../../core/errors.ts';
import { isReportingHost } from '../../core/hub/file-names.ts';
import type { Trust } from '../../core/manifest/manifest.ts';
import { quote } from '../../core/manifest/text.ts';
import { readTrustFile } from '../wiring/host-files.ts';

const readText = async (path: string, what: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new AgentError('USAGE', `${what} ${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
      advice: 'check the path, and that this user may read it',
    });
  }
};

export interface PublishingKey {
  readonly key: KeyObject;
  readonly warning?: string;
}

/** The mode bits of the group and of others. */
const OTHERS = 0o077;

const fault = (message: string, advice: string): AgentError => new AgentError('KEY', message, { advice });

/** `source` names where the text is from. @throws AgentError KEY, without a part of the text */
const parseKey = (text: string, source: string): KeyObject => {
  if (/BEGIN PUBLIC KEY/.test(text))
    throw fault(
      `${source} is a public key`,
      'sign with the private one, which `supercargo keygen` wrote beside it as NAME.key',
    );
  if (text.includes('ENCRYPTED'))
    throw fault(
      `${source} is encrypted`,
      'publishing cannot ask for a passphrase: make a key without one ' +
        '(`supercargo keygen NAME --out DIR`), and keep it as a secret file',
    );
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    throw fault(
      `${source} is not a private key in PEM form`,
      'make one with `supercargo keygen NAME --out DIR`',
    );
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw fault(
      `${source} is a key of type ${key.asymmetricKeyType ?? 'unknown'}`,
      'hosts accept only Ed25519 keys: make one with `supercargo keygen NAME --out DIR`',
    );
  return key;
};

/** @throws AgentError KEY, USAGE */
export const readKey = async (path: string): Promise<PublishingKey> => {
  const key = parseKey(await readText(path, 'the key'), path);
  const isOpen = ((await stat(path)).mode & OTHERS) !== 0;
  return { key, ...(isOpen && { warning: `others may read the private key ${path}: chmod 600 it` }) };
};

/** A PEM file of an Ed25519 key has some 120 bytes. */
const MAX_KEY_BYTES = 65_536;

const readInput = async (stdin: AsyncIterable<Uint8Array | string>): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > MAX_KEY_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** Stands for standard input in `--key`. */
const INPUT = '-';

/**
 * The keys that sign: those of `--key`, or else that of SUPERCARGO_SIGNING_KEY.
 * @throws AgentError KEY, USAGE
 */
export const readKeys = async (
  paths: readonly string[],
  signingKey: string | undefined,
  stdin: AsyncIterable<Uint8Array | string>,
): Promise<readonly PublishingKey[]> => {
  if (paths.length === 0)
    return signingKey === undefined ? [] : [{ key: parseKey(signingKey, 'SUPERCARGO_SIGNING_KEY') }];
  const twice = new AgentError('KEY', 'one key is given twice', { advice: 'name each --key once' });
  if (paths.filter((path) => path === INPUT).length > 1) throw twice;
  const read = await Promise.all(
    paths.map(async (path) =>
      path === INPUT ? { key: parseKey(await readInput(stdin), 'standard input') } : readKey(path),
    ),
  );
  const keys = read.map(({ key }) => key);
  if (keys.some((key, at) => keys.slice(0, at).some((other) => other.equals(key)))) throw twice;
  return read;
};

const RAW_BYTES = 32;

/** Replaces the hosts' trust file: trusts a signature by any of the given keys. */
export const trustInKeys = (keys: readonly KeyObject[]): Trust | undefined =>
  keys.length === 0
    ? undefined
    : {
        epoch: 1,
        threshold: 1,
        keys: keys.map((key, index) => ({
          name: `--key ${String(index + 1)}`,
          publicKey: createPublicKey(key)
            .export({ format: 'der', type: 'spki' })
            .subarray(-RAW_BYTES)
            .toString('hex'),
        })),
      };

/** @throws AgentError TRUST */
export const readTrust = async (path: string): Promise<Trust | undefined> => {
  const read = await readTrustFile(path);
  if (read.kind === 'problem')
    throw new AgentError('TRUST', read.problem.message, { advice: read.problem.advice });
  return read.kind === 'trust' ? read.trust : undefined;
};

const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Reads host names: a JSON list, or one a line with `#` comments. @throws AgentError USAGE */
export const readHosts = async (path: string): Promise<readonly string[]> => {
  const text = await readText(path, 'the list of hosts');
  const json = text.trimStart().startsWith('[') ? fromJson(text) : undefined;
  const names: readonly unknown[] = Array.isArray(json)
    ? json
    : text.split('\n').flatMap((line) => line.replace(/#.*$/, '').trim() || []);
  const wrong = names.find((name) => typeof name !== 'string' || !isReportingHost(name));
  const advice = 'write one name a line, as SUPERCARGO_HOST has it on the host, or a JSON list of them';
  if (wrong !== undefined) {
    const name = typeof wrong === 'string' ? quote(wrong) : JSON.stringify(wrong);
    throw new AgentError('USAGE', `${name} in ${path} is not a valid host name`, { advice });
  }
  if (names.length === 0) throw new AgentError('USAGE', `${path} names no host`, { advice });
  return [...new Set(names as readonly string[])];
};
