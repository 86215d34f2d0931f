import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { eventually } from '../support/poll.ts';

const root = join(import.meta.dirname, '..', '..');
const DEMO_MS = 180_000;
const TOUR_MS = 300_000;

const demo = (option: string) =>
  runCommand(process.execPath, [join(root, 'scripts', 'demo.ts'), option], { cwd: root, timeoutMs: DEMO_MS });

interface Step {
  readonly command: string;
  readonly output: string;
}

/** The commands of README.md's tour, each with what it prints there. */
const readTour = async (): Promise<readonly Step[]> => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const [, tour = ''] = /\n## A tour [^]*?\n([^]*?)\n## From the build server/.exec(readme) ?? [];
  return [...tour.matchAll(/```console\n([^]*?)```/g)]
    .flatMap(([, block = '']) => block.split(/^\$ /m).slice(1))
    .map((text) => {
      const [command = '', ...lines] = text.split('\n');
      return { command, output: lines.join('\n') };
    });
};

/** What differs from one run to the next, or from one machine to the next. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/ +/g, ' '],
  [/ $/gm, ''],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME'],
  [/\b(?:\d+ (?:ms|s|min) ago|now)\b/g, 'AGO'],
  [/127\.0\.0\.1:\d{5}/g, '127.0.0.1:PORT'],
  [/\b(demo-web-\d|demo-edge)-[0-9a-f]{8,10}\b/g, '$1-ID'],
  [/\b(web:8888)\/[0-9a-f]{12}\b/g, '$1/ID'],
  [/(engine )\S+/g, '$1VERSION'],
  [/\d+\.\d+\.\d+-\d\S*deb\S*/g, 'VERSION'],
  [/ by \S+@\S+;/g, ' by USER@MACHINE;'],
  // How far the steps are when they are asked for, and which one of two replicas is first.
  [/^demo-host: pending.*\n/gm, ''],
  [/(?:not good within \d+ s: )?it crashed [\w ]+, last exit code \d/g, 'it crashed'],
  [/^( *│ .*)(?:\n\1)+$/gm, '$1'],
  [/^(TIME web) .*/gm, '$1 …'],
];
const steady = (text: string): string =>
  VOLATILE.reduce((known, [pattern, name]) => known.replaceAll(pattern, name), text.trim());

const END = '\u0001';

/** One shell for the whole tour, as a reader has it. */
const openShell = () => {
  const shell = spawn('bash', ['--noprofile', '--norc'], {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', USER: 'root' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  shell.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  shell.stdin.write('exec 2>&1\n');
  return {
    run: async (command: string): Promise<string> => {
      printed = '';
      shell.stdin.write(`${command}\nprintf '${END}'\n`);
      await eventually(() => printed.includes(END), {
        deadlineMs: 60_000,
        describe: () => `${command} ends; it has printed\n${printed}`,
      });
      return printed.replace(END, '');
    },
    close: (): void => {
      shell.kill('SIGKILL');
    },
  };
};

/** Settles when the tour's hub has this. */
const answers = async (path: string): Promise<void> => {
  await eventually(
    async () => (await fetch(`http://127.0.0.1:8440/${path}`).catch(() => undefined))?.ok === true,
    { describe: () => `the hub answers /${path}` },
  );
};

describe('the tour in README.md', () => {
  beforeAll(async () => {
    const { code, stdout, stderr } = await demo('--keep');
    if (code !== 0) throw new Error(`the demo ended with ${String(code)}\n${stdout}${stderr}`);
  }, DEMO_MS);
  afterAll(async () => {
    await demo('--stop');
  }, DEMO_MS);

  it(
    'prints what it says',
    async () => {
      const shell = openShell();
      try {
        for (const { command, output } of await readTour()) {
          const printed = await shell.run(command);
          expect(`$ ${command}\n${steady(printed)}`).toBe(`$ ${command}\n${steady(output)}`);
          // A reader types more slowly than a program starts.
          if (command.startsWith('supercargo hub --data')) await answers('healthz');
          if (command.startsWith('supercargo run')) await answers('reports/demo/demo-host.json');
        }
      } finally {
        await shell.run('kill $(jobs -p)');
        shell.close();
      }
    },
    TOUR_MS,
  );
});
