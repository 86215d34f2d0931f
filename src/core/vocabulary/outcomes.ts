/**
 * What a service, the edge or a host is at, in one word (docs/DOCUMENTS.md, "Outcomes and reasons"). The list
 * is complete: a new situation is a new reason.
 */
export const OUTCOMES = ['converged', 'progressing', 'waiting', 'rolled-back', 'blocked', 'offline'] as const;
export type Outcome = (typeof OUTCOMES)[number];
export const isOutcome = (word: string): word is Outcome => OUTCOMES.some((outcome) => outcome === word);

/**
 * What has become of a published manifest on a host: what `publish --wait` counts. Public in its JSON and in
 * that of `fleet`.
 */
export const VERDICT_KINDS = ['converged', 'pending', 'failed', 'superseded', 'stopped', 'silent'] as const;
export type VerdictKind = (typeof VERDICT_KINDS)[number];

/** How a word is coloured, beside being written; the worst first. */
export const TONES = ['bad', 'warn', 'info', 'good'] as const;
export type Tone = (typeof TONES)[number];

/**
 * What a host is at, in one word, the worst first: the outcomes that it reports, and what only a reader of
 * reports can see. `converged` is the only one that is good.
 */
const TONE_OF = {
  'rolled-back': 'bad',
  blocked: 'bad',
  refused: 'bad',
  'no-ledger': 'bad',
  offline: 'bad',
  silent: 'bad',
  stopped: 'warn',
  unreachable: 'warn',
  behind: 'warn',
  superseded: 'warn',
  drained: 'warn',
  waiting: 'info',
  progressing: 'info',
  converged: 'good',
} as const satisfies Readonly<Record<Outcome, Tone> & Record<string, Tone>>;
export type VerdictWord = keyof typeof TONE_OF;
export const VERDICT_WORDS = Object.keys(TONE_OF) as readonly VerdictWord[];

export const isVerdictWord = (word: string): word is VerdictWord => Object.hasOwn(TONE_OF, word);

/** A word of a newer agent is not yet good. */
export const toneOf = (word: string): Tone => (isVerdictWord(word) ? TONE_OF[word] : 'warn');
