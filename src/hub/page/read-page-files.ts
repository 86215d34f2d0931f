import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { sourceOf, type PAGE_FILES, type PageScript } from './file-list.ts';

const readText = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');

/** Text of a file of the page. The build replaces this module by the texts (`scripts/build.ts`). */
export const readPageFile = (name: (typeof PAGE_FILES)[number]): string => readText(name);

/** A module of the page as the hub serves it. */
export const readPageScript = (name: PageScript): string =>
  asServed(stripTypeScriptTypes(readText(join('..', '..', sourceOf(name)))));

/** Rewrites imports to the served names, which are all in one folder. */
export const asServed = (script: string): string =>
  script.replaceAll(/from (['"])\.{1,2}\/(?:[\w.-]+\/)*([\w-]+)\.ts\1/g, "from './$2.js'");
