import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { EpochMs } from '../../core/time.ts';
import { timeText } from '../terminal/units.ts';
import { bad, hint, ok, type Check } from './check.ts';

/** An operator has three weeks to renew it. */
const SOON_MS = 21 * 86_400_000;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const RELOAD = 'renew it, then systemctl reload supercargo-hub';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Position of the first certificate that the next one of the file has not signed. */
const brokenLink = (chain: readonly X509Certificate[]): number | undefined => {
  const at = chain.findIndex((each, n) => {
    const next = chain[n + 1];
    return next !== undefined && !(each.checkIssued(next) && each.verify(next.publicKey));
  });
  return at < 0 ? undefined : at;
};

/** Judges PEM texts. @throws what OpenSSL says of a text that is no PEM */
export const certificateChecks = (
  { cert, key }: CertificateFiles,
  path: string,
  nowMs: EpochMs,
): readonly Check[] => {
  const chain = (cert.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
  const [leaf] = chain;
  if (!leaf) return [bad('certificate', `${path} has no certificate`, 'name a PEM file with --tls-cert')];
  if (!leaf.checkPrivateKey(createPrivateKey(key)))
    return [
      bad('certificate', `${path} does not fit its key`, 'give the key of this certificate as --tls-key'),
    ];
  const broken = brokenLink(chain);
  if (broken !== undefined)
    return [
      bad(
        'certificate',
        `${path}: certificate ${String(broken + 2)} has not signed the one before it`,
        'write the certificate of the hub first, then that of its authority, and so on up',
      ),
    ];
  const endMs = Math.min(...chain.map(({ validTo }) => Date.parse(validTo)));
  const beginMs = Math.max(...chain.map(({ validFrom }) => Date.parse(validFrom)));
  const end = timeText(nowMs, new Date(endMs).toISOString());
  const names = leaf.subjectAltName?.replaceAll(/DNS:|IP Address:/g, '') ?? leaf.subject;
  if (endMs <= nowMs) return [bad('certificate', `${path} expired ${end}`, RELOAD)];
  if (beginMs > nowMs)
    return [bad('certificate', `${path} is not valid yet`, 'look at the clock (timedatectl), or wait')];
  const message = `${path} for ${names}, expires ${end}`;
  return [endMs - nowMs < SOON_MS ? hint('certificate', message, RELOAD) : ok('certificate', message)];
};

export const checkCertificate = async (
  cert: string | undefined,
  key: string | undefined,
  isLocal: boolean,
): Promise<readonly Check[]> => {
  if (cert === undefined && key === undefined)
    return isLocal
      ? []
      : [
          hint(
            'certificate',
            'none: tokens and reports travel in clear text',
            'give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy with TLS',
          ),
        ];
  if (cert === undefined || key === undefined)
    return [bad('certificate', 'a certificate needs its key', 'give both --tls-cert and --tls-key')];
  const files = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
  return certificateChecks(files, cert, Date.now());
};
