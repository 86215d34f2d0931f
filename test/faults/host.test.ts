import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { edgesOf } from '../support/load-edge.ts';
import { failuresOf, NO_FAILURES } from '../support/load.ts';
import { signalPid } from '../support/pids.ts';
import { eventually } from '../support/poll.ts';
import { recreate } from '../support/recreate.ts';
import { containersOf } from '../engine/scenarios/scene.ts';
import { BROKEN } from './broken-file.ts';
import { isWhole } from './moments.ts';
import type { RelayMode } from './relay.ts';
import { createStage, type Stage } from './stage.ts';
import type { FaultName } from './table.ts';

/** Before the publish, after these steps of a deploy, and when it is over. */
const MOMENTS = ['before', 'image.pulled', 'container.started', 'container.draining', 'after'] as const;
type Moment = (typeof MOMENTS)[number];

interface Row {
  readonly fault: FaultName;
  /** How it is done, where there are several ways. */
  readonly by: string;
  readonly begin: (stage: Stage) => Promise<unknown>;
  /** What is told while it lasts: its evidence is the whole status document. */
  readonly told?: RegExp;
  readonly end?: (stage: Stage) => Promise<unknown>;
  /** It takes away what serves by itself: requests may fail. */
  readonly takesService?: boolean;
  readonly moments?: readonly Moment[];
  /** `npm test` tries it too, at this one moment. */
  readonly quick?: Moment;
}

type RelayName = 'engine' | 'manifests' | 'reports' | 'registryRelay';

const relayed = (name: RelayName, mode: RelayMode) => ({
  begin: (stage: Stage) => stage[name].set(mode),
  end: (stage: Stage) => stage[name].set('open'),
});

const signalled = (pidOf: (stage: Stage) => number | undefined) => ({
  begin: async (stage: Stage): Promise<void> => {
    const pid = pidOf(stage);
    if (pid === undefined) throw new Error('nothing to stop');
    process.kill(pid, 'SIGSTOP');
    onTestFinished(() => {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // It has ended meanwhile.
      }
    });
    await Promise.resolve();
  },
  end: async (stage: Stage): Promise<void> => {
    process.kill(pidOf(stage) ?? 0, 'SIGCONT');
    await Promise.resolve();
  },
});

const edgePids = async ({ scene }: Stage): Promise<readonly number[]> => {
  const edges = await edgesOf(scene);
  const tops = await Promise.all(edges.map(async ({ id }) => scene.docker.getContainer(id).top()));
  return tops.flatMap(({ Titles, Processes }: { Titles: string[]; Processes: string[][] }) =>
    Processes.map((line) => Number(line[Titles.indexOf('PID')])),
  );
};

const toEdge =
  (signal: NodeJS.Signals) =>
  async (stage: Stage): Promise<void> => {
    // The workers end with their master, which is the first.
    for (const pid of await edgePids(stage)) signalPid(pid, signal);
  };

const byHand =
  (act: (stage: Stage, id: string, name: string) => Promise<unknown>) =>
  async (stage: Stage): Promise<void> => {
    const [first] = (await containersOf(stage.scene)).filter(
      (c) => c.service === 'web' && c.state === 'running',
    );
    if (first) await act(stage, first.id, first.name);
  };

/** By the engine: what it kills itself it does not start again, so that the port stays free. */
const killIfRunning = async (docker: Stage['scene']['docker'], id: string): Promise<void> => {
  const container = docker.getContainer(id);
  const { State } = await container.inspect();
  if (State.Running) await container.kill();
};

const DURING = ['image.pulled', 'container.started', 'container.draining'] as const;
const SLOW = { delayMs: 150 } as const;

