import { describe, expect, it } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { flavours, slowStart } from '../../support/flavours.ts';
import { type BadRelease, quarantines } from './bad-release.ts';
import { assertCode, createScene, deployed, SOON_BAD } from './scene.ts';

const BAD: readonly BadRelease[] = [
  {
    what: 'never gets healthy',
    flavour: flavours.neverHealthy,
    lines: [SOON_BAD],
    says: /1\.1\.0 failed here: not good within 6 s: its health check says unhealthy/,
  },
  {
    what: 'never opens its port',
    flavour: flavours.deaf,
    lines: [SOON_BAD],
    says: /1\.1\.0 failed here: not good within 6 s: port 8888 is not open yet/,
  },
];

describe('a release that', () => {
  it.each(BAD.map((bad) => [bad.what, bad] as const))(
    '%s is quarantined, and the old one serves again',
    async (_what, bad) => {
      expect.hasAssertions();
      await quarantines(bad);
    },
  );
});

describe('a release whose image has a slow health check', () => {
  it('is given the time that the check needs', async () => {
    const scene = await createScene();
    await deployed(scene, [scene.ports, 'x-supercargo: {healthy-within: 2s}']);
    await scene.publish({ web: (await scene.push('1.1.0', slowStart(4))).pinned });
    assertCode(await scene.once(), 0);
    expect(await tryAnswer(scene.port)).toBe('1.1.0');
    await scene.publish({ web: (await scene.push('1.2.0', slowStart(4))).pinned });
    expect((await scene.run(['plan'])).stdout).toMatch(
      /deadline: 17 s instead of 2 s, because its health check/,
    );
  });
});
