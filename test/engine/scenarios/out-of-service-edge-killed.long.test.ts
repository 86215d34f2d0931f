import { edgesOf } from '../../support/load-edge.ts';
import { eventually } from '../../support/poll.ts';
import { killAtEveryStep } from './out-of-service-kill.ts';
import { containersOf } from './scene.ts';

/** The engine doubles its pause before a restart if the container ran for a shorter time. */
const LONG_RUN_MS = 10_000;

killAtEveryStep({
  name: 'edge',
  isTrueThroughout: true,
  kill: async ({ scene }) => {
    for (const { id } of await edgesOf(scene)) {
      const { Pid } = (await scene.docker.getContainer(id).inspect()).State;
      // Not by the engine: what it kills itself it does not start again.
      if (Pid > 0) process.kill(Pid, 'SIGKILL');
    }
  },
  recover: async ({ scene }) => {
    const haveRunLong = async (): Promise<boolean> => {
      const edges = (await containersOf(scene)).filter(({ service }) => service === '');
      return edges.every(({ startedAt }) => Date.now() - Date.parse(startedAt) > LONG_RUN_MS);
    };
    await eventually(haveRunLong, { everyMs: 200, describe: () => 'the edge has run for 10 s' });
  },
});
