import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runCommand } from '../support/command.ts';

const fifo = async (path: string): Promise<void> => {
  const { code, stderr } = await runCommand('mkfifo', [path]);
  if (code !== 0) throw new Error(stderr);
};

const growing = (): string => {
  const letters = 'ABCDEFGHIJ'.split('');
  const lines = letters.slice(1).map((name, index) => `${name}=${`$${letters[index] ?? ''}`.repeat(10)}`);
  return `A=xxxxxxxxxx\n${lines.join('\n')}\n`;
};

/** A mount whose server never answers: whoever asks it anything waits until it is gone. */
const hangingMount = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-hung-'));
  const script = `exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0,allow_other hung ${folder} && echo mounted && read -r _`;
  const holder = spawn('bash', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    await runCommand('umount', ['-l', folder]);
    holder.stdin.end();
    await rm(folder, { recursive: true, force: true });
  });
  await once(holder.stdout, 'data');
  return folder;
};

/** What can stand in the place of a file that the agent reads. */
export const BROKEN = {
  'a FIFO': fifo,
  'a folder': (path: string) => mkdir(path),
  'links in a ring': (path: string) => symlink(path, path),
  'a device without an end': (path: string) => symlink('/dev/zero', path),
  'a file of a hundred megabytes': (path: string) => writeFile(path, Buffer.alloc(100 * 1024 ** 2)),
  'a value that grows': (path: string) => writeFile(path, growing()),
  'a megabyte of quotes': (path: string) => writeFile(path, `A=${'"'.repeat(1_000_000)}\n`),
  'a mount that hangs': async (path: string) => symlink(join(await hangingMount(), 'x'), path),
} satisfies Readonly<Record<string, (path: string) => Promise<void>>>;
