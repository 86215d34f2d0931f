/** Bundles src/main.ts and its dependencies into dist/supercargo.mjs, with a source map beside it. */
import { build, transformSync, type Metafile, type Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { asServed, readPageFile } from '../src/hub/page/files.ts';
import { PAGE_FILES, PAGE_SCRIPTS } from '../src/hub/page/names.ts';

const root = join(import.meta.dirname, '..');
const outfile = join(root, 'dist', 'supercargo.mjs');

/** dockerode pulls these in for ssh:// hosts and BuildKit sessions. We speak unix sockets and TCP; they are three quarters of the bundle. */
const unused = /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs)$/;

const stubUnused: Plugin = {
  name: 'stub-unused',
  setup: (context) => {
    context.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'stub' }));
    context.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** The files of the hub's page travel in the bundle: `src/hub/page/files.ts` reads them from beside itself, where there is nothing then. */
const scriptOf = (name: (typeof PAGE_SCRIPTS)[number]): string =>
  asServed(
    transformSync(readFileSync(join(root, 'src', 'hub', 'page', 'client', `${name}.ts`), 'utf8'), {
      loader: 'ts',
      target: 'es2022',
    }).code,
  );

const inlinePage: Plugin = {
  name: 'inline-page',
  setup: (context) => {
    context.onLoad({ filter: /hub[/]page[/]files\.ts$/ }, () => {
      const texts = Object.fromEntries(PAGE_FILES.map((name) => [name, readPageFile(name)]));
      const scripts = Object.fromEntries(PAGE_SCRIPTS.map((name) => [name, scriptOf(name)]));
      const contents = [
        `const texts = ${JSON.stringify(texts)}, scripts = ${JSON.stringify(scripts)};`,
        'export const readPageFile = (name) => texts[name];',
        'export const readPageScript = (name) => scripts[name];',
      ].join('\n');
      return { contents };
    });
  },
};

/** CommonJS packages inside an ES module still call require() for Node's own modules. */
const banner = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __filename = import.meta.filename, __dirname = import.meta.dirname;`;

const isSame = async (path: string, contents: Uint8Array): Promise<boolean> =>
  (await readFile(path).catch(() => undefined))?.equals(contents) ?? false;

/** By rename: a running supercargo never loads half a file. */
const replaceFile = async (path: string, contents: Uint8Array): Promise<void> => {
  if (await isSame(path, contents)) return;
  const temporary = `${path}.${String(process.pid)}`;
  await writeFile(temporary, contents);
  await rename(temporary, path);
};

export interface Bundle {
  readonly path: string;
  readonly bytes: number;
  /** Every file that has to lie beside the program for it to run; the source maps are not among them. */
  readonly files: readonly string[];
  /** The source files that something of is in it, relative to the root. */
  readonly sources: readonly string[];
}

const sourcesOf = ({ outputs }: Metafile): readonly string[] =>
  [
    ...new Set(
      Object.values(outputs).flatMap(({ inputs }) =>
        Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
      ),
    ),
  ].toSorted();

/** @throws when a source file does not compile; the errors are printed. */
export const buildBundle = async (): Promise<Bundle> => {
  const result = await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: banner },
    // The packages' own ES modules where they have them: smaller, and tree shaking works.
    mainFields: ['module', 'main'],
    plugins: [stubUnused, inlinePage],
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'external',
    logLevel: 'warning',
    metafile: true,
    write: false,
  });
  await mkdir(join(root, 'dist'), { recursive: true });
  for (const file of result.outputFiles) await replaceFile(file.path, file.contents);
  const bundle = result.outputFiles.find((file) => basename(file.path) === basename(outfile));
  return {
    path: outfile,
    bytes: bundle?.contents.length ?? 0,
    files: result.outputFiles.map(({ path }) => path).filter((path) => path.endsWith('.mjs')),
    sources: sourcesOf(result.metafile),
  };
};

if (import.meta.main) {
  const started = performance.now();
  const { bytes } = await buildBundle();
  const ms = Math.round(performance.now() - started);
  console.log(`dist/supercargo.mjs: ${String(Math.round(bytes / 1024))} KiB in ${String(ms)} ms`);
}
