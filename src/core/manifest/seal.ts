import { createHash, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import * as v from 'valibot';
import { AgentError } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import type { Trust, TrustedKey } from './manifest.ts';
import { quote } from './text.ts';
import { ED25519_SPKI_PREFIX } from './trust.ts';

export const PAYLOAD_TYPE = 'application/vnd.supercargo.manifest.v1+json';
const SIGNATURE_BYTES = 64;

/** A DSSE envelope. `payload` and `sig` are base64, in the standard or the url-safe alphabet. */
export interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly sig: string; readonly keyid?: string | undefined }[];
}

export type Verification =
  /** `signedBy`: the names of the trusted keys that signed, in the order of `trust.json`. */
  | { readonly kind: 'verified'; readonly payload: Uint8Array; readonly signedBy: readonly string[] }
  /** `malformed`: not a valid envelope. `signature`: too few trusted keys signed it. */
  | { readonly kind: 'refused'; readonly reason: 'malformed' | 'signature'; readonly message: string };

/**
 * Allows further fields, unlike our own documents: "Consumers MUST ignore unrecognized fields" (DSSE 1.0,
 * Parsing rules).
 */
const envelope = v.object({
  payload: v.string(),
  payloadType: v.string(),
  signatures: v.array(v.object({ sig: v.string(), keyid: v.nullish(v.string()) })),
});

/** Whether a JSON value is meant as an envelope, even if it is malformed. */
export const isEnvelope = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  ('payload' in value || 'payloadType' in value || 'signatures' in value);

/**
 * The signed bytes (DSSE 1.0, "Signature Definition"). They include the type and the length of the payload,
 * so neither can be reinterpreted.
 */
export const preAuthenticationEncoding = (payloadType: string, payload: Uint8Array): Buffer => {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    payload,
  ]);
};

const toKeyObject = (key: TrustedKey): KeyObject =>
  createPublicKey({
    key: Buffer.concat([ED25519_SPKI_PREFIX, Buffer.from(key.publicKey, 'hex')]),
    format: 'der',
    type: 'spki',
  });

const isSignedBy = (key: TrustedKey, message: Buffer, signatures: readonly Buffer[]): boolean => {
  const publicKey = toKeyObject(key);
  return signatures.some((signature) => verify(null, message, publicKey, signature));
};

/**
 * The signatures that have the length of Ed25519, without repetitions. Others may belong to another
 * algorithm.
 */
const distinctSignatures = (signatures: readonly Buffer[]): Buffer[] => [
  ...new Map(
    signatures.filter((sig) => sig.length === SIGNATURE_BYTES).map((sig) => [sig.toString('hex'), sig]),
  ).values(),
];

const refused = (reason: 'malformed' | 'signature', message: string): Verification => ({
  kind: 'refused',
  reason,
  message,
});

/**
 * Verifies a DSSE envelope over exactly the payload bytes that it returns. It tries every trusted key on
 * every signature, ignores key ids, and counts each key once (DSSE 1.0, "Multi-signature Verification").
 */
export const verifyEnvelope = (value: unknown, trust: Trust): Verification => {
  const parsed = v.safeParse(envelope, value);
  if (!parsed.success)
    return refused('malformed', 'the envelope needs payload, payloadType and signatures, each with a sig');
  const { payload, payloadType, signatures } = parsed.output;
  if (payloadType !== PAYLOAD_TYPE) {
    return refused('malformed', `the envelope holds ${quote(payloadType)}, not ${PAYLOAD_TYPE}`);
  }
  const payloadBytes = decodeBase64(payload);
  if (payloadBytes === undefined) return refused('malformed', 'the payload of the envelope is not base64');
  const decoded = signatures.map(({ sig }) => decodeBase64(sig));
  if (decoded.includes(undefined)) return refused('malformed', 'a signature of the envelope is not base64');
  const message = preAuthenticationEncoding(payloadType, payloadBytes);
  const distinct = distinctSignatures(decoded.filter((sig) => sig !== undefined));
  const uniqueKeys = [...new Map(trust.keys.map((key) => [key.publicKey, key])).values()];
  const signedBy = uniqueKeys.filter((key) => isSignedBy(key, message, distinct)).map((key) => key.name);
  if (signedBy.length >= Math.max(1, trust.threshold))
    return { kind: 'verified', payload: payloadBytes, signedBy };
  const known = trust.keys.map((key) => key.name).join(', ');
  return refused(
    'signature',
    `${signedBy.length} of the ${trust.threshold} required signatures are valid (keys known here: ${known})`,
  );
};

/**
 * Wraps a payload and signs it with each key. The key id, only a hint, is the SHA-256 of the public key's DER
 * in hex.
 * @throws AgentError TRUST if a key is not Ed25519, because hosts would ignore its signature
 */
export const seal = (payload: Uint8Array, privateKeys: readonly KeyObject[]): Envelope => {
  const other = privateKeys.find((key) => key.asymmetricKeyType !== 'ed25519');
  if (other) {
    throw new AgentError('TRUST', `cannot sign with a key of type ${other.asymmetricKeyType ?? other.type}`, {
      advice: 'sign with an Ed25519 private key: `supercargo keygen` makes one',
    });
  }
  const message = preAuthenticationEncoding(PAYLOAD_TYPE, payload);
  return {
    payload: Buffer.from(payload).toString('base64'),
    payloadType: PAYLOAD_TYPE,
    signatures: privateKeys.map((key) => ({
      keyid: createHash('sha256')
        .update(createPublicKey(key).export({ format: 'der', type: 'spki' }))
        .digest('hex'),
      sig: sign(null, message, key).toString('base64'),
    })),
  };
};
