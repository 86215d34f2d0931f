import { namesByLikeness } from '../closest-name.ts';
import { AgentError } from '../errors.ts';

const SHOWN = 5;

/** `staging, production and 3 more`, the most similar names first. */
export const listEnvironments = (name: string, known: readonly string[]): string => {
  const names = namesByLikeness(name, known.toSorted());
  const more = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${String(more)} more` : ''}`;
};

/**
 * A misspelt name would publish to hosts that do not exist. The first environment of a store is always
 * accepted.
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

/** The error for an environment without a manifest to take versions from. */
export const unpublished = (name: string, store: string, known: readonly string[]): AgentError => {
  const others = known.filter((other) => other !== name);
  return new AgentError('STORE', `nothing was ever published for ${name} in ${store}`, {
    advice:
      others.length === 0
        ? `check the name of the environment, and --to; a new one begins with its first version: ` +
          `supercargo publish ${name} SERVICE=IMAGE:TAG`
        : `check the name; published there: ${listEnvironments(name, others)}`,
  });
};
