import { accept } from '../manifest/accept.ts';
import { decodeBase64 } from '../manifest/base64.ts';
import type { Manifest, Rejection, Trust } from '../manifest/manifest.ts';
import { isEnvelope, PAYLOAD_TYPE } from '../manifest/seal.ts';
import { decodeText, parseJson, quote } from '../manifest/text.ts';
import type { EpochMs } from '../time.ts';
import { refusal, type Refusal } from './refusal.ts';
import type { RejectionReason } from '../vocabulary/reasons.ts';

/** A valid document. */
export interface Publication {
  readonly manifest: Manifest;
  readonly isSigned: boolean;
}

export type ReadPublication =
  | { readonly kind: 'publication'; readonly publication: Publication }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface PublishedDocument {
  readonly document: Uint8Array;
  readonly environment: string;
  /** Undefined if only hosts verify signatures. */
  readonly trust: Trust | undefined;
  /** Undefined to accept an expired manifest. */
  readonly nowMs: EpochMs | undefined;
}

const STATUS: Partial<Record<RejectionReason, number>> = { 'too-large': 413, empty: 400, malformed: 400 };

const refused = (
  reason: RejectionReason,
  message: string,
  advice: string,
): ReadPublication & { kind: 'refused' } => ({
  kind: 'refused',
  refusal: refusal(STATUS[reason] ?? 422, reason, message, advice),
});

const PUBLISH = 'publish it with `supercargo publish`, which writes what a hub and hosts accept';

/** Payload of an envelope without trust to verify it; undefined if the document is no envelope. */
const openUnjudged = (document: Uint8Array): Uint8Array | ReturnType<typeof refused> | undefined => {
  const text = decodeText(document);
  const json = text === undefined ? undefined : parseJson(text);
  if (json?.kind !== 'value' || !isEnvelope(json.value)) return undefined;
  const { payload, payloadType, signatures } = json.value as Readonly<Record<string, unknown>>;
  if (payloadType !== PAYLOAD_TYPE)
    return refused(
      'malformed',
      `the envelope holds ${quote(String(payloadType))}, not ${PAYLOAD_TYPE}`,
      PUBLISH,
    );
  if (!Array.isArray(signatures) || signatures.length === 0)
    return refused('unsigned', 'the envelope has no signature', PUBLISH);
  const bytes = typeof payload === 'string' ? decodeBase64(payload) : undefined;
  if (bytes === undefined) return refused('malformed', 'the payload of the envelope is not base64', PUBLISH);
  const inner = decodeText(bytes);
  const parsed = inner === undefined ? undefined : parseJson(inner);
  return parsed?.kind === 'value'
    ? bytes
    : refused('malformed', 'the payload of the envelope is not JSON', PUBLISH);
};

const toRefusal = ({ reason, message, advice }: Rejection, environment: string) =>
  refused(
    reason,
    reason === 'environment' ? message.replace('this host is', 'the address says') : message,
    reason === 'environment'
      ? `publish to manifests/${quote(environment).slice(1, -1)}.json only a manifest with that environment`
      : advice.replace('this host’s', 'the hub’s'),
  );

/**
 * Judges a document like a host without an earlier manifest; without trust only the form is checked. A hub
 * must refuse what every host refuses.
 */
export const readPublication = ({
  document,
  environment,
  trust,
  nowMs,
}: PublishedDocument): ReadPublication => {
  const opened = trust === undefined ? openUnjudged(document) : undefined;
  if (opened !== undefined && 'kind' in opened) return opened;
  const judged = accept({
    document: opened ?? document,
    environment,
    trust,
    watermark: undefined,
    nowMs: nowMs ?? 0,
  });
  if (judged.kind === 'rejected') return toRefusal(judged.rejection, environment);
  if (judged.kind === 'unchanged') throw new Error('nothing was accepted before');
  const isSigned = trust !== undefined || opened !== undefined;
  return { kind: 'publication', publication: { manifest: judged.accepted.manifest, isSigned } };
};
