import { toAgentError, type AgentError } from '../../core/errors.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { terminalOf, type Output } from '../streams.ts';

/**
 * Errors by exit code: an engine or a daemon that is away is a state of the host, all else is an error of the
 * call.
 */
export const exitCodeOfError = ({ code }: AgentError): ExitCode => {
  if (code === 'ENGINE_OFFLINE' || code === 'AGENT_NOT_RUNNING') return EXIT.offline;
  if (code === 'TIMED_OUT') return EXIT.timedOut;
  return code === 'LEDGER' ? EXIT.failed : EXIT.error;
};

/**
 * Writes an error the way every command does: what is wrong, and what to do now. As JSON where JSON was asked
 * for.
 */
export const reportError = (io: Output, thrown: unknown, isJson: boolean): ExitCode => {
  const error = toAgentError(thrown);
  const { palette } = terminalOf(io);
  if (isJson) {
    const { code, message, advice } = error;
    io.stdout.write(
      `${JSON.stringify({ apiVersion: 'supercargo/error/v1', error: { code, message, advice: advice ?? null } }, null, 2)}\n`,
    );
  }
  io.stderr.write(`supercargo: ${error.message} (${error.code})\n`);
  if (error.advice !== undefined) io.stderr.write(`  ${palette.info('→')} ${error.advice}\n`);
  return exitCodeOfError(error);
};
