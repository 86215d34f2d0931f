import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import type { PAGE_FILES, PAGE_SCRIPTS } from './names.ts';

const readText = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');

/** Text of one of the page's files. The build puts the texts in the place of this module (`scripts/build.ts`). */
export const readPageFile = (name: (typeof PAGE_FILES)[number]): string => readText(name);

/** A module of the page as browsers read it. */
export const readPageScript = (name: (typeof PAGE_SCRIPTS)[number]): string =>
  asServed(stripTypeScriptTypes(readText(`client/${name}.ts`)));

/** Modules find each other under the names that they are served by. */
export const asServed = (script: string): string =>
  script.replaceAll(/from (['"])(\.\/\w+)\.ts\1/g, "from '$2.js'");
