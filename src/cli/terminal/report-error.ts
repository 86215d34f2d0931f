import { toAgentError, type AgentError } from '../../core/errors.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { printableMessage } from '../../core/printable-text.ts';
import { terminalOf, writeJson, type Output } from '../streams.ts';

/** An offline engine and a missing daemon are states of the host, and have their own exit code. */
export const exitCodeOfError = ({ code }: AgentError): ExitCode => {
  if (code === 'ENGINE_OFFLINE' || code === 'AGENT_NOT_RUNNING') return EXIT.offline;
  if (code === 'TIMED_OUT') return EXIT.timedOut;
  return code === 'LEDGER' || code === 'HALTED' ? EXIT.failed : EXIT.error;
};

/** Writes an error's message and advice to stderr; with `isJson`, also a document to stdout. */
export const reportError = (io: Output, thrown: unknown, isJson: boolean): ExitCode => {
  const error = toAgentError(thrown);
  const { palette } = terminalOf(io);
  if (isJson) {
    const { code, message, advice } = error;
    writeJson(io, { apiVersion: 'supercargo/error/v1', error: { code, message, advice: advice ?? null } });
  }
  io.stderr.write(`supercargo: ${printableMessage(error.message)} (${error.code})\n`);
  if (error.advice !== undefined)
    io.stderr.write(`  ${palette.info('→')} ${printableMessage(error.advice)}\n`);
  return exitCodeOfError(error);
};
