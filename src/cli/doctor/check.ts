import { toAgentError } from '../../core/errors.ts';

/** One line of `doctor`. */
export interface Check {
  readonly name: string;
  /** A hint does not keep the agent from its work. */
  readonly result: 'ok' | 'hint' | 'problem';
  readonly message: string;
  readonly advice: string | null;
}

export const ok = (name: string, message: string): Check => ({ name, result: 'ok', message, advice: null });

export const bad = (name: string, message: string, advice: string): Check => ({
  name,
  result: 'problem',
  message,
  advice,
});

export const hint = (name: string, message: string, advice: string): Check => ({
  name,
  result: 'hint',
  message,
  advice,
});

/** Turns what a check throws into its line. */
export const guarded = async (
  name: string,
  check: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> => {
  try {
    return await check();
  } catch (thrown) {
    const { message, advice } = toAgentError(thrown);
    return [bad(name, message, advice ?? 'see the log')];
  }
};
