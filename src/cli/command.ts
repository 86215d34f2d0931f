import { AgentError, toAgentError } from '../core/errors.ts';
import { EXIT, type ExitCode } from '../core/status/exit-code.ts';
import type { Io } from './io.ts';
import { terminalOf } from './io.ts';

/** Errors by exit code: an engine or a daemon that is away is a state of the host, all else is an error of the call. */
export const exitCodeOfError = ({ code }: AgentError): ExitCode => {
  if (code === 'ENGINE_OFFLINE' || code === 'AGENT_NOT_RUNNING') return EXIT.offline;
  if (code === 'TIMED_OUT') return EXIT.timedOut;
  return code === 'LEDGER' ? EXIT.failed : EXIT.error;
};

/** Writes an error the way every command does: what is wrong, and what to do now. As JSON where JSON was asked for. */
export const reportError = (io: Io, thrown: unknown, isJson: boolean): ExitCode => {
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

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `2h`, `1h30m`, `7d` → ms. @throws AgentError USAGE */
export const parseDuration = (text: string): number => {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  const isWhole = parts.length > 0 && parts.map((p) => p[0]).join('') === text;
  const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0);
  if (isWhole && ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw new AgentError('USAGE', `"${text}" is not a duration`, {
    advice: 'write it like 90s, 30m, 2h or 1h30m',
  });
};

export const parseSerial = (text: string): number => {
  const serial = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(serial)) return serial;
  throw new AgentError('USAGE', `"${text}" is not a serial`, {
    advice: 'write a whole number, as supercargo status shows it',
  });
};
