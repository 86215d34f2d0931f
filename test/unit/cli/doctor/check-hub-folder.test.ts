import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openHubFiles } from '../../../../src/adapters/hub-files/hub-files.ts';
import { checkHubFolder } from '../../../../src/cli/doctor/check-hub-folder.ts';
import { limitCheck } from '../../../../src/cli/doctor/check-running-hub.ts';

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'supercargo-doctor-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
};
const linesOf = async (data: string, holdsAll = true): Promise<readonly string[]> =>
  (await checkHubFolder(data, holdsAll)).map(({ result, name, message }) => `${result} ${name}: ${message}`);

it('tells whether a hub has the lock of its folder', async () => {
  const data = await folder();
  expect(await linesOf(data)).toEqual([
    expect.stringMatching(/^(ok|hint) folder: .* free$/),
    'ok lock: no hub is at work in the folder',
  ]);
  const files = await openHubFiles(data);
  expect((await linesOf(data)).at(-1)).toBe('ok lock: a hub is at work in the folder');
  await files.close();
  expect((await linesOf(data)).at(-1)).toBe('ok lock: no hub is at work in the folder');
});

it('needs no lock beside a database, and no folder before the first start', async () => {
  const data = await folder();
  expect(await linesOf(data, false)).toEqual([expect.stringMatching(/^(ok|hint) folder/)]);
  expect(await linesOf(join(data, 'none'))).toEqual([
    expect.stringMatching(/^hint folder: .*does not exist$/),
  ]);
});

it.each([
  [11_100, 10_000, ['ok']],
  [11_099, 10_000, ['hint']],
  [0, 10_000, []],
])('a limit of %d open files with --max-connections %d', (limit, connections, results) => {
  const checks = limitCheck(`# TYPE process_max_fds gauge\nprocess_max_fds ${String(limit)}\n`, connections);
  expect(checks.map(({ result }) => result)).toEqual(results);
});
