import { customCleanEnv, EnvMissingError, makeExactValidator } from 'envalid';
import { AgentError } from '../core/errors.ts';
import { valueIn } from './environment.ts';
import { correctFile } from './host-facts.ts';

/** A variable's only description: Config, the example file, documents and error messages derive from it. */
export interface Variable<T = unknown> {
  /**
   * The member of Config that holds the value as read; absent if agent-config.ts derives something from it.
   */
  readonly as?: string;
  /** What the value is, with its unit and form. */
  readonly unit: string;
  /** The default, as an operator would write it. */
  readonly preset?: string;
  /** The default in words, with its value in `default`. Without `preset` and `otherwise` it must be set. */
  readonly otherwise?: string;
  readonly default?: T | undefined;
  readonly effect: string;
  /** A valid value. */
  readonly example: string;
}

/** The default as text; undefined if the variable must be set. */
export const presetOf = ({ preset, otherwise }: Variable): string | undefined => otherwise ?? preset;

/** The text of the example file and the manual. */
export const valueText = (variable: Variable): string => {
  const preset = presetOf(variable);
  return `Value: ${variable.unit}. ${preset === undefined ? 'Must be set.' : `Default: ${preset}.`}`;
};

/** Makes a kind of variable from a parser. The message of an EnvError completes "VARIABLE …". */
export const kind = <T>(read: (text: string) => T) => {
  const { _parse } = makeExactValidator(read)();
  return <const V extends Variable<T>>(variable: V): V & { readonly _parse: (text: string) => T } => ({
    ...variable,
    _parse,
  });
};

export type Variables = Readonly<Record<string, Variable & { readonly _parse: (text: string) => unknown }>>;

type ValueOf<V> = V extends { readonly _parse: (text: string) => infer T }
  ? V extends { readonly default: undefined }
    ? T | undefined
    : T
  : never;
export type Values<R> = { readonly [N in keyof R]: ValueOf<R[N]> };

export interface ConfigProblem {
  readonly variable: string;
  /** What is wrong and what to write. */
  readonly message: string;
}

/** The value of a variable with a problem is undefined, whatever its type says. */
export const readVariables = <R extends Variables>(
  env: NodeJS.ProcessEnv,
  variables: R,
): { readonly values: Values<R>; readonly problems: readonly ConfigProblem[] } => {
  const given = Object.entries(variables).map(([name, { preset }]) => [name, valueIn(env, name) ?? preset]);
  const problems: ConfigProblem[] = [];
  const values = customCleanEnv(Object.fromEntries(given), variables, (read) => ({ ...read }), {
    reporter: ({ errors }) => {
      for (const [variable, error] of Object.entries<Error | undefined>(errors)) {
        if (error === undefined) continue;
        const wrong = error instanceof EnvMissingError ? 'is not set' : error.message;
        const { unit = '', example = '' } = variables[variable] ?? {};
        problems.push({
          variable,
          message: `${wrong}; write ${unit}, for example ${variable}=${example}`,
        });
      }
    },
  });
  return { values: values as Values<R>, problems };
};

/** An AgentError CONFIG with every problem. */
export const refusal = (problems: readonly ConfigProblem[], advice = correctFile(undefined)): AgentError => {
  const lines = problems.map(({ variable, message }) => `\n  ${variable} ${message}`);
  return new AgentError(
    'CONFIG',
    `the configuration has ${problems.length === 1 ? 'a problem' : 'problems'}:${lines.join('')}`,
    { advice, fields: { variables: problems.map(({ variable }) => variable).join(' ') } },
  );
};
