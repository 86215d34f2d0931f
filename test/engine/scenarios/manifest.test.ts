import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import {
  assertCode,
  createScene,
  deployed,
  everything,
  runningIn,
  type Scene,
  service,
  statusOf,
} from './scene.ts';
import { createSignedScene, manifestOf } from './signed.ts';

interface Refused {
  readonly what: string;
  readonly offer: (scene: Scene, image: string) => Promise<unknown>;
  /** What the operator reads: what is wrong. */
  readonly says: RegExp;
  /** And what to do about it. */
  readonly advises: RegExp;
}

const REFUSED: readonly Refused[] = [
  {
    what: 'of an older serial',
    offer: (s, image) => s.publish({ web: image }, { serial: 4 }),
    says: /serial 4 is older than 5, which this host has accepted/,
    advises: /→ publish the desired versions with a higher serial/,
  },
  {
    what: 'of the same serial with other bytes',
    offer: (s, image) => s.publish({ web: image }, { serial: 5 }),
    says: /serial 5 was accepted with other content/,
    advises: /→ publish again with a higher serial; find out who published the same serial twice/,
  },
  {
    what: 'that is empty',
    offer: (s) => s.writeManifest(''),
    says: /the document is empty/,
    advises: /→ publish it again, and check that the store delivers the whole document/,
  },
  {
    what: 'that is truncated',
    offer: (s, image) => s.writeManifest(manifestOf(s, image).slice(0, -20)),
    says: /manifest cannot be read/,
    advises: /→ publish it again, and check that the store delivers the whole document/,
  },
  {
    what: 'that is too large',
    offer: (s, image) => s.writeManifest(manifestOf(s, image) + ' '.repeat(300 * 1024)),
    says: /larger than 262144 bytes/,
    advises: /→ .*SUPERCARGO_MANIFEST_URL/,
  },
  {
    what: 'of another environment',
    offer: (s, image) => s.writeManifest(manifestOf(s, image, { environment: 'elsewhere' })),
    says: /the manifest is for "elsewhere", this host is "/,
    advises: /→ correct SUPERCARGO_MANIFEST_URL or SUPERCARGO_ENVIRONMENT/,
  },
  {
    what: 'that has expired',
    offer: (s, image) => s.writeManifest(manifestOf(s, image, { expiresAt: '2026-01-02T00:00:00Z' })),
    says: /serial 9 expired at 2026-01-02T00:00:00/,
    advises: /→ publish a fresh manifest; if the time is wrong, correct this host’s clock/,
  },
  {
    what: 'with an unknown key',
    offer: (s, image) => s.writeManifest(manifestOf(s, image, { volumes: [] })),
    says: /the manifest is not valid: .*volumes/,
    advises: /→ correct it and publish it again/,
  },
];

