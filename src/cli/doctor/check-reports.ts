import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { askAgent } from '../../adapters/status-socket/ask-agent.ts';
import type { Config } from '../../config/agent-config.ts';
import { messageOf } from '../../core/errors.ts';
import type { Status } from '../../core/status/status-document.ts';
import { bad, hint, ok, type Check } from './check.ts';

/** Checks the daemon and its reports together, because only the daemon sends reports. */
export const checkDaemon = async (config: Config): Promise<readonly Check[]> => {
  const answer = await askAgent(config.socketPath, 'GET', '/status', undefined);
  if (answer === undefined)
    return [
      hint('agent', 'no agent runs', 'start it: systemctl start supercargo'),
      ...(config.report
        ? [hint('reports', `no report is sent to ${config.report.urls.join(', ')}`, 'start the agent')]
        : []),
    ];
  return [ok('agent', config.socketPath), ...reportChecks(config, answer as Status)];
};

const reportChecks = ({ report: settings }: Config, { report }: Status): readonly Check[] => {
  if (!settings) return [];
  if (!report || !settings.urls.includes(report.url))
    return [
      hint(
        'reports',
        `the running agent does not send reports to ${settings.urls.join(' or ')}`,
        'systemctl reload supercargo',
      ),
    ];
  if (report.message !== null)
    return [
      bad('reports', report.message, 'check SUPERCARGO_REPORT_URL, its token and the server; see the log'),
    ];
  return report.sentAt === null
    ? [hint('reports', `no report was sent yet to ${report.url}`, 'ask again in some seconds')]
    : [ok('reports', `${report.url}, the last one at ${report.sentAt}`)];
};

/** No line for a readable token: the reports themselves show whether the server accepts it. */
export const checkReportToken = async ({ report }: Config): Promise<readonly Check[]> => {
  if (report?.token.kind !== 'file') return [];
  try {
    await access(report.token.path, constants.R_OK);
    return [];
  } catch (error) {
    const advice = 'let the agent read it, or correct SUPERCARGO_REPORT_TOKEN_FILE';
    return [bad('report token', messageOf(error), advice)];
  }
};

export const checkMetrics = async ({ metricsFile }: Config): Promise<readonly Check[]> => {
  if (metricsFile === undefined) return [];
  try {
    await access(dirname(metricsFile), constants.W_OK);
    return [ok('metrics', metricsFile)];
  } catch (error) {
    const advice = 'make the folder and let the agent write into it, or correct SUPERCARGO_METRICS_FILE';
    return [bad('metrics', messageOf(error), advice)];
  }
};
