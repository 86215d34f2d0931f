import { readPageFile, readPageScript } from './read-page-files.ts';
import { ALL_SCRIPTS } from './file-list.ts';

/** One file of the fleet page. */
export interface PageAsset {
  /** `/`, `/login`, or below `/assets/`. */
  readonly path: string;
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/** The fleet page consists of plain modules, without a framework or files from other servers. */
export const pageAssets = (): readonly PageAsset[] => [
  { path: '/', contentType: 'text/html; charset=utf-8', body: readPageFile('index.html') },
  { path: '/login', contentType: 'text/html; charset=utf-8', body: readPageFile('login.html') },
  { path: '/assets/page.css', contentType: 'text/css; charset=utf-8', body: readPageFile('page.css') },
  { path: '/assets/icon.svg', contentType: 'image/svg+xml', body: readPageFile('icon.svg') },
  ...ALL_SCRIPTS.map((name) => ({
    path: `/assets/${name}.js`,
    contentType: 'text/javascript; charset=utf-8',
    body: readPageScript(name),
  })),
];
