import { reportPath, turnPath } from '../core/fleet/store-layout.ts';
import type { Addresses } from './addresses.ts';
import type { AgentValues } from './agent-variables.ts';

/** Where this host sends its report. */
export interface ReportConfig {
  /** The URLs of this host's report, one for each hub. */
  readonly urls: Addresses;
  /** The URLs at which this host asks for turns. */
  readonly turnsUrls: Addresses;
  readonly token:
    | { readonly kind: 'none' }
    | { readonly kind: 'value'; readonly value: string }
    | { readonly kind: 'file'; readonly path: string };
}

const tokenOf = (values: AgentValues, credential: string | undefined): ReportConfig['token'] => {
  const { SUPERCARGO_REPORT_TOKEN: value, SUPERCARGO_REPORT_TOKEN_FILE: path = credential } = values;
  if (value !== undefined) return { kind: 'value', value };
  return path === undefined ? { kind: 'none' } : { kind: 'file', path };
};

/** Returns undefined without a report store. `credential` is the token's file if no variable names one. */
export const reportOf = (
  values: AgentValues,
  host: string,
  credential: string | undefined,
): ReportConfig | undefined => {
  const { SUPERCARGO_REPORT_URL: bases, SUPERCARGO_ENVIRONMENT: environment } = values;
  if (bases === undefined) return undefined;
  const below = (path: string): Addresses => {
    const [first, ...others] = bases;
    return Object.freeze([`${first}/${path}`, ...others.map((base) => `${base}/${path}`)] as const);
  };
  return Object.freeze({
    urls: below(reportPath(environment, host)),
    turnsUrls: below(turnPath(environment, host)),
    token: Object.freeze(tokenOf(values, credential)),
  });
};
