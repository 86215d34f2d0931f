import { generateKeyPairSync } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError, messageOf } from '../../core/errors.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { makePath } from '../../io/make-path.ts';

/** A key name that trust.json allows and that is a valid file name. */
const NAME = /^[A-Za-z0-9_][\w.@-]{0,62}$/;

/** Never overwrites a file, because a lost key cannot be restored. */
const writeNew = async (path: string, text: string, mode: number): Promise<void> => {
  try {
    const file = await open(path, 'wx', mode);
    try {
      // The umask reduces the mode of open.
      await file.chmod(mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new AgentError(
      'KEY',
      isThere ? `${path} already exists` : `cannot write ${path}: ${messageOf(error)}`,
      {
        advice: isThere
          ? 'a key is never overwritten: choose another name or folder, or move that file away yourself'
          : 'name a folder with --out that this user may write to',
      },
    );
  }
};

const PRIVATE = 0o600;
const PUBLIC = 0o644;

export const run = async (
  { io }: Call,
  name: string,
  { out: folder }: { out: string },
): Promise<ExitCode> => {
  if (!NAME.test(name))
    throw new AgentError('USAGE', `"${name}" is not a valid key name`, {
      advice: 'use letters, digits and . _ @ -, like jenkins or release-team',
    });
  await makePath(folder).catch((error: unknown) => {
    throw new AgentError('KEY', `cannot make the folder ${folder}: ${messageOf(error)}`, {
      advice: 'name another one with --out',
    });
  });
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { format: 'pem', type: 'spki' },
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
  });
  const trust = { epoch: 1, threshold: 1, keys: [{ name, publicKey }] };
  const files = [
    {
      path: join(folder, `${name}.key`),
      text: privateKey,
      mode: PRIVATE,
      what: 'the private key, for the build server alone',
    },
    { path: join(folder, `${name}.pub`), text: publicKey, mode: PUBLIC, what: 'the public key' },
    {
      path: join(folder, 'trust.json'),
      text: `${JSON.stringify(trust, null, 2)}\n`,
      mode: PUBLIC,
      what: 'for every host: /etc/supercargo/trust.json',
    },
  ];
  for (const { path, text, mode, what } of files) {
    await writeNew(path, text, mode);
    io.stdout.write(`${path}  ${what}\n`);
  }
  return EXIT.ok;
};
