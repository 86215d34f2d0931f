import { createPalette, describeTerminal, type Palette, type Terminal } from './terminal/colour.ts';

/** What a command may touch of the process: handed in by main, replaced in tests. */
export interface Io {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** As it was when the program started. */
  readonly env: NodeJS.ProcessEnv;
  /** With what agent.env says by now. */
  readonly readEnvironment: () => NodeJS.ProcessEnv;
  readonly pid: number;
}

export const writeJson = (io: Io, value: unknown): void => {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
};

export interface Screen extends Terminal {
  readonly palette: Palette;
}

export const terminalOf = (io: Io): Screen => {
  const terminal = describeTerminal(io.stdout);
  return { ...terminal, palette: createPalette(terminal) };
};
