import { createPalette, describeTerminal, type Palette, type Terminal } from './terminal/colour.ts';

export interface Output {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** What a command may touch of the process: handed in by main, replaced in tests. */
export interface Io extends Output {
  readonly stdin: NodeJS.ReadStream;
  /** As it was when the program started. */
  readonly env: NodeJS.ProcessEnv;
  /** With what agent.env says by now. */
  readonly readEnvironment: () => NodeJS.ProcessEnv;
  readonly pid: number;
}

export const writeJson = (io: Output, value: unknown): void => {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
};

export interface Screen extends Terminal {
  readonly palette: Palette;
}

export const terminalOf = (io: Output): Screen => {
  const terminal = describeTerminal(io.stdout);
  return { ...terminal, palette: createPalette(terminal) };
};
