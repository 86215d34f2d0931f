import type { Release } from './release.ts';

/** `Wed, 25 Nov 2026 10:00:00 +0000`: toUTCString says GMT, which deb-changelog(5) does not know. */
const dateOf = (date: Date): string => date.toUTCString().replace('GMT', '+0000');

const plain = (markdown: string): string =>
  markdown.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');

const WIDTH = 74;

const wrapped = (text: string): readonly string[] => {
  const lines: string[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
};

/** CHANGELOG.md's newest section, as deb-changelog(5) has it: one item a bullet. */
export const renderChangelog = (markdown: string, { version, date }: Release, maintainer: string): string => {
  const [, newest = ''] = markdown.split(/^## /m);
  const items = newest.split(/^- /m).slice(1);
  const bullets = items.map((item) => {
    const [text = ''] = item.split(/\n\n|\n#/);
    return `  * ${wrapped(plain(text)).join('\n    ')}`;
  });
  return `supercargo (${version}) stable; urgency=medium\n\n${bullets.join('\n')}\n\n -- ${maintainer}  ${dateOf(date)}\n`;
};
