import { askAgent } from '../../adapters/status-socket/ask-agent.ts';
import type { Config } from '../../config/agent-config.ts';
import { isOut } from '../../core/status/drain-progress.ts';
import type { ServiceStatus, Status } from '../../core/status/status-document.ts';
import type { Wired } from '../wiring/wire-agent.ts';
import { bad, hint, ok, type Check } from './check.ts';

/** What runs, as the agent sees it, or as this command has observed it where no agent runs. */
export const checkServices = async ({ agent }: Wired, config: Config): Promise<readonly Check[]> => {
  const answer = await askAgent(config.socketPath, 'GET', '/status', undefined);
  const { engine, services } = (answer as Status | undefined) ?? agent.status();
  // An offline engine has its own line, and says nothing about services.
  return engine.online ? services.map(checkService) : [];
};

export const checkService = (s: ServiceStatus): Check => {
  const name = `service (${s.service})`;
  const versions = [...new Set(s.containers.map(({ version }) => version))].join(', ');
  const runs = versions === '' ? 'nothing runs' : `runs ${versions}`;
  const message = `${s.outcome}, ${isOut(s) ? 'stopped' : runs}${s.message === null ? '' : `: ${s.message}`}`;
  if (s.outcome === 'converged') return ok(name, message);
  return s.outcome === 'rolled-back' || s.outcome === 'blocked'
    ? bad(name, message, s.advice ?? '')
    : hint(name, message, s.advice ?? `supercargo explain ${s.service}`);
};
