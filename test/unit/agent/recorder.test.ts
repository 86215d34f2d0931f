import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createAgent } from '../../../src/agent/agent.ts';
import { createRecorder } from '../../../src/agent/recorder.ts';
import { createSurroundings } from '../../support/agent-ports.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';

/** A disk that takes a few turns of the event loop for each entry. */
const slowJournal = (host: ReturnType<typeof createSurroundings>): (typeof host)['journal'] => ({
  ...host.journal,
  append: async (entry) => {
    for (let turns = 0; turns < 5; turns += 1) await turn();
    return host.journal.append(entry);
  },
});

it('has written every event once it is flushed', async () => {
  const host = createSurroundings('services: { web: { image: org/web } }');
  const recorder = createRecorder({ ...host, journal: slowJournal(host) });
  recorder.write('warn', 'container.copied', { service: 'web' });
  expect(host.entries).toEqual([]);
  await recorder.flush();
  expect(host.entries).toMatchObject([{ event: 'container.copied', service: 'web' }]);
});

it('has written what a command did before the command is answered', async () => {
  const host = createSurroundings('services: { web: { image: org/web } }');
  const options = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };
  const agent = createAgent(
    { ...host, journal: slowJournal(host) },
    options,
    { running: false, version: '0', pid: 1 },
    false,
  );
  const { signal } = new AbortController();
  await agent.open(signal);
  await agent.operate({ kind: 'pause', reason: 'a check', owner: 'ops', untilMs: null, all: false });
  expect(host.entries.map(({ event }) => event)).toContain('hold.set');
});
