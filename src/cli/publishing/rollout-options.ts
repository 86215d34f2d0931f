import type { PublisherConfig } from '../../config/publisher-config.ts';
import { AgentError } from '../../core/errors.ts';
import { isReportingHost } from '../../core/hub/file-names.ts';
import { quote } from '../../core/manifest/text.ts';
import { oneLine } from '../../core/printable-text.ts';

const usage = (message: string, advice: string): AgentError => new AgentError('USAGE', message, { advice });

/** As long as the hub takes it. */
const MOST_REASON = 1024;
const MOST_CALLER = 256;

/** @throws AgentError USAGE */
export const checkReason = (text: string): string => {
  const reason = oneLine(text).trim();
  if (reason === '')
    throw usage('the reason is empty', 'say why: the next person reads it in `supercargo rollout status`');
  if (reason.length > MOST_REASON)
    throw usage(`the reason is longer than ${String(MOST_REASON)} characters`, 'shorten it');
  return reason;
};

/** @throws AgentError USAGE */
export const checkHost = (host: string): string => {
  if (isReportingHost(host)) return host;
  throw usage(`${quote(host)} is not a valid host name`, 'write it as `supercargo fleet` shows it');
};

export const callerOf = ({ caller }: PublisherConfig): string => oneLine(caller).slice(0, MOST_CALLER);
