import { EnvError } from 'envalid';
import { validateDetailed } from 'node-cron';
import { type CronFields, nextRun } from '../core/cron/next-run.ts';
import { kind } from './read-variables.ts';

const LABELS: Readonly<Record<string, string>> = { dayOfMonth: 'day of month', dayOfWeek: 'day of week' };

const ascending = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b);

/**
 * Only this file imports node-cron, and only for its parser: its clock uses Intl, which takes 10 MB of
 * memory.
 */
const readFields = (expression: string): CronFields => {
  const { fields, errors } = validateDetailed(expression);
  const [error] = errors;
  if (error?.field === 'expression') throw new Error(error.message);
  if (error) throw new Error(`its ${LABELS[error.field] ?? error.field} is "${error.value ?? ''}"`);
  if (!fields) throw new Error('it cannot be read');
  return {
    seconds: ascending(fields.second),
    minutes: ascending(fields.minute),
    hours: ascending(fields.hour),
    daysOfMonth: fields.dayOfMonth,
    months: ascending(fields.month),
    daysOfWeek: fields.dayOfWeek,
  };
};

/** Reads five fields, or six with seconds. @throws an Error that names the wrong field */
export const parseCron = (expression: string): CronFields => {
  const fields = readFields(expression);
  if (nextRun(fields, 0) === undefined) throw new Error('no date matches it');
  return fields;
};

export const cronExpression = kind<string>((value) => {
  try {
    parseCron(value);
    return value;
  } catch (error) {
    const cause = error instanceof Error ? `: ${error.message}` : '';
    throw new EnvError(`is "${value}", which is not a cron expression${cause}`);
  }
});