const ROWS: readonly Row[] = [
  {
    fault: 'engine-gone',
    by: 'its socket',
    ...relayed('engine', 'gone'),
    told: /"outcome":"offline"/,
    quick: 'container.started',
  },
  {
    fault: 'engine-slow',
    by: '150 ms a way',
    ...relayed('engine', SLOW),
    moments: ['before', 'container.started'],
  },
  {
    fault: 'manifests-gone',
    by: 'its port',
    ...relayed('manifests', 'gone'),
    told: /"reachable":false/,
    moments: ['image.pulled', 'after'],
    quick: 'image.pulled',
  },
  {
    fault: 'manifests-stopped',
    by: 'silence',
    ...relayed('manifests', 'held'),
    moments: ['image.pulled', 'after'],
  },
  {
    fault: 'manifests-stopped',
    by: '150 ms a way',
    ...relayed('manifests', SLOW),
    moments: ['before', 'container.started'],
  },
  { fault: 'reports-gone', by: 'its port', ...relayed('reports', 'gone'), quick: 'before' },
  { fault: 'reports-gone', by: 'silence', ...relayed('reports', 'held') },
  {
    fault: 'reports-gone',
    by: '150 ms a way',
    ...relayed('reports', SLOW),
    moments: ['before', 'container.started'],
  },
  {
    fault: 'registry-gone',
    by: 'SIGKILL',
    begin: ({ registry }) => registry.stop(),
    end: ({ registry }) => registry.start(),
    moments: ['image.pulled', 'container.started', 'after'],
  },
  {
    fault: 'registry-gone',
    by: 'its port',
    ...relayed('registryRelay', 'gone'),
    told: /"reason":"back-off"/,
    moments: ['after'],
  },
  {
    fault: 'registry-stopped',
    by: 'SIGSTOP',
    ...signalled(({ registry }) => registry.pid()),
    moments: ['image.pulled', 'after'],
  },
  { fault: 'registry-stopped', by: '150 ms a way', ...relayed('registryRelay', SLOW), moments: ['before'] },
  {
    fault: 'agent-stopped',
    by: 'SIGSTOP',
    ...signalled(({ agent }) => agent().pid),
    quick: 'container.started',
  },
  {
    fault: 'agent-killed',
    by: 'SIGKILL',
    begin: ({ agent }) => agent().kill(),
    end: ({ restartAgent }) => restartAgent(),
  },
  {
    fault: 'edge-silent',
    by: 'SIGSTOP',
    begin: toEdge('SIGSTOP'),
    end: toEdge('SIGCONT'),
    takesService: true,
    moments: DURING,
  },
  { fault: 'edge-killed', by: 'SIGKILL', begin: toEdge('SIGKILL'), takesService: true },
  {
    fault: 'edge-removed',
    by: 'docker rm -f',
    begin: async (stage) => {
      for (const { id } of await edgesOf(stage.scene))
        await stage.scene.docker.getContainer(id).remove({ force: true });
    },
    takesService: true,
    quick: 'container.draining',
  },
  {
    fault: 'port-lost',
    by: 'docker kill, and a program that listens',
    begin: async (stage) => {
      for (const { id } of await edgesOf(stage.scene)) await killIfRunning(stage.scene.docker, id);
      await stage.takePort();
    },
    told: /"reason":"port"/,
    end: ({ freePort }) => freePort(),
    takesService: true,
    moments: [...DURING, 'after'],
    quick: 'container.started',
  },
  {
    fault: 'hand-removed',
    by: 'one of two',
    begin: byHand(({ scene }, id) => scene.docker.getContainer(id).remove({ force: true })),
    takesService: true,
    quick: 'container.started',
  },
  {
    fault: 'hand-stopped',
    by: 'one of two',
    begin: byHand(({ scene }, id) => scene.docker.getContainer(id).stop({ t: 1 })),
    takesService: true,
  },
  ...(['a FIFO', 'a value that grows', 'a megabyte of quotes', 'a mount that hangs'] as const).map(
    (by): Row => ({
      fault: 'files-unreadable',
      by: `.env is ${by}`,
      begin: ({ scene }) => BROKEN[by](join(scene.folder, 'compose', '.env')),
      told: /"code":"COMPOSE","message":"[^"]*\.env:/,
      end: ({ scene }) => rm(join(scene.folder, 'compose', '.env'), { force: true }),
      moments: by === 'a mount that hangs' ? ['container.started'] : MOMENTS,
      ...(by === 'a FIFO' && { quick: 'image.pulled' }),
    }),
  ),
  {
    fault: 'hand-recreated',
    by: 'one of two, with one more variable',
    begin: byHand(({ scene }, id) => recreate(scene.docker, id)),
    takesService: true,
    quick: 'container.started',
  },
  {
    fault: 'hand-renamed',
    by: 'one of two',
    begin: byHand(({ scene }, id, name) => scene.docker.getContainer(id).rename({ name: `${name}-mine` })),
  },
];

/** The words that an operator reads. */
const expectTold = async ({ scene }: Stage, words: RegExp): Promise<void> => {
  const document = async (): Promise<string> => (await scene.run(['status', '--json'])).stdout;
  const compact = async (): Promise<string> => JSON.stringify(JSON.parse(await document()));
  await eventually(async () => words.test(await compact()), {
    describe: async () => `${String(words)} in ${await compact()}`,
  });
};

/** One fault at one moment of one deploy. */
const suffer = async (stage: Stage, row: Row, moment: Moment): Promise<void> => {
  await stage.push();
  if (moment === 'before') await row.begin(stage);
  await stage.publish();
  if (moment !== 'before' && moment !== 'after') {
    await stage.until(moment);
    await row.begin(stage);
  }
  if (moment === 'after') {
    await stage.settled();
    // What is published while it lasts is what has to be made up for.
    if (row.end) await stage.push();
    await row.begin(stage);
    if (row.end) await stage.publish();
  }
  if (row.told) await expectTold(stage, row.told);
  await row.end?.(stage);
  await stage.settled();
};

/** In `npm test` only some rows, at one moment. The title names all moments: vitest would cut it. */
const chosen = ROWS.flatMap((row) => {
  const quick = row.quick === undefined ? [] : [row.quick];
  const moments = isWhole ? (row.moments ?? MOMENTS) : quick;
  const title = `${row.fault} (${row.by}) at ${moments.join(', ')}: it ends as without, and who was served is served`;
  return moments.length === 0 ? [] : [[title, { ...row, moments }] as const];
});

describe('a deploy on a real host', () => {
  it.each(chosen)(
    '%s',
    async (_title, row) => {
      const stage = await createStage();
      const load = row.takesService === true ? undefined : await stage.load();
      for (const moment of row.moments) await suffer(stage, row, moment);
      expect(load ? failuresOf(await load.stop()) : NO_FAILURES).toEqual(NO_FAILURES);
    },
    600_000,
  );
});
