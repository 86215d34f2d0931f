import { oneLine } from '../../core/one-line.ts';

/** For a message that may quote text from elsewhere. Further lines are indented, so that none is forged. */
export const printableMessage = (message: string): string => {
  const [first = '', ...rest] = message.split('\n').map(oneLine);
  return [first, ...rest.map((line) => (line.startsWith('  ') ? line : `  ${line}`))].join('\n');
};
