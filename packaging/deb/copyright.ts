import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NODE_PACKAGES, type Release } from './release.ts';

interface Licensed {
  readonly name: string;
  readonly version: string;
  /** As its package.json says it. */
  readonly license: string;
  readonly text: string;
}

/** `node_modules/@scope/name` of a source file inside it; undefined: it is ours. */
const packageOf = (source: string): string | undefined =>
  /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1];

const LICENSE_FILE = /^(?:licen[cs]e|copying|notice)/i;

interface Described {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  /** What package.json had before `license`. */
  readonly licenses?: readonly { readonly type: string }[];
}

/** For packages that name a licence and carry no copy: the licence's own text (spdx.org/licenses). */
const STANDARD_TEXTS: Readonly<Record<string, string>> = {
  ISC: `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided
that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR
CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT,
NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`,
  Unlicense: `This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or
distribute this software, either in source code form or as a compiled
binary, for any purpose, commercial or non-commercial, and by any
means.

In jurisdictions that recognize copyright laws, the author or authors
of this software dedicate any and all copyright interest in the
software to the public domain. We make this dedication for the benefit
of the public at large and to the detriment of our heirs and
successors. We intend this dedication to be an overt act of
relinquishment in perpetuity of all present and future rights to this
software under copyright law.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
IN NO EVENT SHALL THE AUTHORS BE LIABLE FOR ANY CLAIM, DAMAGES OR
OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR
OTHER DEALINGS IN THE SOFTWARE.

For more information, please refer to <https://unlicense.org/>`,
};

/** The licence's own file, else what the readme says under that heading. */
const licenceText = async (folder: string): Promise<string | undefined> => {
  const names = (await readdir(folder)).toSorted();
  const files = names.filter((name) => LICENSE_FILE.test(name));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  if (texts.length > 0) return texts.join('\n');
  const readme = names.find((name) => /^readme/i.test(name));
  const [, section] =
    /^#+ *licen[cs]e[^\n]*\n([^]*)/im.exec(
      readme === undefined ? '' : await readFile(join(folder, readme), 'utf8'),
    ) ?? [];
  return section?.trim();
};

const readLicensed = async (root: string, folder: string): Promise<Licensed> => {
  const described = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as Described;
  const license = described.license ?? described.licenses?.map(({ type }) => type).join(' OR ');
  const text = (await licenceText(join(root, folder))) ?? STANDARD_TEXTS[license ?? ''];
  if (license === undefined || text === undefined || text === '')
    throw new Error(
      `${folder} is part of the program, but names no licence or carries no text of it: leave it out`,
    );
  return { name: described.name, version: described.version, license, text };
};

/** A field of several lines: each indented, an empty one is a dot (deb-control(5)). */
const folded = (text: string): string =>
  text
    .replaceAll('\r', '')
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd().replaceAll('\t', '    ')}`))
    .join('\n');

/** The lines that say whose it is; a licence text without such a line has its package's name there. */
const holders = ({ text, name }: Licensed): string => {
  const lines = text.match(/^[\s*]*copyright (?:\(c\)|©|\d|20|19).*$/gim) ?? [];
  const clean = [...new Set(lines.map((line) => line.replace(/^[\s*]+/, '').trim()))];
  return (clean.length === 0 ? [`the authors of ${name}`] : clean).join('\n ');
};

const paragraph = (files: string, licensed: Licensed): string =>
  `Files: ${files}\nCopyright: ${holders(licensed)}\nLicense: ${shortName(licensed)}\n${folded(licensed.text)}`;

/** A name for this very text: two packages under MIT have two texts, with two holders. */
const shortName = ({ license, name }: Licensed): string =>
  `${license.replaceAll(/[() ]+/g, '-').replaceAll(/^-|-$/g, '')}-${name.replaceAll(/[@/]+/g, '.').replace(/^\./, '')}`;

/**
 * The machine-readable copyright file (DEP-5) of what is in the package: ourselves, each npm package that
 * something is bundled of, and Node. Made from esbuild's list of what went into the bundle, so that a new
 * dependency cannot be forgotten.
 */
export const renderCopyright = async (
  root: string,
  { architecture }: Release,
  sources: readonly string[],
): Promise<string> => {
  const folders = [...new Set(sources.flatMap((source) => packageOf(source) ?? []))].toSorted();
  const own = await readLicensed(root, '.');
  const bundled = await Promise.all(folders.map((folder) => readLicensed(root, folder)));
  const node = await readLicensed(root, NODE_PACKAGES[architecture]);
  return `${[
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: supercargo',
    paragraph('*', own),
    ...bundled.map((licensed) =>
      paragraph(`usr/lib/supercargo/*.mjs/${licensed.name}-${licensed.version}/*`, licensed),
    ),
    paragraph('usr/lib/supercargo/node', { ...node, name: 'Node.js' }),
  ].join('\n\n')}\n`;
};
