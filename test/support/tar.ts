/** A file (content), a folder (neither) or a symbolic link of a tar archive. Owner root, time 0: equal content, equal digest. */
export interface TarEntry {
  readonly path: string;
  readonly content?: string | Uint8Array;
  readonly linkTo?: string;
  /** 0755 for folders and 0644 for files unless given. */
  readonly mode?: number;
}

const BLOCK = 512;

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

const typeFlag = (entry: TarEntry): '0' | '2' | '5' => {
  if (entry.linkTo !== undefined) return '2';
  return entry.content === undefined ? '5' : '0';
};

/** POSIX.1-1988 ustar. Paths of at most 100 bytes. */
export const headerOf = (entry: TarEntry, size: number): Buffer => {
  const header = Buffer.alloc(BLOCK);
  const type = typeFlag(entry);
  const put = (text: string, offset: number): number => header.write(text, offset, 'latin1');
  put(entry.path, 0);
  put(octal(entry.mode ?? (type === '5' ? 0o755 : 0o644), 8), 100);
  put(octal(0, 8), 108);
  put(octal(0, 8), 116);
  put(octal(size, 12), 124);
  put(octal(0, 12), 136);
  put('        ', 148);
  put(type, 156);
  put(entry.linkTo ?? '', 157);
  put('ustar\x0000', 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
};

export const tarOf = (entries: readonly TarEntry[]): Buffer => {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    return [headerOf(entry, content.length), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
};
