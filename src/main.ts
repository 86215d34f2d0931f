import { runProgram } from './cli/program.ts';
import { takeInstance } from './cli/instance-option.ts';
import type { Io } from './cli/streams.ts';
import { hasHungCalls } from './io/disk-wait.ts';

const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
// A closed pager ends the program without an error.
process.stdout.on('error', () => process.exit(0));

// What `ps` and `systemctl status` show.
process.title = ['supercargo', ...process.argv.slice(2)].join(' ');
const { instance, args } = takeInstance(process.argv.slice(2));
const { stdout, stderr, pid } = process;

/** Help and version need no environment. */
const openIo = async (): Promise<Io> => {
  const { openEnvironment } = await import('./config/environment.ts');
  const readEnvironment = openEnvironment(instance);
  return {
    // A getter, because Node opens the stream at the first access.
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    pid,
    env: readEnvironment(),
    readEnvironment,
  };
};

const code = await runProgram(args, { stdout, stderr }, openIo, ended.signal);
await new Promise((flushed) => stdout.write('', flushed));
// An ordinary exit waits for all threads, and one that hangs in a file system call never ends.
if (hasHungCalls()) process.execve?.('/bin/sh', ['sh', '-c', `exit ${String(code)}`], {});
process.exit(code);
