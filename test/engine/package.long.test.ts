import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { buildPackage } from '../support/package.ts';

const folder = mkdtempSync(join(tmpdir(), 'supercargo-package-'));
const packages: string[] = [];

beforeAll(async () => {
  for (const name of ['one', 'two']) mkdirSync(join(folder, name));
  // Side by side, in surroundings that must not matter.
  packages.push(
    ...(await Promise.all([
      buildPackage(join(folder, 'one')),
      buildPackage(join(folder, 'two'), { TZ: 'Asia/Tokyo', LC_ALL: 'C', HOME: '/nonexistent' }),
    ])),
  );
}, 600_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the Debian package', () => {
  it('is the same, byte for byte, however often it is built', () => {
    const digests = packages.map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'));
    expect(digests[1]).toBe(digests[0]);
  });

  it('satisfies lintian', async () => {
    const { stdout } = await runCommand('lintian', ['--no-tag-display-limit', packages[0] ?? ''], {
      timeoutMs: 280_000,
    });
    expect(stdout.split('\n').filter((line) => line.startsWith('E:'))).toEqual([]);
  }, 300_000);
});
