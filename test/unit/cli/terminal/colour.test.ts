import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPalette, describeTerminal } from '../../../../src/cli/terminal/colour.ts';

/** A stream that answers as node:tty's does, which reads the same variables. */
const stream = (isTTY: boolean, depth = 8) =>
  Object.assign(new PassThrough(), isTTY ? { isTTY, columns: 100, getColorDepth: () => depth } : {});

describe('describeTerminal', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each<[string, boolean, number, NodeJS.ProcessEnv, unknown]>([
    ['a terminal', true, 8, {}, { columns: 100, colour: true }],
    ['a terminal without colours (TERM=dumb, NO_COLOR)', true, 1, {}, { columns: 100, colour: false }],
    ['a pipe', false, 8, {}, { columns: undefined, colour: false }],
    ['a pipe with FORCE_COLOR', false, 8, { FORCE_COLOR: '1' }, { columns: undefined, colour: true }],
    ['a terminal with FORCE_COLOR=0', true, 8, { FORCE_COLOR: '0' }, { columns: 100, colour: false }],
  ])('%s', (_, isTTY, depth, env, expected) => {
    for (const name of ['NO_COLOR', 'NODE_DISABLE_COLORS', 'FORCE_COLOR']) vi.stubEnv(name, env[name]);
    expect(describeTerminal(stream(isTTY, depth))).toEqual(expected);
  });
});

describe('createPalette', () => {
  it('paints in colour, and not at all without', () => {
    expect(createPalette({ colour: true }).bad('x')).toBe('\u001B[31mx\u001B[39m');
    expect(
      Object.values(createPalette({ colour: false })).map((paint: (text: string) => string) => paint('x')),
    ).toEqual(Array(6).fill('x'));
  });
});
