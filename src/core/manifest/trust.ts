import { createPublicKey } from 'node:crypto';
import * as v from 'valibot';
import { decodeBase64 } from './base64.ts';
import type { Trust, TrustedKey } from './manifest.ts';
import { findStrangeKey, problemsOf } from './schema-problem.ts';
import type { Problem } from './schema-problem.ts';
import { isWeakPublicKey } from './ed25519-small-order.ts';
import { decodeText, parseJson } from './text.ts';

export type ParsedTrust =
  | { readonly kind: 'trust'; readonly trust: Trust }
  | { readonly kind: 'problems'; readonly problems: readonly [Problem, ...Problem[]] };

const PEM = /^\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PUBLIC KEY-----\s*$/;
/** RFC 8410, section 4: the bytes before the 32 key bytes in the SubjectPublicKeyInfo of an Ed25519 key. */
export const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

const positive = (what: string) => {
  const message = `must be a whole number from 1 on: ${what}`;
  return v.pipe(v.number(message), v.safeInteger(message), v.minValue(1, message));
};

const file = v.strictObject({
  epoch: positive('raise it to make every host forget the serials so far'),
  threshold: positive('how many different keys have to sign'),
  keys: v.pipe(
    v.array(
      v.strictObject({
        name: v.pipe(
          v.string('must be text'),
          v.regex(/^[\w][\w .@/-]{0,62}$/, 'must be 1 to 63 letters, digits, spaces and . _ @ / -'),
        ),
        publicKey: v.string('must be text: the PEM of a public key'),
      }),
      'must be a list of keys',
    ),
    v.minLength(1, 'must name at least one key'),
  ),
});

const keyType = (pem: string): string => {
  try {
    return createPublicKey(pem).asymmetricKeyType ?? 'unknown';
  } catch {
    return 'unreadable';
  }
};

/** The 32 bytes of a PEM key in hex, or what is wrong with the key. */
const readKey = (pem: string): { publicKey: string } | { fault: string } => {
  if (pem.includes('PRIVATE KEY'))
    return { fault: 'is a private key: put the public one here, and replace this pair' };
  const body = PEM.exec(pem)?.[1];
  const spki = body === undefined ? undefined : decodeBase64(body.replace(/\s+/g, ''));
  if (spki === undefined)
    return { fault: 'must be one PEM block "BEGIN PUBLIC KEY", as `supercargo keygen` writes it' };
  const isEd25519 = spki.length === 44 && spki.subarray(0, 12).equals(ED25519_SPKI_PREFIX);
  if (!isEd25519)
    return { fault: `must be an Ed25519 key, not ${keyType(pem)}: make one with \`supercargo keygen\`` };
  const raw = spki.subarray(12);
  if (isWeakPublicKey(raw))
    return { fault: 'is a weak key that allows forged signatures: make another with `supercargo keygen`' };
  return { publicKey: raw.toString('hex') };
};

const readKeys = (written: readonly { name: string; publicKey: string }[]) => {
  const keys: TrustedKey[] = [];
  const problems: Problem[] = [];
  for (const [index, { name, publicKey: pem }] of written.entries()) {
    const path = `keys.${index}`;
    const read = readKey(pem);
    if ('fault' in read) {
      problems.push({ path: `${path}.publicKey`, message: read.fault });
      continue;
    }
    const twin = keys.find((key) => key.publicKey === read.publicKey);
    if (twin)
      problems.push({
        path: `${path}.publicKey`,
        message: `is the same key as "${twin.name}": it would count once`,
      });
    if (keys.some((key) => key.name === name))
      problems.push({ path: `${path}.name`, message: 'is used twice: rename one' });
    keys.push({ name, publicKey: read.publicKey });
  }
  return { keys, problems };
};

const withProblems = ([first, ...others]: readonly Problem[]): ParsedTrust | undefined =>
  first === undefined ? undefined : { kind: 'problems', problems: [first, ...others] };

/**
 * Reads `trust.json` (docs/DOCUMENTS.md, "trust.json") and refuses unknown fields, weak keys and an
 * unreachable threshold.
 */
export const parseTrust = (bytes: Uint8Array): ParsedTrust => {
  const text = decodeText(bytes);
  const json = text === undefined ? undefined : parseJson(text);
  if (json === undefined)
    return { kind: 'problems', problems: [{ path: '', message: 'must be UTF-8 text' }] };
  if (json.kind === 'problem')
    return { kind: 'problems', problems: [{ path: '', message: `cannot be read: ${json.message}` }] };
  const strange = findStrangeKey(json.value);
  if (strange !== undefined) return { kind: 'problems', problems: [strange] };
  const result = v.safeParse(file, json.value);
  if (!result.success) return { kind: 'problems', problems: problemsOf(result.issues) };
  const { epoch, threshold } = result.output;
  const { keys, problems } = readKeys(result.output.keys);
  if (problems.length === 0 && threshold > keys.length) {
    problems.push({
      path: 'threshold',
      message: `is ${threshold}, but there are ${keys.length} keys: lower it or add keys`,
    });
  }
  return withProblems(problems) ?? { kind: 'trust', trust: { epoch, threshold, keys } };
};
