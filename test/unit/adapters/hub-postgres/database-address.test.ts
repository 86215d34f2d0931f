import { describe, expect, it } from 'vitest';
import { addressText, parseDatabaseAddress } from '../../../../src/adapters/hub-postgres/database-address.ts';

const hosts = (...names: readonly string[]) => names.map((host) => ({ host, port: 5432 }));
const verified = { ca: undefined, cert: undefined, key: undefined };

describe('the address of a database', () => {
  it.each([
    [
      'postgres://hub@db1,db2:6432,[fd00::7]:5433/supercargo',
      {
        hosts: [...hosts('db1'), { host: 'db2', port: 6432 }, { host: 'fd00::7', port: 5433 }],
        user: 'hub',
        password: undefined,
        database: 'supercargo',
        tls: verified,
      },
    ],
    [
      'postgresql://hub:p%40ss:w0rd@db1/supercargo?sslrootcert=/etc/ca.pem&sslcert=/c.pem&sslkey=/k.pem',
      {
        hosts: hosts('db1'),
        user: 'hub',
        password: 'p@ss:w0rd',
        database: 'supercargo',
        tls: { ca: '/etc/ca.pem', cert: '/c.pem', key: '/k.pem' },
      },
    ],
    [
      'postgres://hub@/supercargo?host=/run/postgresql&port=5433',
      {
        hosts: [{ host: '/run/postgresql', port: 5433 }],
        user: 'hub',
        password: undefined,
        database: 'supercargo',
        tls: undefined,
      },
    ],
  ])('%s', (text, address) => {
    expect(parseDatabaseAddress(text)).toEqual(address);
  });

  it.each([
    ['127.0.0.1', false],
    ['localhost', false],
    ['[::1]:5433', false],
    ['localhost,db2', true],
    ['10.0.0.7', true],
    ['10.0.0.7', false, '?sslmode=disable'],
    ['localhost', true, '?sslmode=verify-full'],
  ])('%s needs TLS: %s', (place, isSecured, query = '') => {
    const { tls } = parseDatabaseAddress(`postgres://hub@${place}/supercargo${query}`);
    expect(tls !== undefined).toBe(isSecured);
  });

  it.each([
    ['mysql://hub@db1/supercargo', 'does not begin with postgres://'],
    ['postgres://db1/supercargo', 'has no role before the @'],
    ['postgres://hub@db1', 'has no /DATABASE'],
    ['postgres://hub@db1/', 'has no /DATABASE'],
    ['postgres://hub@/supercargo', 'has a host that is not'],
    ['postgres://hub@db1:99999/supercargo', 'has a host that is not'],
    ['postgres://hub:s3cret%@db1/supercargo', 'has a % that begins no escape'],
    ['postgres://hub@db1/supercargo?sslmode=require', 'has an sslmode other than'],
    ['postgres://hub@db1/supercargo?options=s3cret', 'has an unknown parameter'],
    ['postgres://hub@db1/supercargo?sslcert=/c.pem', 'needs sslcert and sslkey together'],
    ['postgres://hub@/supercargo?host=/run/postgresql&sslmode=verify-full', 'asks for TLS on a unix socket'],
    ['postgres://hub@db1/supercargo?host=/run/postgresql', 'has host= or port= for more than'],
  ])('%s is refused', (text, message) => {
    expect(() => parseDatabaseAddress(text)).toThrow(message);
    expect(() => parseDatabaseAddress(text)).not.toThrow('s3cret');
  });

  it('is shown without its password', () => {
    const text = 'postgres://hub:s3cret@db1,[fd00::7]:5433/supercargo?sslmode=disable';
    expect(addressText(parseDatabaseAddress(text))).toBe('postgres://hub@db1,[fd00::7]:5433/supercargo');
  });
});
