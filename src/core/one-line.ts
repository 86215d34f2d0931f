/**
 * Removes line breaks, control characters and changes of the reading direction from foreign text. Without
 * this, one host's message could forge the line of another host.
 */
export const oneLine = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu, ' ');
