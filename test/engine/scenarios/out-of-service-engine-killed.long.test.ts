import { join } from 'node:path';
import { isAlive, readPid } from '../../support/pids.ts';
import { eventually } from '../../support/poll.ts';
import { killAtEveryStep } from './out-of-service-kill.ts';

killAtEveryStep({
  name: 'engine',
  needsMachine: true,
  kill: async ({ machine }) => {
    const pid = readPid(join(machine?.engineFolder ?? '', 'docker.pid'));
    if (machine === undefined || pid === undefined) throw new Error('there is no engine to kill');
    process.kill(pid, 'SIGKILL');
    await eventually(() => !isAlive(pid), { describe: () => 'dockerd ended' });
    await machine.startEngine();
  },
  // Docker 20.10 that dies while it starts a container holds on to the port, or to the task (docs/LIMITS.md).
  unblock: async ({ machine, scene }) => {
    await machine?.restartEngine();
    await scene.run(['retry', 'web']);
  },
});
