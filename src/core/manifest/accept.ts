import { createHash } from 'node:crypto';
import { isoSeconds, type EpochMs } from '../time.ts';
import type {
  Acceptance,
  AcceptedManifest,
  Manifest,
  Rejection,
  Reverification,
  Trust,
  Watermark,
} from './manifest.ts';
import { formatProblems } from './schema-problem.ts';
import { parseManifest } from './schema.ts';
import { isEnvelope, verifyEnvelope } from './seal.ts';
import { decodeText, parseJson, parseJsonOrYaml, quote } from './text.ts';
import type { Parsed } from './text.ts';
import type { RejectionReason } from '../vocabulary/reasons.ts';

/** The size limit of a fetched document (docs/DOCUMENTS.md, "How a manifest is accepted"): 256 KiB. */
export const DOCUMENT_CAP_BYTES = 256 * 1024;
/**
 * The epoch of unsigned manifests. Trust files have higher epochs, so going back from signed to unsigned
 * manifests takes a `recover`.
 */
const UNSIGNED_EPOCH = 0;

export interface Offer {
  readonly document: Uint8Array;
  readonly environment: string;
  /** Undefined with SUPERCARGO_ALLOW_UNSIGNED, which accepts bare manifests only. */
  readonly trust: Trust | undefined;
  readonly watermark: Watermark | undefined;
  readonly nowMs: EpochMs;
}

type Opened =
  | { readonly kind: 'opened'; readonly payload: Uint8Array; readonly parsed: Parsed }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

type Read =
  | { readonly kind: 'read'; readonly manifest: Manifest; readonly payloadSha256: string }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

const reject = (reason: RejectionReason, message: string, advice: string, serial?: number) =>
  ({ kind: 'rejected', rejection: { reason, message, advice, serial } }) as const;

const PUBLISH_AGAIN = 'publish it again, and check that the store delivers the whole document';

const readSerial = (value: unknown): number | undefined =>
  typeof value === 'object' && value !== null && 'serial' in value && Number.isSafeInteger(value.serial)
    ? Number(value.serial)
    : undefined;

const unsigned = () =>
  reject(
    'unsigned',
    'the manifest is not signed, but this host has a trust file',
    'publish it with `supercargo publish --key`, signed by a key of trust.json',
  );

/** Returns and parses exactly the bytes over which it verified the signatures. */
const openSealed = (text: string, trust: Trust): Opened => {
  const json = parseJson(text);
  if (json.kind === 'problem') {
    // A complaint about invalid JSON would mislead the publisher of a bare YAML manifest: the signature is
    // missing.
    if (/^apiVersion\s*:/m.test(text)) return unsigned();
    return reject('malformed', `the document is not a signed manifest: ${json.message}`, PUBLISH_AGAIN);
  }
  if (!isEnvelope(json.value)) return unsigned();
  const verification = verifyEnvelope(json.value, trust);
  if (verification.kind === 'refused') {
    const advice =
      verification.reason === 'malformed'
        ? PUBLISH_AGAIN
        : 'sign it with keys that are in this host’s trust.json, or add the key there';
    return reject(verification.reason, verification.message, advice);
  }
  const { payload } = verification;
  const payloadText = decodeText(payload);
  const parsed: Parsed =
    payloadText === undefined ? { kind: 'problem', message: 'it is not UTF-8 text' } : parseJson(payloadText);
  return { kind: 'opened', payload, parsed };
};

const openBare = (text: string, document: Uint8Array): Opened => {
  const parsed = parseJsonOrYaml(text);
  if (parsed.kind === 'value' && isEnvelope(parsed.value)) {
    return reject(
      'signature',
      'the manifest is signed, but this host has no trust file to verify it with',
      'install trust.json and set SUPERCARGO_ALLOW_UNSIGNED=false, or publish a bare manifest for this host',
    );
  }
  return { kind: 'opened', payload: document, parsed };
};

const open = (document: Uint8Array, trust: Trust | undefined): Opened => {
  if (document.length > DOCUMENT_CAP_BYTES) {
    return reject(
      'too-large',
      `the document is larger than ${DOCUMENT_CAP_BYTES} bytes`,
      'check that SUPERCARGO_MANIFEST_URL names a manifest, and not another file',
    );
  }
  const text = decodeText(document);
  if (text === undefined) return reject('malformed', 'the document is not UTF-8 text', PUBLISH_AGAIN);
  if (text.trim() === '') return reject('empty', 'the document is empty', PUBLISH_AGAIN);
  return trust === undefined ? openBare(text, document) : openSealed(text, trust);
};

const readDocument = (document: Uint8Array, trust: Trust | undefined, environment: string): Read => {
  const opened = open(document, trust);
  if (opened.kind === 'rejected') return opened;
  const { payload, parsed } = opened;
  if (parsed.kind === 'problem') {
    return reject('malformed', `the manifest cannot be read: ${parsed.message}`, PUBLISH_AGAIN);
  }
  const result = parseManifest(parsed.value);
  if (result.kind === 'problems') {
    const message = `the manifest is not valid: ${formatProblems(result.problems)}`;
    const advice = 'correct it and publish it again; `supercargo validate --manifest` checks it beforehand';
    return reject('schema', message, advice, readSerial(parsed.value));
  }
  const { manifest } = result;
  if (manifest.environment !== environment) {
    return reject(
      'environment',
      `the manifest is for ${quote(manifest.environment)}, this host is ${quote(environment)}`,
      'correct SUPERCARGO_MANIFEST_URL or SUPERCARGO_ENVIRONMENT, or what was published there',
      manifest.serial,
    );
  }
  return { kind: 'read', manifest, payloadSha256: createHash('sha256').update(payload).digest('hex') };
};

