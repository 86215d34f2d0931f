import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { permissionDenied } from '../../../src/io/permission-denied.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-denied-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

/** Debian's group 1 on every system. */
const DAEMON = 1;

describe('a file that this user may not read', () => {
  it('is told in one line, with the group that may', async () => {
    await chown(folder, -1, DAEMON);
    const path = join(folder, 'agent.env');
    expect(permissionDenied(path)).toMatchObject({
      code: 'CONFIG',
      message: `Permission denied: ${path}. Use sudo, or join group daemon.`,
      advice: undefined,
    });
  });

  it('names no group where it is root’s', async () => {
    await chown(folder, -1, 0);
    expect(permissionDenied(folder).message).toBe(`Permission denied: ${folder}. Use sudo.`);
  });
});
