/** Documents that were valid once: most of what is wrong in the world is nearly right. */
import * as fc from 'fast-check';

const STRANGE: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  -0,
  2 ** 53,
  9e15,
  Number.MIN_VALUE,
  '',
  ' ',
  '0',
  'null',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  '\u0000',
  '\uD800',
  '\u2028',
  '\u001B[2J',
  '😀',
  'x'.repeat(5_000),
  'sha256:',
  `sha256:${'a'.repeat(64)}`,
  '2026-11-23T10:00:00Z',
  '9999-99-99T99:99:99Z',
  '${X}',
  '127.0.0.1:80:80/udp',
  [],
  {},
  [null],
  [[[[[[]]]]]],
  { a: { b: { c: null } } },
];

const strange = fc.oneof(
  { arbitrary: fc.constantFrom(...STRANGE), weight: 4 },
  { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 1 },
);

interface Edit {
  readonly kind: 'replace' | 'remove' | 'rename' | 'copy' | 'wrap' | 'add';
  /** Which place of the document, modulo how many there are. */
  readonly at: number;
  readonly from: number;
  readonly value: unknown;
  readonly key: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'rename', 'copy', 'wrap', 'add'),
  at: fc.nat(),
  from: fc.nat(),
  value: strange,
  key: fc.oneof(
    fc.constantFrom('__proto__', 'constructor', 'a', '', 'x-a', 'image', 'serial'),
    fc.string({ maxLength: 8 }),
  ),
});

type Holder = Record<string, unknown> | unknown[];
interface Place {
  readonly holder: Holder;
  readonly key: string;
}

const isHolder = (value: unknown): value is Holder => typeof value === 'object' && value !== null;

const placesIn = (holder: Holder): readonly Place[] =>
  Object.entries(holder).flatMap(([key, value]) => [
    { holder, key },
    ...(isHolder(value) ? placesIn(value) : []),
  ]);

const read = ({ holder, key }: Place): unknown => (holder as Record<string, unknown>)[key];

/** As JSON would: `__proto__` becomes a member like others. */
const write = (holder: Holder, key: string, value: unknown): void => {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
};

const apply = (root: { document: unknown }, { kind, at, from, value, key }: Edit): void => {
  const places = placesIn(root);
  const place = places[at % places.length];
  const other = places[from % places.length];
  if (!place || !other) return;
  switch (kind) {
    case 'replace':
      return write(place.holder, place.key, structuredClone(value));
    case 'copy':
      return write(place.holder, place.key, structuredClone(read(other)));
    case 'wrap':
      return write(place.holder, place.key, [read(place)]);
    case 'remove':
      if (Array.isArray(place.holder)) place.holder.splice(Number(place.key), 1);
      else if (place.holder !== root) delete place.holder[place.key];
      return;
    case 'rename':
    case 'add': {
      if (Array.isArray(place.holder)) return void place.holder.push(structuredClone(value));
      if (place.holder === root) return;
      write(place.holder, key, kind === 'add' ? structuredClone(value) : read(place));
      if (kind === 'rename' && key !== place.key) delete place.holder[place.key];
    }
  }
};

/** Plain values, some members of them other than they were. */
export const mutated = (valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.tuple(valid, fc.array(edit, { maxLength: 4 })).map(([document, edits]) => {
    const root = { document: structuredClone(document) };
    for (const one of edits) apply(root, one);
    return root.document;
  });

interface Cut {
  readonly kind: 'flip' | 'drop' | 'repeat' | 'insert' | 'end';
  readonly at: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  'null',
  '\n',
  '\n\n',
  '\r',
  '\0',
  '\t',
  '- ',
  '&a ',
  '*a',
  '<<: ',
  '1e999',
  '\uFEFF',
  '\u00FF',
];

const cut: fc.Arbitrary<Cut> = fc.record({
  kind: fc.constantFrom('flip', 'drop', 'repeat', 'insert', 'end'),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 40 }),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 6 }),
    fc.constantFrom(...TOKENS).map((token) => new Uint8Array(Buffer.from(token))),
  ),
});

const applyCut = (bytes: Buffer, { kind, at, length, bytes: more }: Cut): Buffer => {
  const place = bytes.length === 0 ? 0 : at % bytes.length;
  const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (kind) {
    case 'flip': {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ (more[0] ?? 1);
      return changed;
    }
    case 'drop':
      return Buffer.concat([head, tail.subarray(length)]);
    case 'repeat':
      return Buffer.concat([
        head,
        ...Array.from({ length: 1 + (length % 5) }, () => tail.subarray(0, length)),
        tail,
      ]);
    case 'insert':
      return Buffer.concat([head, more, tail]);
    case 'end':
      return head;
  }
};

/** Bytes, some of them other than they were. */
export const mangled = (valid: fc.Arbitrary<string | Uint8Array>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(valid, fc.array(cut, { maxLength: 4 }))
    .map(([bytes, cuts]) => cuts.reduce(applyCut, Buffer.from(bytes as Uint8Array)));

const json = (value: unknown): string => JSON.stringify(value) ?? 'null';

/** JSON whose values, or whose bytes, were changed. */
export const mutatedJson = (valid: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> =>
  fc.oneof(
    { arbitrary: mutated(valid).map((value) => Buffer.from(json(value))), weight: 3 },
    { arbitrary: mangled(valid.map(json)), weight: 2 },
    { arbitrary: mangled(mutated(valid).map(json)), weight: 1 },
  );
