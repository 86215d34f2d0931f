import { describe, expect, it } from 'vitest';
import { flavours } from '../../support/flavours.ts';
import { dyingApp } from '../../support/load-app.ts';
import { failuresOf, NO_FAILURES } from '../../support/load.ts';
import { deployBad } from './start-first-scene.ts';

const isPost = (failure: string): boolean => failure.includes('POST');

describe('a deploy of start-first under mixed load from two networks', () => {
  it('loses no request to a candidate that is never healthy: it is quarantined, the old one serves', async () => {
    const report = await deployBad(flavours.neverHealthy, 'unhealthy', { healthyWithin: '6s' });
    expect(failuresOf(report)).toEqual(NO_FAILURES);
    expect(Object.keys(report.answers)).toEqual(['1.0.0']);
  });

  it('loses nothing to a candidate that dies while it is watched, but what nobody may repeat', async () => {
    const report = await deployBad(dyingApp, 'crashed', { replicas: 1, monitorMs: 3_000 });
    expect(Object.keys(report.answers)).toEqual(['1.0.0', '1.1.0']);
    expect(report.failed.filter((failure) => !isPost(failure))).toEqual([]);
    // Two clients on each side send POST, one request at a time: the one that the app had when it died is lost.
    expect(report.failed.filter(isPost).length).toBeLessThanOrEqual(4);
  });
});
