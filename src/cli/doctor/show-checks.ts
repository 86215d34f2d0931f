import { printableMessage } from '../../core/printable-text.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';
import type { Check } from './check.ts';

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

export const showChecks = (io: Io, checks: readonly Check[], asJson: boolean): void => {
  if (asJson) writeJson(io, { apiVersion: 'supercargo/doctor/v1', checks });
  else for (const check of checks) io.stdout.write(render(check, io));
};
