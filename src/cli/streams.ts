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

/** What JSON leaves as it is and a terminal may obey: later control characters, changes of direction. */
const UNSAFE = /[\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g;
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

export const toJson = (value: unknown, indent?: number): string =>
  `${JSON.stringify(value, null, indent).replaceAll(UNSAFE, escaped)}\n`;

export const writeJson = (io: Output, value: unknown): void => {
  io.stdout.write(toJson(value, 2));
};

export interface Screen extends Terminal {
  readonly palette: Palette;
}

export const terminalOf = (io: Output): Screen => {
  const terminal = describeTerminal(io.stdout);
  return { ...terminal, palette: createPalette(terminal) };
};
