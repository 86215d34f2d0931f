import { killAtEveryStep } from './out-of-service-kill.ts';

killAtEveryStep({
  name: 'agent',
  isTrueThroughout: true,
  kill: async (ground) => {
    await ground.agent.kill();
    ground.agent = await ground.scene.agent();
  },
});
