import { askAgent } from '../../adapters/status-socket/ask-agent.ts';
import type { Agent } from '../../agent/agent.ts';
import { readPaths } from '../../config/paths.ts';
import { AgentError } from '../../core/errors.ts';
import { explain } from '../../core/plan/explain-service.ts';
import type { PlanInput } from '../../core/plan/plan-input.ts';
import { exitCodeOf, worstOutcome, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';
import { explainDocument, renderExplain, type ExplainDocument } from '../render/explain-text.ts';
import { renderStatus } from '../render/status-text.ts';
import { readStatus } from './status.ts';

/** The document of the agent's current observation, for the command and for the daemon's socket. */
export const explainNow = (environment: string, agent: Agent, input: PlanInput): ExplainDocument => {
  const { services } = agent.status();
  return explainDocument(environment, explain(input), (name) => {
    const known = services.find((s) => s.service === name);
    return {
      since: known?.since ?? null,
      failure: known?.failure ?? null,
      origin: known?.origin ?? null,
    };
  });
};

export const run = async (
  { io, signal }: Call,
  service: string | undefined,
  options: { json?: boolean },
): Promise<ExitCode> => {
  const status = await readStatus(io, signal);
  const document = await readDocument(io, signal);
  if (!document) {
    if (options.json === true) writeJson(io, status);
    else io.stdout.write(renderStatus(status, terminalOf(io), Date.now()));
    return exitCodeOf(status, true);
  }
  const chosen = document.services.filter((s) => service === undefined || s.service === service);
  if (service !== undefined && chosen.length === 0) {
    const names = document.services.map((s) => s.service).join(', ');
    throw new AgentError('USAGE', `there is no service ${service} on this host`, {
      advice: `one of: ${names === '' ? '(none)' : names}`,
    });
  }
  const shown = { ...document, services: chosen };
  if (options.json === true) writeJson(io, shown);
  else io.stdout.write(renderExplain(shown, terminalOf(io)));
  if (service === undefined) return exitCodeOf(status, true);
  const services = status.services.filter((s) => s.service === service);
  return exitCodeOf({ ...status, services, outcome: worstOutcome(services.map((s) => s.outcome)) }, true);
};

const readDocument = async (io: Io, signal: AbortSignal): Promise<ExplainDocument | undefined> => {
  const answer = await askAgent(readPaths(io.env).socketPath, 'GET', '/explain', undefined, { signal });
  if (answer !== undefined) return (answer as { document: ExplainDocument | null }).document ?? undefined;
  // Loaded only without a running agent, because it is most of the program.
  const { observeLocally } = await import('../wiring/observe-locally.ts');
  const { agent, environment, input } = await observeLocally(io, { fetch: false, strict: false }, signal);
  return input && explainNow(environment, agent, input);
};
