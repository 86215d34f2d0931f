import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, startService } from '../test/support/command.ts';
import { eventually } from '../test/support/poll.ts';
import { freePort } from '../test/support/ports.ts';

/** A server of its own on loopback, with keys that are thrown away: how the old tool reached a host. */
export interface Ssh {
  /** All in one connection, one after the other. @throws with what was said where one fails. */
  readonly run: (commands: readonly string[]) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** sshd insists on it, and only systemd makes it. */
const PRIVILEGE_FOLDER = '/run/sshd';

const makeKey = async (path: string): Promise<void> => {
  const { code, stderr } = await runCommand('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  if (code !== 0) throw new Error(`ssh-keygen: ${stderr}`);
};

const optionsOf = (options: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);

export const startSsh = async (): Promise<Ssh> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-bench-ssh-'));
  const isOurs = (await stat(PRIVILEGE_FOLDER).catch(() => undefined)) === undefined;
  await mkdir(PRIVILEGE_FOLDER, { recursive: true });
  const [hostKey, userKey, authorized] = ['host', 'user', 'authorized'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await Promise.all([makeKey(hostKey), makeKey(userKey)]);
  const { stdout } = await runCommand('ssh-keygen', ['-y', '-f', userKey]);
  await writeFile(authorized, stdout);
  await chmod(authorized, 0o600);
  const port = String(await freePort());
  const server = optionsOf({
    HostKey: hostKey,
    AuthorizedKeysFile: authorized,
    ListenAddress: '127.0.0.1',
    PidFile: 'none',
    StrictModes: 'no',
    PermitRootLogin: 'yes',
    UsePAM: 'no',
  });
  const words = ['-D', '-e', '-f', '/dev/null', '-p', port, ...server];
  const daemon = startService('/usr/sbin/sshd', words, { logFile: join(folder, 'log') });
  const client = optionsOf({
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    LogLevel: 'ERROR',
    IdentitiesOnly: 'yes',
    BatchMode: 'yes',
  });
  const ask = async (script: string) =>
    runCommand('ssh', ['-F', '/dev/null', '-i', userKey, '-p', port, ...client, 'root@127.0.0.1', script]);
  await eventually(async () => (await ask('true')).code === 0, {
    describe: async () => `sshd lets us in: ${(await ask('true')).stderr}`,
  });
  return {
    run: async (commands) => {
      const { code, stdout: said, stderr } = await ask(`set -e; ${commands.join('; ')}`);
      if (code !== 0) throw new Error(`over ssh: exit code ${String(code)}\n${said}${stderr}`);
    },
    remove: async () => {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true });
      if (isOurs) await rm(PRIVILEGE_FOLDER, { recursive: true, force: true });
    },
  };
};
