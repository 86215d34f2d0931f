import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import type { Check } from '../doctor/check.ts';
import { checkHost } from '../doctor/check-host.ts';
import { printableMessage } from '../../core/printable-text.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';

export const run = async ({ io, signal }: Call, options: { json?: boolean }): Promise<ExitCode> => {
  const checks = await checkHost(io.env, signal);
  if (options.json === true) writeJson(io, { apiVersion: 'supercargo/doctor/v1', checks });
  else for (const check of checks) io.stdout.write(render(check, io));
  if (checks.some((check) => check.name === 'engine' && check.result === 'problem')) return EXIT.offline;
  return checks.some((check) => check.result === 'problem') ? EXIT.error : EXIT.ok;
};

const render = ({ name, result, message, advice }: Check, io: Io): string => {
  const { palette } = terminalOf(io);
  const mark = {
    ok: palette.good('ok     '),
    hint: palette.warn('hint   '),
    problem: palette.bad('problem'),
  }[result];
  const todo = advice === null || advice === '' ? '' : `  ${palette.info('→')} ${printableMessage(advice)}\n`;
  return `${mark} ${name}: ${printableMessage(message)}\n${todo}`;
};
