import { stripVTControlCharacters } from 'node:util';

const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6])/u;

/** Latin letters, dashes, arrows, blocks: all of our own texts. A segmenter takes 12 ms to load. */
const NARROW = /^[ -~\u00a0-\u024f\u2010-\u2027\u2190-\u21ff\u2500-\u259f]*$/;

/** The text's width in terminal cells: colour codes take none, CJK letters and emoji two. */
export const visibleWidth = (text: string): number => {
  const plain = stripVTControlCharacters(text);
  if (NARROW.test(plain)) return plain.length;
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(plain);
  return Array.from(graphemes).reduce((width, { segment }) => width + (WIDE.test(segment) ? 2 : 1), 0);
};

const ESCAPE = String.fromCodePoint(27);
const COLOUR_OR_CONTROL = new RegExp(`${ESCAPE}\\[[0-9;]*m|\\p{Cc}`, 'gu');

/**
 * Replaces control characters by spaces: foreign text (names, a registry's messages) must not move the cursor
 * or set the terminal's title. Colour codes stay, because our own are among them.
 */
export const printable = (text: string): string =>
  text.replaceAll(COLOUR_OR_CONTROL, (found) => (found.length > 1 ? found : ' '));
