import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Io } from '../../../src/cli/streams.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { EXIT } from '../../../src/core/status/exit-code.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const text = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');

const run = async (argv: readonly string[], env: Record<string, string> = {}): Promise<Ran> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdin: new PassThrough(), stdout, stderr, env, pid: 1 } as unknown as Io;
  const code = await runProgram(argv, io, () => Promise.resolve(io), new AbortController().signal);
  return { code, out: text(stdout), err: text(stderr) };
};

const COMMANDS = [
  'run',
  'once',
  'status',
  'plan',
  'explain',
  'history',
  'sync',
  'pause',
  'resume',
  'drain',
  'undrain',
  'switch-now',
  'retry',
  'recover',
  'validate',
  'doctor',
  'hub',
  'rollout',
];

describe('the command line', () => {
  it.each(COMMANDS)('%s --help shows an example and ends with 0', async (command) => {
    const { code, out } = await run([command, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples?:\\n {2}supercargo ${command}`));
  });

  it('--help names every command', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  });

  it.each([
    ['an unknown command', ['deploy'], /unknown command 'deploy'/],
    ['a missing option', ['pause'], /required option '--reason/],
    ['a missing argument', ['retry'], /missing required argument 'service'/],
    ['an unknown option', ['status', '--jsno'], /unknown option '--jsno'/],
    [
      'a wrong duration',
      ['pause', '--reason', 'x', '--for', 'soon'],
      /"soon" is not a duration[^]*90s, 30m, 2h/,
    ],
    ['a wrong serial', ['recover', '--serial', '-1'], /"-1" is not a serial/],
    ['a wrong number of entries', ['history', '-n', '0'], /"0" is not a number of entries/],
    ['no configuration', ['once'], /SUPERCARGO_ENVIRONMENT is not set/],
  ] as const)('%s ends with 1 and says what to write', async (_what, argv, says) => {
    const { code, err } = await run(argv, { SUPERCARGO_SOCKET: '/nonexistent/agent.sock' });
    expect(err).toMatch(says);
    expect(code).toBe(1);
  });

  it('the history of a service that it has nothing about is an error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'supercargo-history-'));
    const env = { SUPERCARGO_STATE_DIR: folder };
    try {
      expect(await run(['history'], env)).toMatchObject({ code: 0, out: 'nothing has happened here yet\n' });
      expect(await run(['history', 'nosuch'], env)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/has nothing about nosuch .*\n.*nothing has happened here yet/) as string,
      });
      const entries = ['web', 'api', 'web'].map((service) => ({
        at: 'now',
        event: 'outcome.changed',
        service,
      }));
      await writeFile(join(folder, 'history.jsonl'), entries.map((e) => `${JSON.stringify(e)}\n`).join(''));
      expect((await run(['history', 'web'], env)).code).toBe(0);
      expect(await run(['history', 'nosuch'], env)).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringMatching(/nothing about nosuch[^]*one of: api, web/) as string,
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses a duration that leads beyond every date', async () => {
    const { code, err } = await run(['pause', '--reason', 'x', '--for', '99999999h']);
    expect([code, err]).toEqual([1, expect.stringContaining('"99999999h" is longer than a hundred years')]);
  });

  it('--help names every exit code', async () => {
    const { out } = await run(['--help']);
    const [, codes = ''] = /Exit codes everywhere: ([^]*)/.exec(out) ?? [];
    for (const code of Object.values(EXIT)) expect(codes).toContain(`${String(code)} `);
  });

  it('an error is a document where JSON was asked for', async () => {
    const { code, out } = await run(['once', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ apiVersion: 'supercargo/error/v1', error: { code: 'CONFIG' } });
  });
});
