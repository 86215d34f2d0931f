import { reportPath, turnPath } from '../core/fleet/store-layout.ts';
import type { AgentValues } from './agent-variables.ts';

/** Where this host sends its report. */
export interface ReportConfig {
  /** The URL of this host's report. */
  readonly url: string;
  /** The URL at which this host asks for turns. */
  readonly turnsUrl: string;
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
  const { SUPERCARGO_REPORT_URL: base, SUPERCARGO_ENVIRONMENT: environment } = values;
  if (base === undefined) return undefined;
  const url = `${base}/${reportPath(environment, host)}`;
  const turnsUrl = `${base}/${turnPath(environment, host)}`;
  return Object.freeze({ url, turnsUrl, token: Object.freeze(tokenOf(values, credential)) });
};
