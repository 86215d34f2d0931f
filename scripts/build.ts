/**
 * Bundles src/main.ts and its dependencies into dist/supercargo.mjs and the parts beside it that it loads
 * when they are needed: the daemon keeps no hub, no publisher and no Docker client in memory. Source maps lie
 * beside them.
 */
import { build, transformSync, type Metafile, type Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, relative } from 'node:path';
import { asServed, readPageFile } from '../src/hub/page/read-page-files.ts';
import { ALL_SCRIPTS, PAGE_FILES, sourceOf, type PageScript } from '../src/hub/page/file-list.ts';

const root = join(import.meta.dirname, '..');
const outdir = join(root, 'dist');
const outfile = join(outdir, 'supercargo.mjs');

/**
 * dockerode pulls these in for ssh:// hosts and BuildKit sessions. We speak unix sockets and TCP; they are
 * three quarters of the bundle.
 */
const unused = /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs)$/;

const stubUnused: Plugin = {
  name: 'stub-unused',
  setup: (context) => {
    context.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'stub' }));
    context.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/**
 * The files of the hub's page travel in the bundle: `src/hub/page/read-page-files.ts` reads them from beside
 * itself, where there is nothing then.
 */
const scriptOf = (name: PageScript): string =>
  asServed(
    transformSync(readFileSync(join(root, 'src', sourceOf(name)), 'utf8'), {
      loader: 'ts',
      target: 'es2022',
    }).code,
  );

const inlinePage: Plugin = {
  name: 'inline-page',
  setup: (context) => {
    let isReplaced = false;
    context.onEnd(() => {
      // Without the replacement the build succeeds, and the hub fails at its start.
      if (!isReplaced) throw new Error('src/hub/page/read-page-files.ts is not in the bundle');
    });
    context.onLoad({ filter: /hub[/]page[/]read-page-files\.ts$/ }, () => {
      isReplaced = true;
      const texts = Object.fromEntries(PAGE_FILES.map((name) => [name, readPageFile(name)]));
      const scripts = Object.fromEntries(ALL_SCRIPTS.map((name) => [name, scriptOf(name)]));
      const contents = [
        `const texts = ${JSON.stringify(texts)}, scripts = ${JSON.stringify(scripts)};`,
        'export const readPageFile = (name) => texts[name];',
        'export const readPageScript = (name) => scripts[name];',
      ].join('\n');
      return { contents };
    });
  },
};

/**
 * An ES module that imports one of Node's own has all its exports read, and some load what they stand for:
 * `WebSocket` of node:http is a second HTTP client, 8 MB of memory. `require` reads nothing, so the bundle
 * requires them, in each importer: a shared module would be one more file to load. esbuild then copies each
 * name that a CommonJS module itself has. For our own files, which import by name, the module is a prototype
 * instead: nothing to copy. `import()` stays Node's own: esbuild's would know no names.
 */
const requireBuiltins: Plugin = {
  name: 'require-builtins',
  setup: (context) => {
    context.onResolve({ filter: /^[a-z_:/]+$/ }, ({ path, namespace, kind, importer }) => {
      if (!isBuiltin(path)) return undefined;
      return namespace === 'builtin' || kind !== 'import-statement'
        ? { path, external: true }
        : { path, namespace: 'builtin', suffix: `?${relative(root, importer)}` };
    });
    context.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path, suffix }) => ({
      contents: suffix.startsWith('?src/')
        ? `module.exports = Object.create(require(${JSON.stringify(path)}));`
        : `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** CommonJS packages inside an ES module still call require() for Node's own modules. */
export const banner = `import { createRequire as __createRequire } from 'node:module';
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
        Object.entries(inputs).flatMap(([path, { bytesInOutput }]) =>
          bytesInOutput > 0 && !path.startsWith('builtin:') ? [path] : [],
        ),
      ),
    ),
  ]
    // What a plugin above made up: `builtin:buffer?…`.
    .filter((path) => !/^(?:builtin|stub):/.test(path))
    .toSorted();

/** Parts of an older build. */
const sweep = async (built: ReadonlySet<string>): Promise<void> => {
  const files = (await readdir(outdir)).map((name) => join(outdir, name));
  const isStale = (file: string): boolean => /\/supercargo-[A-Z0-9]+\.mjs/.test(file) && !built.has(file);
  await Promise.all(files.filter(isStale).map((file) => rm(file, { force: true })));
};

/** @throws when a source file does not compile; the errors are printed. */
export const buildBundle = async (): Promise<Bundle> => {
  const result = await build({
    absWorkingDir: root,
    entryPoints: { supercargo: 'src/main.ts' },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    chunkNames: 'supercargo-[hash]',
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: banner },
    // The packages' own ES modules where they have them: smaller, and tree shaking works.
    mainFields: ['module', 'main'],
    plugins: [stubUnused, requireBuiltins, inlinePage],
    sourcemap: 'linked',
    sourcesContent: false,
    // Less to keep in memory; names stay, so that stack traces can be read.
    minifyWhitespace: true,
    minifySyntax: true,
    // Besides: one letter beyond ASCII would make V8 keep the whole text with two bytes a letter.
    legalComments: 'external',
    logLevel: 'warning',
    metafile: true,
    write: false,
  });
  await mkdir(outdir, { recursive: true });
  // The program last: whoever starts it meanwhile finds all parts of the old one or of the new one.
  for (const file of result.outputFiles.toSorted(
    (a, b) => Number(a.path === outfile) - Number(b.path === outfile),
  ))
    await replaceFile(file.path, file.contents);
  await sweep(new Set(result.outputFiles.map((file) => file.path)));
  const programs = result.outputFiles.filter((file) => file.path.endsWith('.mjs'));
  return {
    path: outfile,
    bytes: programs.reduce((sum, file) => sum + file.contents.length, 0),
    files: programs.map(({ path }) => path),
    sources: sourcesOf(result.metafile),
  };
};

if (import.meta.main) {
  const started = performance.now();
  const { bytes } = await buildBundle();
  const ms = Math.round(performance.now() - started);
  console.log(`dist/supercargo.mjs: ${String(Math.round(bytes / 1024))} KiB in ${String(ms)} ms`);
}
