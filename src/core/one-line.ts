/**
 * Foreign text in a sentence of ours: it stays on its line, and neither moves the cursor of a terminal nor
 * turns the reading direction. Without it a host's message could forge the line of another one.
 */
export const oneLine = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu, ' ');
