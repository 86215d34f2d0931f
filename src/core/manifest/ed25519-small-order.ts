const PRIME = 2n ** 255n - 19n;

/** A y coordinate of order 8. The other one is its negative. */
const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/**
 * The y coordinates of the Ed25519 points of an order that divides 8, by order: 1, 2, 4, 8, 8. For such a
 * key, a valid signature of any message is easy to forge, and OpenSSL accepts it.
 */
const SMALL_ORDER: readonly bigint[] = [1n, PRIME - 1n, 0n, ORDER_8, PRIME - ORDER_8];

/** RFC 8032, section 5.1.2: little endian; the top bit is the sign of x. */
const yOf = (publicKey: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(publicKey.toReversed()).toString('hex')}`) & ((1n << 255n) - 1n);

/**
 * Whether a 32-byte Ed25519 public key is unsafe: a point of small order, or a y outside the field (a second
 * encoding of a point).
 */
export const isWeakPublicKey = (publicKey: Uint8Array): boolean => {
  const y = yOf(publicKey);
  return y >= PRIME || SMALL_ORDER.includes(y);
};
