import { describe, expect, it } from 'vitest';
import { parseListeners, readListeners } from '../../../../src/adapters/edge/listeners.ts';
import { createServer } from 'node:net';
import { once } from 'node:events';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const REST = '00000000:00000000 00:00000000 00000000';
const line = (local: string, state = '0A', uid = 0): string =>
  `   0: ${local} 00000000:0000 ${state} ${REST} ${String(uid).padStart(5)}        0 12345 1 0000000000000000 100 0 0 10 0`;

const ANY_6 = '0'.repeat(32);

describe('the listeners in /proc/net/tcp', () => {
  it.each([
    ['every address', line('00000000:0050', '0A', 99), { address: '', port: 80, uid: 99 }],
    ['one address', line('0100007F:1F90'), { address: '127.0.0.1', port: 8080, uid: 0 }],
    [
      'bytes of each value',
      line('0A01A8C0:FFFF', '0A', 61_234),
      { address: '192.168.1.10', port: 65_535, uid: 61_234 },
    ],
    ['every address of IPv6', line(`${ANY_6}:01BB`), { address: '', port: 443, uid: 0 }],
    [
      'the own one of IPv6',
      line('00000000000000000000000001000000:0016'),
      { address: '::1', port: 22, uid: 0 },
    ],
    [
      'a long one of IPv6, in its canonical spelling',
      line('B80D0120000000000000000034120000:0016'),
      { address: '2001:db8::1234', port: 22, uid: 0 },
    ],
    [
      'IPv4 in IPv6',
      line('0000000000000000FFFF00000A00000A:0016'),
      { address: '10.0.0.10', port: 22, uid: 0 },
    ],
  ])('%s', (_what, text, expected) => {
    expect(parseListeners(`${HEADER}\n${text}\n`)).toEqual([expected]);
  });

  it('are not the connections', () => {
    const text = [
      HEADER,
      line('0100007F:1F90', '01'),
      line('0100007F:1F91', '06'),
      line('00000000:0051'),
    ].join('\n');
    expect(parseListeners(text)).toEqual([{ address: '', port: 81, uid: 0 }]);
  });

  it('are not what cannot be read', () => {
    expect(parseListeners(`${HEADER}\n${line('0100007:1F90')}\n${line('xyz')}\n\n`)).toEqual([]);
    expect(parseListeners('')).toEqual([]);
  });

  it('are those of this host, with their owner', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      expect(await readListeners()).toContainEqual({ address: '127.0.0.1', port, uid: process.getuid?.() });
    } finally {
      server.close();
      await once(server, 'close');
    }
  });
});
