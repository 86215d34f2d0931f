import { describe, expect, it } from 'vitest';
import { resolveHost } from '../../../../src/core/state/desired.ts';
import { emptyLedger, withService, type Ledger } from '../../../../src/core/state/ledger.ts';
import type { Release } from '../../../../src/core/state/release.ts';
import { ENVIRONMENT, facts, imageIdOf, manifest, project } from '../../../support/world.ts';

const COMPOSE = 'services: { web: { image: org/web, environment: { A: "1" } } }';

const releaseFor = (compose: string, ledger: Ledger): Release => {
  const published = manifest({ web: 'org/web:1' });
  const { platform } = facts;
  const { web } = resolveHost({ project: project(compose), manifest: published, ledger, platform }).services;
  if (web?.kind !== 'release') throw new Error(`web is ${String(web?.kind)}`);
  return web.release;
};

const proven = (release: Release): Ledger =>
  withService(emptyLedger(ENVIRONMENT), 'web', {
    good: [{ release, imageId: imageIdOf('org/web:1'), goodAtMs: 0, completed: false }],
  });

describe('the spec hash of a desired release', () => {
  const first = releaseFor(COMPOSE, emptyLedger(ENVIRONMENT));

  it('is that of the release that runs, while the algorithm that made it finds the spec unchanged', () => {
    expect(releaseFor(COMPOSE, proven(first))).toEqual(first);
  });

  it('is another once the spec has changed', () => {
    const changed = releaseFor(COMPOSE.replace('"1"', '"2"'), proven(first));
    expect(changed.specHash).not.toBe(first.specHash);
    expect(changed.id).not.toBe(first.id);
  });

  it.each([['9:0123'], ['0123'], ['__proto__:0123'], ['']])(
    'is today’s where the running one says %j, which this agent cannot compute',
    (specHash) => {
      expect(releaseFor(COMPOSE, proven({ ...first, specHash }))).toEqual(first);
    },
  );
});
