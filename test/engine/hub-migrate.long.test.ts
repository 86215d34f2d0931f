import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runCommand, startService } from '../support/command.ts';
import { eventually } from '../support/poll.ts';
import { startPostgres } from '../support/postgres.ts';
import { manifestText } from '../unit/hub/scene.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const SERIALS = 3000;

const createFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-migrate-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'manifests/staging'), { recursive: true });
  for (let serial = 1; serial <= SERIALS; serial += 1)
    await writeFile(
      join(folder, `manifests/staging/${String(serial)}.json`),
      manifestText('staging', serial),
    );
  await writeFile(join(folder, 'manifests/staging.json'), manifestText('staging', SERIALS));
  return folder;
};

it('a migration that is killed in the middle goes on when it is started again, and reads all of it back', async () => {
  // Each document waits for the disk, so that there is a middle.
  const server = await startPostgres({ fsync: true });
  onTestFinished(server.stop);
  const { url, query } = await server.createDatabase();
  const data = await createFolder();
  const words = [MAIN, 'hub', 'migrate', '--data', data, '--store', url];
  const env = { PATH: process.env['PATH'] ?? '', HOME: data };
  const stored = async (): Promise<number> =>
    Number((await query('select count(*) from supercargo.history'))[0]);

  const first = startService(process.execPath, words, { env, logFile: join(data, 'log') });
  await eventually(async () => (await stored().catch(() => 0)) > 100, {
    everyMs: 20,
    describe: async () => `some documents are copied: ${String(await stored())}`,
  });
  await first.kill();
  const left = await stored();
  expect(left).toBeLessThan(SERIALS);
  expect(await query('select 1 from supercargo.manifests')).toEqual([]);

  const { code, stdout } = await runCommand(process.execPath, [...words, '--json'], { env });
  expect(code).toBe(0);
  const { environments } = JSON.parse(stdout) as {
    environments: readonly { documents: readonly { outcome: string }[] }[];
  };
  const outcomes = environments.flatMap(({ documents }) => documents.map(({ outcome }) => outcome));
  expect(outcomes).toHaveLength(SERIALS);
  expect(outcomes.filter((outcome) => outcome === 'there').length).toBeGreaterThanOrEqual(left);
  expect(await stored()).toBe(SERIALS);
  expect(await query('select revision, serial from supercargo.manifests')).toEqual([`1|${String(SERIALS)}`]);
});
