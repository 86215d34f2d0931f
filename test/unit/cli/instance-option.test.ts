import { expect, it } from 'vitest';
import { takeInstance } from '../../../src/cli/instance-option.ts';

it.each<readonly [string, readonly string[], string | undefined, readonly string[]]>([
  ['none', ['status', '--json'], undefined, ['status', '--json']],
  ['before the command', ['--instance', 'staging', 'status'], 'staging', ['status']],
  ['behind the command', ['status', '--json', '--instance', 'staging'], 'staging', ['status', '--json']],
  ['with an equals sign', ['--instance=staging', 'status'], 'staging', ['status']],
  ['without a name', ['status', '--instance'], undefined, ['status', '--instance']],
])('the instance is taken out of a command line: %s', (_, argv, instance, args) => {
  expect(takeInstance(argv)).toEqual({ instance, args });
});
