import { createPalette, describeTerminal, type Palette, type Terminal } from './terminal/colour.ts';

export interface Output {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** The parts of the process that commands use. Tests replace them. */
export interface Io extends Output {
  readonly stdin: NodeJS.ReadStream;
  /** The environment at the start of the program. */
  readonly env: NodeJS.ProcessEnv;
  /** The environment with the current content of agent.env. */
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
