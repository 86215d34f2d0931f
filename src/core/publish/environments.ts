import { namesByLikeness } from '../closest-name.ts';
import { AgentError } from '../errors.ts';

const SHOWN = 5;

/** `staging, production and 3 more`, those first that the name may have meant. */
export const listEnvironments = (name: string, known: readonly string[]): string => {
  const names = namesByLikeness(name, known.toSorted());
  const more = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${String(more)} more` : ''}`;
};

/**
 * A typing error would publish to hosts that do not exist. The first environment of a store cannot be
 * mistaken for another one.
 * @throws AgentError USAGE
 */
export const refuseUnknownName = (name: string, store: string, known: readonly string[]): void => {
  const others = known.filter((other) => other !== name);
  if (others.length === 0) return;
  throw new AgentError(
    'USAGE',
    `${name} is a new environment in ${store}, which has ${listEnvironments(name, others)}`,
    { advice: `correct the name, or add --create to create the environment ${name}` },
  );
};

/** Where versions were to come from. */
export const unpublished = (name: string, store: string, known: readonly string[]): AgentError => {
  const others = known.filter((other) => other !== name);
  return new AgentError('STORE', `nothing was ever published for ${name} in ${store}`, {
    advice:
      others.length === 0
        ? 'check the name of the environment, and --to'
        : `check the name; published there: ${listEnvironments(name, others)}`,
  });
};
