/** Arrays as PostgreSQL writes them: the driver would have to ask each connection for its types first. */
export const textArray = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? 'null' : `"${value.replaceAll(/["\\]/g, '\\$&')}"`)).join(',')}}`;

/** Also for booleans. */
export const numberArray = (values: readonly (number | boolean | null)[]): string =>
  `{${values.map(String).join(',')}}`;

export const bytesArray = (values: readonly Uint8Array[]): string =>
  `{${values.map((bytes) => `"\\\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}"`).join(',')}}`;
