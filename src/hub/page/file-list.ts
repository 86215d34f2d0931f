/** Files of the page, and its modules in `client/`. */
export const PAGE_FILES = ['index.html', 'login.html', 'page.css', 'icon.svg'] as const;
export const PAGE_SCRIPTS = [
  'page',
  'documents',
  'dom',
  'fleet',
  'journal',
  'labels',
  'login',
  'read-fleet',
] as const;

/** Modules of core that the page uses too, so that its verdicts equal those of the commands. */
export const CORE_SCRIPTS = {
  'host-labels': 'fleet/host-labels',
  'host-findings': 'fleet/host-findings',
  'verdict-text': 'fleet/verdict-text',
  'image-version': 'image/image-version',
  'natural-order': 'natural-order',
  'printable-text': 'printable-text',
  outcomes: 'vocabulary/outcomes',
  time: 'time',
} as const;

export type PageScript = (typeof PAGE_SCRIPTS)[number] | keyof typeof CORE_SCRIPTS;
export const ALL_SCRIPTS: readonly PageScript[] = [
  ...PAGE_SCRIPTS,
  ...(Object.keys(CORE_SCRIPTS) as (keyof typeof CORE_SCRIPTS)[]),
];

/** Relative to `src`. */
export const sourceOf = (name: PageScript): string =>
  name in CORE_SCRIPTS
    ? `core/${CORE_SCRIPTS[name as keyof typeof CORE_SCRIPTS]}.ts`
    : `hub/page/client/${name}.ts`;
