const PRIME = 2n ** 255n - 19n;

/** One of the two y coordinates of order 8; the other is its negative. */
const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/**
 * The y coordinates of the points of Ed25519 whose order divides 8, by order: 1, 2, 4, 8, 8. A signature by
 * such a key is trivial to make for any message, and OpenSSL accepts it.
 */
const SMALL_ORDER: readonly bigint[] = [1n, PRIME - 1n, 0n, ORDER_8, PRIME - ORDER_8];

/** RFC 8032, section 5.1.2: little endian, the top bit holds the sign of x. */
const yOf = (publicKey: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(publicKey.toReversed()).toString('hex')}`) & ((1n << 255n) - 1n);

/**
 * Whether 32 bytes are no safe Ed25519 public key: a point of small order, or a y beyond the field (a second
 * name of a point).
 */
export const isWeakPublicKey = (publicKey: Uint8Array): boolean => {
  const y = yOf(publicKey);
  return y >= PRIME || SMALL_ORDER.includes(y);
};
