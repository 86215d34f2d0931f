import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isWeakPublicKey } from '../../../../src/core/manifest/ed25519-small-order.ts';
import { parseTrust } from '../../../../src/core/manifest/trust.ts';
import { bytesOf, createSigner } from './builder.ts';

const jenkins = createSigner('jenkins');
const release = createSigner('release');
const written = (changes: Record<string, unknown> = {}) => ({
  epoch: 1,
  threshold: 1,
  keys: [
    { name: 'jenkins', publicKey: jenkins.pem },
    { name: 'release', publicKey: release.pem },
  ],
  ...changes,
});
const withKey = (publicKey: string) => written({ keys: [{ name: 'jenkins', publicKey }] });
const pemOfRaw = (raw: Uint8Array) =>
  `-----BEGIN PUBLIC KEY-----\n${Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]).toString('base64')}\n-----END PUBLIC KEY-----\n`;
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({
  format: 'pem',
  type: 'spki',
});
const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'pem', type: 'spki' });
const privatePem = jenkins.privateKey.export({ format: 'pem', type: 'pkcs8' });

const whole = (what: string) => `must be a whole number from 1 on: ${what}`;

describe('a trust file', () => {
  it('is read whole', () => {
    expect(parseTrust(bytesOf(written({ epoch: 3, threshold: 2 })))).toEqual({
      kind: 'trust',
      trust: { epoch: 3, threshold: 2, keys: [jenkins.trusted, release.trusted] },
    });
  });

  it('may have its keys on one line, as a template writes them', () => {
    const oneLine = jenkins.pem.trim().replaceAll('\n', ' ');
    expect(parseTrust(bytesOf(withKey(oneLine)))).toMatchObject({
      kind: 'trust',
      trust: { keys: [jenkins.trusted] },
    });
  });

  const epoch = whole('raise it to make every host forget the serials so far');
  const block = 'must be one PEM block "BEGIN PUBLIC KEY", as `supercargo keygen` writes it';
  const weak = 'is a weak key that allows forged signatures: make another with `supercargo keygen`';
  const keygen = 'make one with `supercargo keygen`';
  it.each<[string, unknown, string, string]>([
    ['epoch 0', written({ epoch: 0 }), 'epoch', epoch],
    ['half an epoch', written({ epoch: 1.5 }), 'epoch', epoch],
    ['no epoch', written({ epoch: undefined }), 'epoch', 'is missing: add it'],
    ['threshold 0', written({ threshold: 0 }), 'threshold', whole('how many different keys have to sign')],
    [
      'a threshold above the keys',
      written({ threshold: 3 }),
      'threshold',
      'is 3, but there are 2 keys: lower it or add keys',
    ],
    ['no keys', written({ keys: [] }), 'keys', 'must name at least one key'],
    [
      'an unknown key',
      written({ mode: 'off' }),
      'mode',
      'is not a known key: remove it, or check its spelling',
    ],
    [
      'an inherited key',
      JSON.parse('{"__proto__":{}}'),
      '__proto__',
      'is a reserved word: choose another name',
    ],
    ['no JSON', '{', '', expect.stringMatching(/^cannot be read: not JSON: /) as string],
    [
      'a repeated key',
      '{"threshold":2,"threshold":1}',
      '',
      'cannot be read: the key "threshold" appears twice',
    ],
    ['a list', [], 'epoch', 'is missing: add it'],
    ['text for a key', withKey('secret'), 'keys.0.publicKey', block],
    ['two keys in one', withKey(jenkins.pem + release.pem), 'keys.0.publicKey', block],
    [
      'a private key',
      withKey(privatePem.toString()),
      'keys.0.publicKey',
      'is a private key: put the public one here, and replace this pair',
    ],
    ['an RSA key', withKey(rsa.toString()), 'keys.0.publicKey', `must be an Ed25519 key, not rsa: ${keygen}`],
    [
      'an X25519 key',
      withKey(x25519.toString()),
      'keys.0.publicKey',
      `must be an Ed25519 key, not x25519: ${keygen}`,
    ],
    [
      'a short key',
      withKey(pemOfRaw(Buffer.alloc(31, 7))),
      'keys.0.publicKey',
      `must be an Ed25519 key, not unreadable: ${keygen}`,
    ],
    ['a weak key', withKey(pemOfRaw(Buffer.alloc(32))), 'keys.0.publicKey', weak],
    [
      'a key without name',
      written({ keys: [{ publicKey: jenkins.pem }] }),
      'keys.0.name',
      'is missing: add it',
    ],
  ])('is refused with %s', (_, document, path, message) => {
    const read = parseTrust(bytesOf(document));
    expect(read).toMatchObject({ kind: 'problems' });
    expect(read.kind === 'problems' && read.problems[0]).toEqual({ path, message });
  });

  it('is refused where one key or name would count twice', () => {
    const twice = written({
      threshold: 2,
      keys: [
        { name: 'jenkins', publicKey: jenkins.pem },
        { name: 'jenkins', publicKey: release.pem },
        { name: 'spare', publicKey: jenkins.pem.trim() },
      ],
    });
    expect(parseTrust(bytesOf(twice))).toEqual({
      kind: 'problems',
      problems: [
        { path: 'keys.1.name', message: 'is used twice: rename one' },
        { path: 'keys.2.publicKey', message: 'is the same key as "jenkins": it would count once' },
      ],
    });
  });

  it('is refused where it is not UTF-8', () => {
    expect(parseTrust(Buffer.from([0xff]))).toEqual({
      kind: 'problems',
      problems: [{ path: '', message: 'must be UTF-8 text' }],
    });
  });
});

