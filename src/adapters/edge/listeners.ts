import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { canonicalIp } from '../../core/compose/ip.ts';
import type { HostListener } from '../../core/state/actual.ts';

/** proc(5), /proc/net/tcp: `sl local_address rem_address st tx:rx tr:tm retrnsmt uid …`; 0A is LISTEN. */
const LISTEN = '0A';

/** Words of four bytes in host byte order, which is little-endian on every supported machine. */
const addressOf = (hex: string): string => {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).toReversed().map((byte) => Number.parseInt(byte, 16)),
  );
  if (bytes.every((byte) => byte === 0)) return '';
  if (bytes.length === 4) return bytes.join('.');
  const mapped = bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (mapped) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return canonicalIp(groups.join(':')) ?? '';
};

/** Skips other lines. */
export const parseListeners = (text: string): readonly HostListener[] =>
  text.split('\n').flatMap((line): HostListener[] => {
    const cells = line.trim().split(/\s+/);
    const [address = '', port = ''] = (cells[1] ?? '').split(':');
    if (cells[3] !== LISTEN || !/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/.test(address)) return [];
    return [{ address: addressOf(address), port: Number.parseInt(port, 16), uid: Number(cells[7]) }];
  });

/**
 * Reads the listeners of this network namespace, the host's. Uses "self", because the unit hides the rest of
 * /proc. A host without IPv6 has no tcp6 file.
 */
export const readListeners = async (): Promise<readonly HostListener[]> => {
  const texts = await Promise.all(
    ['/proc/self/net/tcp', '/proc/self/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  return texts.flatMap(parseListeners);
};

/** Whether the edge can bind an IPv6 address; with IPv6 off, such a bind would keep it from starting. */
export const hostHasIpv6 = (): boolean => {
  try {
    return readFileSync('/proc/self/net/if_inet6', 'utf8').trim() !== '';
  } catch {
    return false;
  }
};
