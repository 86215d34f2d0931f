import {
  createComposeReader,
  readCompose,
  type ComposeResult,
} from '../../adapters/compose/compose-reader.ts';
import { formatProblem, type ComposeProblem } from '../../core/compose/compose-problem.ts';
import type { Trust } from '../../core/manifest/manifest.ts';
import { parseTrust } from '../../core/manifest/trust.ts';
import type { ComposeProject } from '../../core/compose/project-model.ts';
import type { FileProblem, HostFiles, ReadTrust } from '../../core/ports/host-files.ts';
import { readInputFile, unreadText } from '../../io/input-file.ts';

const MAX_TRUST_BYTES = 1024 ** 2;

export type CheckedCompose = { readonly watch: readonly string[]; readonly folders: readonly string[] } & (
  | { readonly kind: 'ok'; readonly project: ComposeProject }
  | { readonly kind: 'errors'; readonly errors: readonly [ComposeProblem, ...ComposeProblem[]] }
);

/** With a `candidate`, checks that file or folder as if it were at `path`. */
export const checkCompose = async (
  path: string,
  signal?: AbortSignal,
  candidate?: string,
): Promise<CheckedCompose> => checked(await readCompose(path, signal, candidate));

const checked = (read: ComposeResult): CheckedCompose => {
  const { watch, folders } = read;
  if (read.kind === 'ok') return read;
  const [first, ...rest] = read.errors;
  if (first) return { kind: 'errors', errors: [first, ...rest], watch, folders };
  throw new Error('a refused compose file without a problem');
};

const fileProblem = (p: ComposeProblem): FileProblem => ({
  message: formatProblem(p).split('\n', 1)[0] ?? p.message,
  advice: p.advice,
});

/** With `content`, reads that file, and names `path` in messages. */
export const readTrustFile = (path: string | undefined, content = path): Promise<ReadTrust> =>
  createTrustReader(path, content)();

/** Reads the file each time, but parses it only after a change. Returns the same object until then. */
const createTrustReader = (path: string | undefined, content = path) => {
  let last: { readonly bytes: Buffer; readonly read: ReadTrust } | undefined;
  return async (signal?: AbortSignal): Promise<ReadTrust> => {
    if (path === undefined || content === undefined) return { kind: 'unsigned' };
    const read = await readInputFile(content, MAX_TRUST_BYTES, signal);
    if (read.kind !== 'bytes') return unusable(`${path} ${unreadText(read)}`, TRUST_ADVICE);
    if (!last?.bytes.equals(read.bytes)) last = { bytes: read.bytes, read: trustIn(path, read.bytes) };
    return last.read;
  };
};

const TRUST_ADVICE = 'let Chef write it as a regular file, readable for the agent’s user';

const unusable = (message: string, advice: string): ReadTrust => ({
  kind: 'problem',
  problem: { message, advice },
});

const trustIn = (path: string, bytes: Uint8Array): ReadTrust => {
  const parsed = parseTrust(bytes);
  if (parsed.kind === 'trust') return { kind: 'trust', trust: parsed.trust };
  const [first] = parsed.problems;
  return unusable(
    `${path} is not valid: ${first.path === '' ? '' : `${first.path}: `}${first.message}`,
    'correct it; supercargo validate --trust checks it',
  );
};

/** `epoch 1, 1 of 2 keys` */
export const describeTrust = ({ epoch, threshold, keys }: Trust): string =>
  `epoch ${String(epoch)}, ${String(threshold)} of ${String(keys.length)} keys`;

/** Keeps the files and folders of the last read, because the daemon watches them. */
export const createHostFiles = (composePath: string, trustFile: string | undefined) => {
  let watched: { files: readonly string[]; folders: readonly string[] } = {
    files: [composePath],
    folders: [],
  };
  const read = createComposeReader(composePath);
  const files: HostFiles = {
    project: async (signal) => {
      const compose = checked(await read(signal));
      watched = { files: compose.watch, folders: compose.folders };
      if (compose.kind === 'ok') return { kind: 'ok', project: compose.project };
      const [first, ...rest] = compose.errors;
      return { kind: 'problems', problems: [fileProblem(first), ...rest.map(fileProblem)] };
    },
    trust: createTrustReader(trustFile),
  };
  return {
    files,
    watched: () => ({
      ...watched,
      files: [...watched.files, ...(trustFile === undefined ? [] : [trustFile])],
    }),
  };
};