const lowerEpoch = (epoch: number, highest: number, serial: number) =>
  reject(
    'epoch',
    epoch === UNSIGNED_EPOCH
      ? `this host accepted a signed manifest of epoch ${highest} and now has no trust file`
      : `trust.json has epoch ${epoch}, this host has accepted epoch ${highest}`,
    'restore the newer trust.json; to go back on purpose, run `supercargo recover`',
    serial,
  );

/** Compares (epoch, serial) lexically: a higher epoch allows any serial. */
const compareToWatermark = (offered: Read & { kind: 'read' }, epoch: number, highest: Watermark) => {
  const { serial } = offered.manifest;
  if (epoch < highest.epoch) return lowerEpoch(epoch, highest.epoch, serial);
  if (epoch > highest.epoch || serial > highest.serial) return 'newer';
  if (serial < highest.serial) {
    return reject(
      'older',
      `serial ${serial} is older than ${highest.serial}, which this host has accepted`,
      'publish the desired versions with a higher serial: `supercargo rollback` does that',
      serial,
    );
  }
  if (highest.payloadSha256 === undefined) return 'newer';
  if (offered.payloadSha256 === highest.payloadSha256) return 'same';
  return reject(
    'conflict',
    `serial ${serial} was accepted with other content: ` +
      `${highest.payloadSha256.slice(0, 12)}…, now ${offered.payloadSha256.slice(0, 12)}…`,
    'publish again with a higher serial; find out who published the same serial twice',
    serial,
  );
};

/** On a host with a trust file, a tag alone would let the registry choose what runs. */
const findMissingDigest = (manifest: Manifest) => {
  const missing = Object.entries(manifest.services)
    .filter(([, { image }]) => image.digest === undefined)
    .map(([name]) => name);
  if (missing.length === 0) return undefined;
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
  return reject(
    'digest-missing',
    `no digest for ${missing.slice(0, 5).join(', ')}${more}`,
    'publish every image as REPOSITORY:TAG@sha256:…: a signed manifest needs digests',
    manifest.serial,
  );
};

/**
 * The gate checks the kept manifest on every pass too: endless answers of "unchanged" must not keep it alive.
 */
export const isExpired = (manifest: Manifest, nowMs: EpochMs): boolean =>
  manifest.expiresAtMs !== undefined && nowMs >= manifest.expiresAtMs;

const findExpiry = (manifest: Manifest, nowMs: EpochMs) =>
  isExpired(manifest, nowMs)
    ? reject(
        'expired',
        `serial ${manifest.serial} expired at ${isoSeconds(manifest.expiresAtMs ?? 0)}, ` +
          `and this host’s clock shows ${isoSeconds(nowMs)}`,
        'publish a fresh manifest; if the time is wrong, correct this host’s clock',
        manifest.serial,
      )
    : undefined;

/**
 * Checks a fetched document in the order of docs/DOCUMENTS.md, "How a manifest is accepted". The first failed
 * check decides. Never throws.
 */
export const accept = ({ document, environment, trust, watermark, nowMs }: Offer): Acceptance => {
  const offered = readDocument(document, trust, environment);
  if (offered.kind === 'rejected') return offered;
  const { manifest, payloadSha256 } = offered;
  const epoch = trust?.epoch ?? UNSIGNED_EPOCH;
  const documentBase64 = Buffer.from(document).toString('base64');
  const standing = watermark === undefined ? 'newer' : compareToWatermark(offered, epoch, watermark);
  if (standing === 'same') return { kind: 'unchanged', documentBase64 };
  if (standing !== 'newer') return standing;
  const objection = findExpiry(manifest, nowMs) ?? (trust && findMissingDigest(manifest));
  if (objection) return objection;
  const signed = trust !== undefined;
  return {
    kind: 'accepted',
    accepted: { epoch, manifest, payloadSha256, documentBase64, signed, acceptedAtMs: nowMs },
  };
};

export const watermarkOf = ({ epoch, manifest, payloadSha256 }: AcceptedManifest): Watermark => ({
  epoch,
  serial: manifest.serial,
  payloadSha256,
});

/**
 * Verifies the kept document again after the trust or the configuration changed, or after the ledger was
 * read. It does not check expiry and serial, because an accepted manifest stays accepted. After a rejection,
 * running containers stay and no new release starts.
 */
export const reverify = (
  accepted: AcceptedManifest,
  trust: Trust | undefined,
  environment: string,
): Reverification => {
  const kept = readDocument(Buffer.from(accepted.documentBase64, 'base64'), trust, environment);
  if (kept.kind === 'rejected') return kept;
  const { manifest, payloadSha256 } = kept;
  const epoch = trust?.epoch ?? UNSIGNED_EPOCH;
  if (epoch < accepted.epoch) return lowerEpoch(epoch, accepted.epoch, manifest.serial);
  if (payloadSha256 !== accepted.payloadSha256 || manifest.serial !== accepted.manifest.serial) {
    const message = `the kept manifest is not the accepted one of serial ${accepted.manifest.serial}`;
    return reject('conflict', message, 'the ledger was changed: run `supercargo recover`', manifest.serial);
  }
  return (trust && findMissingDigest(manifest)) ?? { kind: 'valid', manifest };
};
