import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { environmentFile, environmentOf, instanceDefaults } from '../../../src/config/instance.ts';

const nothing = { instance: undefined, file: {}, fileAtStart: {}, inherited: {} };
const { CREDENTIALS_DIRECTORY } = instanceDefaults(undefined);
const staging = instanceDefaults('staging');

describe('the environment of a command', () => {
  it.each<readonly [string, Partial<Parameters<typeof environmentOf>[0]>, NodeJS.ProcessEnv]>([
    ['the file counts', { file: { A: '1' } }, { A: '1' }],
    ['its own environment is above the file', { file: { A: '1' }, inherited: { A: '2' } }, { A: '2' }],
    [
      'what systemd took from the file may change with the file',
      { fileAtStart: { A: '1' }, inherited: { A: '1' }, file: { A: '2' } },
      { A: '2' },
    ],
    ['and go with it', { fileAtStart: { A: '1' }, inherited: { A: '1' } }, {}],
    [
      'its own stays its own when the file changes',
      { fileAtStart: { A: '1' }, inherited: { A: '3' }, file: { A: '2' } },
      { A: '3' },
    ],
  ])('%s', (_, sources, expected) => {
    expect(environmentOf({ ...nothing, ...sources })).toEqual({ CREDENTIALS_DIRECTORY, ...expected });
  });

  it('an instance has places of its own, and its file is above them', () => {
    const file = { SUPERCARGO_ENVIRONMENT: 'production' };
    expect(environmentOf({ ...nothing, instance: 'staging', file })).toEqual({ ...staging, ...file });
  });
});

it('the unit of an instance has the same places as its commands', () => {
  const unit = readFileSync(new URL('../../../systemd/supercargo@.service', import.meta.url), 'utf8');
  const setting = (name: string): string =>
    new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]?.replace('%i', 'staging') ?? '';
  expect({
    file: setting('EnvironmentFile'),
    state: `/var/lib/${setting('StateDirectory')}`,
    socket: `/run/${setting('RuntimeDirectory')}/agent.sock`,
  }).toEqual({
    file: environmentFile('staging'),
    state: staging['SUPERCARGO_STATE_DIR'],
    socket: staging['SUPERCARGO_SOCKET'],
  });
});
