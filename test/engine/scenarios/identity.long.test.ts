import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assertCode, type Scene } from './scene.ts';
import { createEdgeScene, deployedBehindEdge } from './start-first-scene.ts';

/** The ledger as an agent wrote it that recorded no ids. */
const forgetIds = async ({ stateDir }: Scene): Promise<void> => {
  const path = join(stateDir, 'ledger.json');
  const {
    sha256: _sum,
    containers: _ids,
    ...members
  } = JSON.parse(await readFile(path, 'utf8')) as object & {
    sha256: string;
    containers: unknown;
  };
  const sha256 = createHash('sha256').update(JSON.stringify(members)).digest('hex');
  await writeFile(path, `${JSON.stringify({ ...members, sha256 })}\n`);
};

describe('a ledger without ids of containers', () => {
  it('as older agents wrote it: no container is touched, and the ids are written down', async () => {
    const scene = await createEdgeScene();
    await deployedBehindEdge(scene);
    const list = async (): Promise<unknown> =>
      Promise.all(
        (await scene.docker.listContainers({ all: true }))
          .filter((c) => c.Labels['io.supercargo.environment'] === scene.environment)
          .toSorted((a, b) => a.Id.localeCompare(b.Id))
          .map(async ({ Id, Names }) => {
            const { State } = await scene.docker.getContainer(Id).inspect();
            return [Id, Names, State.Status, State.StartedAt];
          }),
      );
    const before = await list();
    await forgetIds(scene);
    expect((await scene.run(['plan'])).stdout).toBe('web: converged\n');
    assertCode(await scene.once(), 0);
    expect(await list()).toEqual(before);
    const { containers } = JSON.parse(await readFile(join(scene.stateDir, 'ledger.json'), 'utf8')) as {
      containers: readonly string[];
    };
    expect(containers).toHaveLength(3);
  });
});
