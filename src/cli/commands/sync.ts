import { askAgent } from '../../adapters/status-socket/ask-agent.ts';
import { readPaths } from '../../config/paths.ts';
import { AgentError } from '../../core/errors.ts';
import { EXIT, exitCodeOf, type ExitCode } from '../../core/status/exit-code.ts';
import type { Status } from '../../core/status/status-document.ts';
import type { Call } from '../call.ts';
import { durationArgument } from '../arguments.ts';
import { terminalOf, writeJson } from '../streams.ts';
import { renderStatus } from '../render/status-text.ts';

interface SyncOptions {
  readonly wait?: boolean;
  readonly timeout: string;
  readonly json?: boolean;
}

export const run = async ({ io, signal }: Call, options: SyncOptions): Promise<ExitCode> => {
  const path = options.wait === true ? '/sync-and-wait' : '/sync';
  const answer = await askAgent(readPaths(io.env).socketPath, 'POST', path, undefined, {
    timeoutMs: durationArgument(options.timeout),
    signal,
  });
  if (answer === undefined) {
    throw new AgentError('AGENT_NOT_RUNNING', 'no agent runs on this host', {
      advice: 'start it (systemctl start supercargo), or use supercargo once',
    });
  }
  const status = answer as Status;
  if (options.json === true) writeJson(io, status);
  else if (options.wait === true) io.stdout.write(renderStatus(status, terminalOf(io), Date.now()));
  else io.stdout.write('the agent looks again\n');
  return options.wait === true ? exitCodeOf(status, true) : EXIT.ok;
};
