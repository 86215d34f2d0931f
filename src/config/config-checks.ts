import type { CleanedEnv } from 'envalid';
import { closestName } from '../core/closest-name.ts';
import type { AGENT_SPECS } from './specs.ts';
import { VARIABLE_ENTRIES, VARIABLES, type Variable } from './agent-variables.ts';

export interface ConfigProblem {
  readonly variable: string;
  /** What is wrong and what to write. */
  readonly message: string;
}

/** What envalid made of the environment. */
export type AgentValues = CleanedEnv<typeof AGENT_SPECS>;
type Environment = NodeJS.ProcessEnv;

const isSet = (env: Environment, name: string): boolean => (env[name] ?? '') !== '';

export const variableNamed = (name: string): Variable | undefined =>
  VARIABLE_ENTRIES.find(([key]) => key === name)?.[1];

export const trustProblem = (values: AgentValues, hasTrust: boolean): ConfigProblem[] => {
  if (values.SUPERCARGO_ALLOW_UNSIGNED === undefined || values.SUPERCARGO_TRUST === undefined) return [];
  const file = values.SUPERCARGO_TRUST;
  if (hasTrust && values.SUPERCARGO_ALLOW_UNSIGNED) {
    return [
      {
        variable: 'SUPERCARGO_ALLOW_UNSIGNED',
        message: `is true although the trust file ${file} exists; remove one of the two`,
      },
    ];
  }
  if (hasTrust || values.SUPERCARGO_ALLOW_UNSIGNED) return [];
  return [
    {
      variable: 'SUPERCARGO_TRUST',
      message: `names ${file}, which does not exist; install the trust file there, or write SUPERCARGO_ALLOW_UNSIGNED=true for a trial without signatures`,
    },
  ];
};

export const clientCertificateProblem = (
  values: AgentValues,
  broken: ReadonlySet<string>,
): ConfigProblem[] => {
  const pair = ['SUPERCARGO_CLIENT_CERT', 'SUPERCARGO_CLIENT_KEY'] as const;
  const missing = pair.filter((name) => values[name] === undefined && !broken.has(name));
  const [name] = missing;
  if (missing.length !== 1 || name === undefined) return [];
  const other = name === pair[0] ? pair[1] : pair[0];
  return [
    {
      variable: name,
      message: `is not set, but ${other} is; set both or none, for example ${name}=${VARIABLES[name].example}`,
    },
  ];
};

export const reportTokenProblem = (values: AgentValues): ConfigProblem[] =>
  values.SUPERCARGO_REPORT_TOKEN === undefined || values.SUPERCARGO_REPORT_TOKEN_FILE === undefined
    ? []
    : [
        {
          variable: 'SUPERCARGO_REPORT_TOKEN',
          message: 'is set, and SUPERCARGO_REPORT_TOKEN_FILE too; set one of the two (the file is safer)',
        },
      ];

export const warningsOf = (env: Environment, values: AgentValues, hasTrust: boolean): string[] => {
  const names = Object.keys(env).filter((name) => name.startsWith('SUPERCARGO_') && isSet(env, name));
  const warnings = names.toSorted().flatMap((name) => {
    if (variableNamed(name) !== undefined) return [];
    const closest = closestName(
      name,
      VARIABLE_ENTRIES.map(([key]) => key),
    );
    return [
      `${name} is not a variable of the agent${closest === undefined ? '' : `; did you mean ${closest}?`}`,
    ];
  });
  if (isSet(env, 'SUPERCARGO_TRUST') && !hasTrust) {
    warnings.push(
      `SUPERCARGO_TRUST names ${values.SUPERCARGO_TRUST}, which does not exist: manifests are accepted unsigned`,
    );
  }
  if (
    values.SUPERCARGO_MANIFEST_CREDENTIALS !== undefined &&
    values.SUPERCARGO_MANIFEST_URL.startsWith('http:')
  ) {
    warnings.push(
      'SUPERCARGO_MANIFEST_CREDENTIALS are sent in clear text, because SUPERCARGO_MANIFEST_URL is http:',
    );
  }
  const token = [values.SUPERCARGO_REPORT_TOKEN, values.SUPERCARGO_REPORT_TOKEN_FILE];
  const hasToken = token.some((given) => given !== undefined);
  if (hasToken && values.SUPERCARGO_REPORT_URL === undefined)
    warnings.push('SUPERCARGO_REPORT_URL is not set: nobody is sent a report, and the token has no effect');
  if (hasToken && values.SUPERCARGO_REPORT_URL?.startsWith('http:') === true) {
    warnings.push('the token of reports is sent in clear text, because SUPERCARGO_REPORT_URL is http:');
  }
  if (values.DOCKER_HOST.kind === 'tcp' && values.DOCKER_TLS_VERIFY === undefined) {
    warnings.push(
      'DOCKER_HOST is reached over tcp without TLS: whoever is on that network owns the engine; set DOCKER_TLS_VERIFY=1',
    );
  }
  return warnings;
};
