import type { TurnState } from '../../src/core/turns/turn-state.ts';
import { NOW_MS } from './status.ts';

/** With an entry in every list, so that nothing that a store has to keep is left out. */
export const fullTurnState = (environment: string, more: Partial<TurnState> = {}): TurnState => {
  const version = { digest: `sha256:${'a'.repeat(64)}`, attempt: 1 };
  const said = { reason: 'a disk is replaced', by: 'root@build', atMs: NOW_MS };
  const waves = [{ labels: { canary: 'true' } }, { percent: 100 }];
  return {
    apiVersion: 'supercargo/turns/v1',
    environment,
    revision: 0,
    serial: 418,
    entries: { web: version },
    pace: { maxParallel: { percent: 10 }, waves, soakSeconds: 60, haltAfter: { hosts: 1 }, turnSeconds: 900 },
    abandoned: { web: [`sha256:${'b'.repeat(64)}`] },
    changes: [
      {
        serial: 418,
        madeAtMs: NOW_MS,
        urgent: { reason: 'CVE' },
        waves,
        soakSeconds: 60,
        haltAfter: { hosts: 1 },
        entries: { web: { ...version, version: '1.2.3' } },
        opened: [
          { openedAtMs: NOW_MS, upTo: null },
          { openedAtMs: NOW_MS, upTo: 0.25 },
        ],
        ends: {
          'web-1': {
            result: 'failed',
            atMs: NOW_MS,
            entries: ['web'],
            countsUntilGood: false,
            forgiven: false,
            message: 'it answered 500',
            log: ['a line'],
          },
        },
        turned: { 'web-1': { wave: 0, unserved: ['web'] } },
        delays: { 'web-2': { reason: 'window', sinceMs: NOW_MS } },
        halted: { reason: 'one host failed', entries: ['web'], atMs: NOW_MS, hosts: ['web-1'] },
        finishedAtMs: null,
      },
    ],
    turns: {
      'web-2': {
        life: 'life-1',
        seq: 7,
        engine: 'engine-2',
        grantedAtMs: NOW_MS,
        mostSeconds: 300,
        services: {
          web: {
            entry: 'web',
            release: 'ab12cd34'.repeat(8),
            ...version,
            kind: 'version',
            served: true,
            begunAtMs: null,
          },
        },
        lostAtMs: null,
      },
    },
    lives: { 'web-2': { life: 'life-1', seq: 7, replaced: ['life-0'] } },
    halt: { ...said, untilMs: NOW_MS + 60_000, serial: 418 },
    leftOut: { 'web-9': said },
    returned: { 'web-3': { count: 2, atMs: NOW_MS } },
    jammed: { web: NOW_MS },
    jobs: {
      [`migrate@${version.digest}#1`]: {
        service: 'migrate',
        ...version,
        entries: ['web'],
        state: 'failed',
        host: 'web-1',
        life: 'life-1',
        seq: 5,
        atMs: NOW_MS,
        hasBegun: true,
        message: 'exit code 1',
        log: ['a line'],
      },
    },
    restored: { serial: 417, seen: 99 },
    start: { atMs: NOW_MS, before: 12, from: NOW_MS },
    audit: [{ atMs: NOW_MS, what: 'halted', host: null, by: null, message: 'change 418 is halted' }],
    ...more,
  };
};
