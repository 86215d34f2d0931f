import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { runCommand } from '../../support/command.ts';
import { eventually } from '../../support/poll.ts';
import { createSmallDisk } from './full-disk-scene.ts';
import { assertCode, containersOf, createScene, deployed, everything, type Scene, told } from './scene.ts';

describe('an engine that is down', () => {
  it('ends each command with 4, and each says what to start', async () => {
    const scene = await createScene();
    await deployed(scene);
    const env = { DOCKER_HOST: `unix://${scene.folder}/none.sock` };
    for (const command of ['once', 'plan', 'status', 'explain', 'doctor']) {
      const result = await scene.run([command], { env });
      assertCode(result, 4);
      expect(told(result)).toMatch(
        /none\.sock[\s\S]*→ start the engine \(systemctl start docker\), or correct DOCKER_HOST/,
      );
      expect(await tryAnswer(scene.port)).toBe('1.0.0');
    }
  });
});

const misspelt = (scene: Scene): string => scene.web([scene.ports, 'restrat: always']);

describe('a broken compose file', () => {
  it('ends once, plan and validate with 1: file, line, key and advice', async () => {
    const scene = await createScene();
    await deployed(scene);
    const before = await everything(scene);
    await scene.compose(misspelt(scene));
    for (const command of ['once', 'plan', 'validate']) {
      const result = await scene.run([command]);
      assertCode(result, 1);
      expect(told(result)).toMatch(/compose\.yaml:\d+.*services\.web\.restrat[\s\S]*→ .*restart/);
      expect(await everything(scene)).toEqual(before);
    }
  });

  it('keeps what runs as it is under a running daemon, whose status is 3 until it is mended', async () => {
    const scene = await createScene();
    await deployed(scene);
    const before = await everything(scene);
    await scene.agent();
    await scene.compose(misspelt(scene));
    const synced = await scene.run(['sync', '--wait']);
    expect(synced.code).toBe(3);
    const status = await scene.run(['status']);
    expect(status.code).toBe(3);
    expect(status.stdout).toMatch(/web +converged/);
    expect(status.stdout).toMatch(/compose: .*compose\.yaml:\d+.*restrat[\s\S]*→ .*restart/);
    expect(await everything(scene)).toEqual(before);
    await scene.compose(scene.web());
    await eventually(async () => (await scene.run(['status'])).code === 0, {
      describe: async () => told(await scene.run(['status'])),
    });
    expect(await everything(scene)).toEqual(before);
  });
});

const HARMS: readonly (readonly [(path: string) => Promise<void>, RegExp])[] = [
  [(path: string) => rm(path), /ledger\.json is missing, but containers of \S+ exist: it was lost/],
  [(path: string) => writeFile(path, '{"apiVersion":'), /ledger\.json cannot be used: it is not JSON/],
  [(path: string) => writeFile(path, ''), /ledger\.json cannot be used: it is not JSON/],
];

describe('a ledger that', () => {
  it('is missing, corrupt or empty blocks, and what runs stays; recover heals it without restarting a container', async () => {
    const scene = await createScene();
    const image = await deployed(scene);
    const before = await everything(scene);
    for (const [harm, says] of HARMS) {
      await harm(join(scene.stateDir, 'ledger.json'));
      await scene.publish({ web: (await scene.push('1.1.0')).pinned });
      const once = await scene.once();
      assertCode(once, 3);
      expect(once.stdout).toMatch(/web +blocked/);
      expect(once.stdout).toMatch(says);
      expect(once.stdout).toMatch(/→ run `supercargo recover`/);
      expect((await scene.run(['plan'])).code).toBe(3);
      const status = await scene.run(['status']);
      expect({ code: status.code, told: says.test(status.stdout) }).toEqual({ code: 3, told: true });
      expect(await everything(scene)).toEqual(before);

      await scene.publish({ web: image.pinned }, { serial: 1 });
      const shown = await scene.run(['recover', '--dry-run']);
      assertCode(shown, 0);
      expect(shown.stdout).toMatch(
        /manifests are accepted from serial 1 on[\s\S]*web: .* \(1\.0\.0, running\) stays/,
      );
      expect((await scene.once()).code).toBe(3);
      const recovered = await scene.run(['recover']);
      assertCode(recovered, 0);
      expect(recovered.stdout).toMatch(/the ledger was rebuilt/);
      const healed = await scene.once();
      assertCode(healed, 0);
      expect(await everything(scene)).toEqual(before);
      expect(await scene.run(['recover'])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/the ledger is intact/),
      });
    }
  });

  it('invariant 4: is recovered with the serial of what runs: an older manifest stays refused', async () => {
    const scene = await createScene();
    const image = await scene.push('1.0.0');
    await scene.compose(scene.web());
    await scene.publish({ web: image.pinned }, { serial: 7 });
    expect((await scene.once()).code).toBe(0);
    await rm(join(scene.stateDir, 'ledger.json'));
    expect((await scene.run(['recover'])).code).toBe(0);
    await scene.publish({ web: image.pinned }, { serial: 6 });
    const once = await scene.once();
    assertCode(once, 3);
    expect(once.stdout).toMatch(/serial 6 is older than/);
  });

  it('is recovered under a running daemon', async () => {
    const scene = await createScene();
    await deployed(scene);
    const before = await everything(scene);
    await writeFile(join(scene.stateDir, 'ledger.json'), 'x');
    await scene.agent();
    expect((await scene.run(['sync', '--wait'])).code).toBe(3);
    expect((await scene.run(['recover'])).code).toBe(0);
    expect((await scene.run(['sync', '--wait'])).code).toBe(0);
    expect(await everything(scene)).toEqual(before);
  });
});