describe('invariant 8: a rejected manifest changes nothing that runs:', () => {
  it(`one ${REFUSED.map(({ what }) => what).join(', ')}`, async () => {
    const scene = await createScene();
    const image = await scene.push('1.0.0');
    const next = await scene.push('1.1.0');
    await scene.compose(scene.web());
    await scene.publish({ web: image.pinned }, { serial: 5 });
    expect((await scene.once()).code).toBe(0);
    const before = await everything(scene);
    for (const { offer, says, advises } of REFUSED) {
      await offer(scene, next.pinned);
      for (const command of ['plan', 'once']) {
        const result = await scene.run([command]);
        assertCode(result, 3);
        expect(result.stdout).toMatch(says);
        expect(result.stdout).toMatch(advises);
      }
      expect(await everything(scene)).toEqual(before);
      // Invariant 4: what was accepted stays accepted.
      expect((await statusOf(scene)).status.manifest.serial).toBe(5);
    }
  });

  it('with a running daemon, whose status says so until a good one comes', async () => {
    const scene = await createScene();
    const image = await deployed(scene);
    const before = await everything(scene);
    await scene.agent();
    await scene.writeManifest('');
    const refused = await scene.run(['sync', '--wait']);
    expect(refused.code).toBe(3);
    const status = await scene.run(['status']);
    expect(status.code).toBe(3);
    expect(status.stdout).toMatch(
      /manifest refused: the document is empty \(empty, [\s\S]*→ publish it again/,
    );
    expect(status.stdout).toMatch(/web +converged +1\.0\.0/);
    expect(await everything(scene)).toEqual(before);
    await scene.publish({ web: image.pinned });
    expect((await scene.run(['sync', '--wait'])).code).toBe(0);
  });

  it('and the accepted one is still repaired', async () => {
    const scene = await createScene();
    await deployed(scene);
    await scene.writeManifest('{');
    const label = [`io.supercargo.environment=${scene.environment}`];
    const [container] = await scene.docker.listContainers({ filters: { label } });
    await scene.docker.getContainer(container?.Id ?? '').remove({ force: true });
    expect((await scene.once()).code).toBe(3);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });
});

describe('a manifest source that cannot be reached', () => {
  it('does not change the exit code, and drift is repaired all the same', async () => {
    const scene = await createScene();
    await deployed(scene);
    await rm(scene.manifestFile);
    const label = [`io.supercargo.environment=${scene.environment}`];
    const [container] = await scene.docker.listContainers({ filters: { label } });
    await scene.docker.getContainer(container?.Id ?? '').remove({ force: true });
    const once = await scene.once();
    assertCode(once, 0);
    expect(once.stdout).toMatch(/source unreachable \(.*manifest\.json/);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
  });
});

describe('an unknown repository', () => {
  it('blocks only that service: the others go on', async () => {
    const scene = await createScene();
    const web = await scene.push('1.0.0');
    const other = await scene.push('1.0.0', undefined, 'other');
    await scene.compose(
      scene.web([], service('shop', [`image: ${scene.repository('shop')}`, 'restart: unless-stopped'])),
    );
    await scene.publish({ web: web.pinned, shop: other.pinned });
    const once = await scene.once();
    expect(once.code).toBe(3);
    expect(once.stdout).toMatch(
      /shop: the manifest names .*\/other:1\.0\.0.*, but this host runs .*\/shop for shop/,
    );
    expect(once.stdout).toMatch(/→ publish a version of .*\/shop, or change the service's image/);
    expect(await runningIn(scene)).toEqual(['web 1.0.0 running']);
    const plan = await scene.run(['plan']);
    expect({ code: plan.code, web: /web: converged/.test(plan.stdout) }).toEqual({ code: 3, web: true });
  });
});

describe('a signed manifest', () => {
  it('is accepted with a key of trust.json; a bare one and another key are refused', async () => {
    const { scene, thief, sign } = await createSignedScene();
    const first = await scene.push('1.0.0');
    const second = await scene.push('1.1.0');
    await sign(1, first.pinned);
    const accepted = await scene.once();
    assertCode(accepted, 0);
    const { status } = await statusOf(scene);
    expect(status.manifest).toMatchObject({ state: 'accepted', serial: 1, epoch: 1, signed: true });
    const before = await everything(scene);

    await scene.publish({ web: second.pinned }, { serial: 2 });
    const unsigned = await scene.once();
    expect(unsigned.code).toBe(3);
    expect(unsigned.stdout).toMatch(/not signed, but this host has a trust file[\s\S]*→ .*--key/);

    await sign(2, second.pinned, thief);
    const wrong = await scene.once();
    expect(wrong.code).toBe(3);
    expect(wrong.stdout).toMatch(
      /0 of the 1 required signatures are valid \(keys known here: jenkins\)[\s\S]*→ sign it with keys/,
    );
    expect(await everything(scene)).toEqual(before);

    await sign(2, second.pinned);
    expect((await scene.once()).code).toBe(0);
    expect(await tryAnswer(scene.port)).toBe('1.1.0');
  });

  it('needs a digest for every image', async () => {
    const { scene, sign } = await createSignedScene();
    const { ref } = await scene.push('1.0.0');
    await sign(1, ref);
    const once = await scene.once();
    expect(once.code).toBe(3);
    expect(once.stdout).toMatch(/no digest for web[\s\S]*→ publish every image as REPOSITORY:TAG@sha256/);
    expect(await runningIn(scene)).toEqual([]);
  });

  it('stays in force when its key leaves trust.json, but nothing new starts', async () => {
    const { scene, thief, sign, trust } = await createSignedScene();
    const image = await scene.push('1.0.0');
    await sign(1, image.pinned);
    expect((await scene.once()).code).toBe(0);
    const before = await everything(scene);
    await trust(thief, 2);
    const once = await scene.once();
    assertCode(once, 3);
    expect(once.stdout).toMatch(/0 of the 1 required signatures are valid[\s\S]*→ /);
    expect(await everything(scene)).toEqual(before);
    const text = await readFile(scene.trustFile, 'utf8');
    await writeFile(scene.trustFile, '{');
    const broken = await scene.once();
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/trust\.json is not valid[\s\S]*→ correct it; supercargo validate --trust/);
    await writeFile(scene.trustFile, text);
    expect(await everything(scene)).toEqual(before);
  });
});
