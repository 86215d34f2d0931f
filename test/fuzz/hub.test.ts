import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readReport } from '../../src/core/hub/read-report.ts';
import { hostToken } from '../../src/core/hub/tokens.ts';
import { review, rolloutStatus } from '../../src/core/turns/rules.ts';
import { readTurnState } from '../../src/core/turns/turn-state-schema.ts';
import { createScene, bearer, manifestText, PUBLISH, SECRET, type Scene } from '../unit/hub/scene.ts';
import { hostStatus } from '../support/status.ts';
import { createTurnHost, pacedManifest } from '../support/turn-host.ts';
import { fullTurnState } from '../support/turn-state.ts';
import { fuzz, fuzzAsync, PATIENCE_MS } from './cases.ts';
import { mutatedJson } from './mutate.ts';

const ENVIRONMENT = 'staging';
const HOST = 'web-1';
const place: { hub: Scene | undefined } = { hub: undefined };
beforeAll(async () => {
  place.hub = await createScene();
});
afterAll(async () => place.hub?.end());

const reports = mutatedJson(fc.constant(hostStatus({ environment: ENVIRONMENT, host: HOST })));
const manifests = mutatedJson(fc.constant(JSON.parse(manifestText(ENVIRONMENT, 7))));

describe('any body of a report', () => {
  it(
    'is refused in clear words, or is what every reader relies on',
    () => {
      fuzz(reports, (bytes) => {
        const read = readReport(bytes, ENVIRONMENT, HOST);
        const told = read.kind === 'refused' ? [read.refusal] : [];
        expect(told.filter((r) => r.status < 400 || r.status > 499 || !/\w/.test(JSON.stringify(r)))).toEqual(
          [],
        );
        if (read.kind === 'refused') return;
        const kept = JSON.parse(bytes.toString('utf8')) as {
          environment: string;
          host: string;
          outcome: string;
        };
        expect([kept.environment, kept.host, kept.outcome]).toEqual([
          ENVIRONMENT,
          HOST,
          read.summary.outcome,
        ]);
        expect(read.summary.serial === null || Number.isSafeInteger(read.summary.serial)).toBe(true);
      });
    },
    PATIENCE_MS,
  );
});

const turns = mutatedJson(fc.constant(createTurnHost(HOST).request(2, 2)));
const COMMANDS = {
  halt: { reason: 'r', by: 'b', forSeconds: 60 },
  resume: { reason: 'r', by: 'b', jobElsewhere: false },
  free: { host: HOST, reason: 'r', by: 'b' },
  'leave-out': { host: HOST, reason: 'r', by: 'b', undo: false },
};

describe('any state of turns', () => {
  it(
    'is damaged, or is one that the rules can work with',
    () => {
      const state = fullTurnState(ENVIRONMENT, { revision: 1 });
      const view = { nowMs: Date.parse('2026-11-23T10:00:00Z'), words: [], starting: null };
      fuzz(mutatedJson(fc.constant(state)), (bytes) => {
        const read = readTurnState(bytes, ENVIRONMENT);
        const told =
          read.kind === 'damaged' ? read.message : rolloutStatus(review(read.state, view), view).at;
        expect(told).toMatch(/\w/);
      });
    },
    PATIENCE_MS,
  );
});

describe('any request for a turn, and any command', () => {
  it(
    'is answered below 500, and the rollout stays readable',
    async () => {
      const { hub } = place;
      if (!hub) throw new Error('no hub');
      await hub.put('/manifests/turns.json', pacedManifest('turns', 1, { web: 2 }));
      const commands = fc
        .constantFrom(...Object.entries(COMMANDS))
        .chain(([kind, members]) =>
          mutatedJson(fc.constant(members)).map((body) => ({ path: `/rollouts/turns/${kind}`, body })),
        );
      const requests = fc.oneof(
        turns.map((body) => ({ path: `/turns/turns/${HOST}`, body })),
        commands,
      );
      await fuzzAsync(requests, async ({ path, body }) => {
        const token = path.startsWith('/turns') ? hostToken(SECRET, 'turns', HOST) : PUBLISH;
        const answer = await hub.post(path, body.toString('utf8'), bearer(token));
        expect([await answer.text(), answer.status < 500]).toEqual([expect.any(String), true]);
        expect((await hub.get('/rollouts/turns', bearer(PUBLISH))).status).toBe(200);
      });
    },
    PATIENCE_MS,
  );
});

describe('any request to a hub', () => {
  it(
    'is answered below 500, and its lists and its page stay readable',
    async () => {
      const { hub } = place;
      if (!hub) throw new Error('no hub');
      const requests = fc.record({
        path: fc.constantFrom(
          `/reports/${ENVIRONMENT}/${HOST}.json`,
          `/manifests/${ENVIRONMENT}.json`,
          '/manifests/other.json',
          '/reports/%2e%2e/x.json',
          '/manifests/__proto__.json',
        ),
        body: fc.oneof(reports, manifests),
        headers: fc.dictionary(
          fc.constantFrom('if-match', 'if-none-match', 'prefer', 'content-type'),
          fc.constantFrom(
            '*',
            '"a"',
            'W/"a"',
            'wait=0',
            'wait=1e9',
            'text/plain',
            'application/json',
            '"',
            '',
          ),
        ),
        token: fc.constantFrom(PUBLISH, hostToken(SECRET, ENVIRONMENT, HOST), 'x'),
      });
      await fuzzAsync(requests, async ({ path, body, headers, token }) => {
        const answer = await hub.put(path, body, { ...headers, ...bearer(token) });
        expect(answer.status).toBeLessThan(500);
        await answer.text();
        for (const list of [
          `/reports/${ENVIRONMENT}`,
          `/manifests/${ENVIRONMENT}.json`,
          '/healthz',
          '/readyz',
          '/metrics',
        ]) {
          const read = await hub.get(list, bearer(PUBLISH));
          expect([list, read.status < 500]).toEqual([list, true]);
          await read.text();
        }
      });
    },
    PATIENCE_MS,
  );
});
