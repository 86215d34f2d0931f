import type { Action } from './action.ts';
import { blocked, type Blocked } from './gate.ts';

/** What a release needs of the engine before its container can be created. */
export type Need =
  | { readonly kind: 'met' }
  | { readonly kind: 'act'; readonly actions: readonly [Action, ...Action[]] }
  | { readonly kind: 'blocked'; readonly decision: Blocked };

/** A need that only an operator can meet. */
export const refusedNeed = (...block: Parameters<typeof blocked>): Need => ({
  kind: 'blocked',
  decision: blocked(...block),
});
