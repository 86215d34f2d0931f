import { closestName } from '../core/closest-name.ts';
import { VARIABLES, type AgentValues } from './agent-variables.ts';
import { valueIn } from './environment.ts';
import { HUB_VARIABLES } from './hub-config.ts';
import { PUBLISHER_VARIABLES } from './publisher-config.ts';
import type { ConfigProblem } from './read-variables.ts';

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
      message:
        `names ${file}, which does not exist; install the trust file there, ` +
        'or write SUPERCARGO_ALLOW_UNSIGNED=true for a trial without signatures',
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
  const { example } = VARIABLES[name];
  return [
    {
      variable: name,
      message: `is not set, but ${other} is; set both or none, for example ${name}=${example}`,
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

const isClear = (address: string): boolean => address.startsWith('http:');

/** Variables of the build server and of a hub, which an operator's shell may have too. */
const ELSEWHERE = new Set(
  Object.keys({ ...PUBLISHER_VARIABLES, ...HUB_VARIABLES }).flatMap((name) => [name, `${name}_FILE`]),
);

export const warningsOf = (env: NodeJS.ProcessEnv, values: AgentValues, hasTrust: boolean): string[] => {
  const names = Object.keys(env).filter(
    (name) => name.startsWith('SUPERCARGO_') && valueIn(env, name) !== undefined,
  );
  const warnings = names.toSorted().flatMap((name) => {
    if (Object.hasOwn(VARIABLES, name) || ELSEWHERE.has(name)) return [];
    const closest = closestName(name, Object.keys(VARIABLES));
    return [
      `${name} is not a variable of the agent${closest === undefined ? '' : `; did you mean ${closest}?`}`,
    ];
  });
  if (valueIn(env, 'SUPERCARGO_TRUST') !== undefined && !hasTrust) {
    warnings.push(
      `SUPERCARGO_TRUST names ${values.SUPERCARGO_TRUST}, which does not exist: unsigned manifests ` +
        'are accepted',
    );
  }
  if (values.SUPERCARGO_MANIFEST_CREDENTIALS !== undefined && values.SUPERCARGO_MANIFEST_URL.some(isClear)) {
    warnings.push(
      'SUPERCARGO_MANIFEST_CREDENTIALS are sent in clear text, because SUPERCARGO_MANIFEST_URL is http:',
    );
  }
  if (valueIn(env, 'SUPERCARGO_HEALTH_LEAD') !== undefined && values.SUPERCARGO_HEALTH_LISTEN === undefined)
    warnings.push('SUPERCARGO_HEALTH_LISTEN is not set, so SUPERCARGO_HEALTH_LEAD has no effect');
  if (values.SUPERCARGO_TURNS === 'always' && values.SUPERCARGO_REPORT_URL === undefined)
    warnings.push(
      'SUPERCARGO_REPORT_URL is not set, so no store hands out turns: with SUPERCARGO_TURNS=always no switch begins',
    );
  const token = [values.SUPERCARGO_REPORT_TOKEN, values.SUPERCARGO_REPORT_TOKEN_FILE];
  const hasToken = token.some((given) => given !== undefined);
  if (hasToken && values.SUPERCARGO_REPORT_URL === undefined)
    warnings.push('SUPERCARGO_REPORT_URL is not set, so the token of reports has no effect');
  if (hasToken && values.SUPERCARGO_REPORT_URL?.some(isClear) === true) {
    warnings.push('the token of reports is sent in clear text, because SUPERCARGO_REPORT_URL is http:');
  }
  if (values.DOCKER_HOST.kind === 'tcp' && values.DOCKER_TLS_VERIFY === undefined) {
    warnings.push(
      'DOCKER_HOST uses tcp without TLS: any machine on that network controls the engine; ' +
        'set DOCKER_TLS_VERIFY=1',
    );
  }
  return warnings;
};