describe('a full state disk', () => {
  it('keeps a new manifest from being accepted, says so, and changes nothing that runs', async () => {
    const scene = await createScene();
    const { stateDir, fill, free } = await createSmallDisk(scene);
    const env = { SUPERCARGO_STATE_DIR: stateDir };
    const old = await scene.push('1.0.0');
    await scene.compose(scene.web());
    await scene.publish({ web: old.pinned });
    expect((await scene.once(env)).code).toBe(0);
    const before = await everything(scene);
    await fill();
    await scene.publish({ web: (await scene.push('1.1.0')).pinned });
    const once = await scene.once(env);
    assertCode(once, 3);
    expect(once.stdout).toMatch(
      /cannot write .*ledger\.json: no space is left[\s\S]*→ free some space on the disk of the state folder/,
    );
    expect(await everything(scene)).toEqual(before);
    await free();
    expect((await scene.once(env)).code).toBe(0);
    expect(await tryAnswer(scene.port)).toBe('1.1.0');
  });
});

describe('a state folder that cannot be made', () => {
  it('is an error that says what to do, and nothing is started', async () => {
    const scene = await createScene();
    await writeFile(join(scene.folder, 'file'), '');
    await scene.compose(scene.web());
    await scene.publish({ web: (await scene.push('1.0.0')).pinned });
    const once = await scene.once({ SUPERCARGO_STATE_DIR: join(scene.folder, 'file', 'state') });
    expect([1, 3]).toContain(once.code);
    expect(told(once)).toMatch(
      /cannot read .*file\/state\/ledger\.json[\s\S]*→ create the state folder, or name another one in SUPERCARGO_STATE_DIR/,
    );
    expect(await containersOf(scene)).toEqual([]);
  });
});

describe('what needs no engine', () => {
  it('validate checks the files of this host', async () => {
    const scene = await createScene();
    await scene.compose(scene.web());
    const valid = await scene.run(['validate']);
    expect({ code: valid.code, out: valid.stdout }).toEqual({
      code: 0,
      out: expect.stringMatching(/^ok +.*: 1 service: web\n$/) as string,
    });
    await scene.publish({ web: 'web:1.0.0' });
    const manifest = await scene.run(['validate', '--manifest', scene.manifestFile]);
    assertCode(manifest, 0);
    await scene.writeManifest('');
    const empty = await scene.run(['validate', '--manifest', scene.manifestFile]);
    expect(empty.code).toBe(1);
    expect(empty.stdout).toMatch(/error .*the document is empty \(empty\)[\s\S]*→ publish it again/);
  });

  it('a wrong configuration is an error that names the variable', async () => {
    const scene = await createScene({ env: { SUPERCARGO_MANIFEST_URL: 'ftp://example.com/x' } });
    for (const command of ['once', 'plan', 'doctor']) {
      const result = await scene.run([command]);
      expect(result.code).toBe(1);
      expect(told(result)).toMatch(/SUPERCARGO_MANIFEST_URL/);
    }
  });

  it('history of a host where nothing happened says so', async () => {
    const scene = await createScene();
    expect(await scene.run(['history'])).toMatchObject({
      code: 0,
      stdout: 'nothing has happened here yet\n',
    });
  });

  it('the ledger and its folder are readable by the agent alone', async () => {
    const scene = await createScene();
    await deployed(scene);
    const mode = await runCommand('stat', ['--format=%a', join(scene.stateDir, 'ledger.json')]);
    expect(mode.stdout.trim()).toBe('600');
    await chmod(join(scene.stateDir, 'ledger.json'), 0o600);
    expect(JSON.parse(await readFile(join(scene.stateDir, 'ledger.json'), 'utf8'))).toMatchObject({
      environment: scene.environment,
    });
  });
});
