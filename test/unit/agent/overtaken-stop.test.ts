import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createAgent } from '../../../src/agent/agent.ts';
import { createSurroundings } from '../../support/agent-ports.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';
import { byName, images, rotation, startFirst } from '../core/plan/edge/scenes.ts';

const { signal } = new AbortController();
const OPTIONS = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };

it.each([
  ['behind the edge', startFirst(), 'web:8888 web 3 ready'],
  ['found by its name', byName(), ''],
])('a release %s begins while a drained container takes its time to stop', async (_, compose, ready) => {
  const host = createSurroundings(compose);
  for (const [image, behaviour] of Object.entries(images)) host.engine.registry.push(image, behaviour);
  const stops: string[] = [];
  const stopped = Promise.withResolvers<void>();
  const engine: typeof host.engine = {
    ...host.engine,
    apply: async (action, ...rest) => {
      if (action.kind === 'stop') {
        stops.push(action.container.name);
        if (stops.length === 1) await stopped.promise;
      }
      return host.engine.apply(action, ...rest);
    },
  };
  const agent = createAgent({ ...host, engine }, OPTIONS, { running: true, version: '0', pid: 1 }, false);
  await agent.open(signal);
  await agent.settleLedger(signal);
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let pass = 0; pass < 200 && !isSo(); pass += 1) {
      await agent.pass(signal);
      for (let n = 0; n < 50; n += 1) await turn();
      host.engine.advance(500);
    }
    expect(isSo()).toBe(true);
  };
  const publish = async (serial: number): Promise<void> => {
    host.publish(serial, { web: `org/web:${String(serial)}` });
    await agent.intake.fetch(signal);
  };
  const outcome = (): unknown => agent.status().services[0]?.outcome;
  const containers = (): readonly unknown[] =>
    host.engine.actual().containers.flatMap((c) => (c.owner ? [`${c.owner.version} ${c.state}`] : []));

  await publish(1);
  await until(() => outcome() === 'converged');
  await publish(2);
  await until(() => stops.length === 1);
  await until(() => containers().includes('1 running'));
  await publish(3);
  await until(() => containers().includes('3 running') && !containers().includes('2 running'));
  expect(containers()).toContain('1 running');
  expect(rotation(host.engine).join()).toContain(ready);
  expect(agent.reconciler.isSettled()).toBe(false);
  const shown = agent.status().services[0]?.containers.map((c) => `${c.version} ${c.role} ${c.state}`);
  expect(shown?.slice(-1)).toEqual(['1 retired removing']);

  stopped.resolve();
  await until(() => agent.reconciler.isSettled());
  expect([outcome(), containers(), stops.length]).toEqual(['converged', ['3 running'], 2]);
});