/** The curve of RFC 8032, section 5.1, in plain numbers, to find the weak points instead of trusting a list. */
const P = 2n ** 255n - 19n;
const modulo = (n: bigint) => ((n % P) + P) % P;
const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n;
  for (let b = modulo(base), e = exponent; e > 0n; e >>= 1n, b = modulo(b * b))
    if (e & 1n) result = modulo(result * b);
  return result;
};
const invert = (n: bigint) => power(n, P - 2n);
const D = modulo(-121665n * invert(121666n));
/** x/z and y/z: no division until the end. */
type Point = readonly [x: bigint, y: bigint, z: bigint];
const add = ([x1, y1, z1]: Point, [x2, y2, z2]: Point): Point => {
  const z = modulo(z1 * z2);
  const [xx, yy] = [modulo(x1 * x2), modulo(y1 * y2)];
  const dxy = modulo(D * xx * yy);
  const [minus, plus] = [modulo(z * z - dxy), modulo(z * z + dxy)];
  return [
    modulo(z * minus * ((x1 + y1) * (x2 + y2) - xx - yy)),
    modulo(z * plus * (yy + xx)),
    modulo(minus * plus),
  ];
};
const pointAt = (y: bigint): Point | undefined => {
  const square = modulo((y * y - 1n) * invert(D * y * y + 1n));
  const root = power(square, (P + 3n) / 8n);
  const x = [root, modulo(root * power(2n, (P - 1n) / 4n))].find((n) => modulo(n * n) === square);
  return x === undefined ? undefined : [x, y, 1n];
};
const times = (n: bigint, point: Point): readonly [x: bigint, y: bigint] => {
  let result: Point = [0n, 1n, 1n];
  for (let p = point, e = n; e > 0n; e >>= 1n, p = add(p, p)) if (e & 1n) result = add(result, p);
  const scale = invert(result[2]);
  return [modulo(result[0] * scale), modulo(result[1] * scale)];
};
const encode = (y: bigint, sign: 0 | 1): Uint8Array =>
  Buffer.from((y + (BigInt(sign) << 255n)).toString(16).padStart(64, '0'), 'hex').toReversed();

describe('a weak public key', () => {
  it('is every point whose order divides 8, with either sign', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const weak = new Set<bigint>();
    // A point times the large prime order is a point of small order; a few of them give all eight.
    for (let y = 2n; y < 200n && weak.size < 5; y += 1n) {
      const point = pointAt(y);
      if (point !== undefined) weak.add(times(order, point)[1]);
    }
    expect(weak.size).toBe(5);
    for (const y of weak) {
      const point = pointAt(y);
      expect(point && times(8n, point)).toEqual([0n, 1n]);
      expect([isWeakPublicKey(encode(y, 0)), isWeakPublicKey(encode(y, 1))]).toEqual([true, true]);
    }
  });

  it('is a second way to write a point', () => {
    expect(isWeakPublicKey(encode(P + 3n, 0))).toBe(true);
    expect(isWeakPublicKey(encode(2n ** 255n - 1n, 1))).toBe(true);
  });

  it('is no key that was made to sign', () => {
    expect(isWeakPublicKey(Buffer.from(jenkins.trusted.publicKey, 'hex'))).toBe(false);
  });
});
