import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { RolloutStatus } from '../../../src/core/turns/rollout-status.ts';
import { flavours } from '../../support/flavours.ts';
import { type Gap, gapsIn, overlapsOf } from '../../support/gaps.ts';
import type { CliResult } from '../../support/host.ts';
import { eventually } from '../../support/poll.ts';
import { createFleetScene, type FleetHost, type FleetScene, type Ground } from './fleet-scene.ts';
import { everywhere, prepareGround, untilRunning } from './fleet-scene.ts';
import { assertCode, told } from './scene.ts';

let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround(2);
});
afterAll(async () => {
  await ground.remove();
});

const composeOf = (image: string, isFine: boolean): string => `services:
  web:
    image: ${image}
    restart: unless-stopped
    environment: {FINE: "${String(isFine)}"}
    deploy: {update_config: {monitor: 1s}}
    x-supercargo: {healthy-within: 60s}
`;

/** Runs only where the compose file says so. */
const fussy = {
  entry: `[ "$FINE" = true ] || { echo "web $VERSION: no configuration" >&2; exit 1; }${flavours.web.entry}`,
};

/**
 * Sees from now on when no container of `web` runs there. It listens, because an engine remembers its last
 * 256 events, and all tests share it.
 */
const watchGaps = async (scene: FleetScene, { docker, name }: FleetHost): Promise<() => readonly Gap[]> => {
  const label = [`io.supercargo.environment=${scene.environment}`];
  const stream = (await docker.getEvents({ filters: { label, event: ['start', 'die'] } })) as Readable;
  const parts: string[] = [];
  stream.setEncoding('utf8').on('data', (part: string) => parts.push(part));
  onTestFinished(() => void stream.destroy());
  return () => {
    const lines = parts.join('').split('\n').slice(0, -1);
    const events = lines.map((line) => JSON.parse(line) as { timeNano: number; Action: string });
    return gapsIn(
      name,
      events.map(({ timeNano, Action }) => ({ atMs: timeNano / 1e6, action: Action })),
    );
  };
};

const rolloutOf = async ({ hub, environment }: FleetScene): Promise<RolloutStatus> =>
  JSON.parse((await hub.read(`rollouts/${environment}`)) ?? '{}') as RolloutStatus;

/** Hosts in the order in which their turns ended. */
const goodIn = async (scene: FleetScene): Promise<readonly (string | null)[]> =>
  (await rolloutOf(scene)).audit
    .filter(({ what }) => what === 'good')
    .map(({ host }) => host)
    .toReversed();

describe('three hosts that take turns', () => {
  it('take a version one by one, halt a bad one at the canary, and go on or back as a person says', async () => {
    const scene = await createFleetScene(ground, { hosts: 3, labels: ['canary=true', '', ''] });
    const { environment, publisher, hosts, push, publish } = scene;
    const command = async (...words: readonly string[]): Promise<CliResult> => publisher.run(words);
    for (const host of hosts) await host.compose(composeOf(scene.repository(), host.name !== 'web-1'));
    await scene.deploy('1.0.0');
    const pace = ['--max-parallel', '1', '--waves', 'canary=true,100%', '--key', publisher.keyFile];
    assertCode(await command('pace', environment, ...pace), 0);

    await push('1.1.0');
    const watches = await Promise.all(hosts.map(async (host) => watchGaps(scene, host)));
    const gaps = (): readonly Gap[] => watches.flatMap((gapsOf) => gapsOf());
    assertCode(await publish('web=1.1.0', '--wait'), 0);
    expect(await scene.running()).toEqual(everywhere('1.1.0'));
    await eventually(() => new Set(gaps().map(({ host }) => host)).size === 3, {
      describe: () => `a gap of each host in ${JSON.stringify(gaps())}`,
    });
    expect(overlapsOf(gaps())).toEqual([]);
    expect((await goodIn(scene)).slice(0, 1)).toEqual(['web-1']);

    await push('2.0.0', fussy);
    const bad = await publish('web=2.0.0', '--wait');
    assertCode(bad, 3);
    expect(told(bad)).toMatch(/halted[\s\S]*web-1[\s\S]*no configuration/);
    const status = await command('rollout', 'status', environment);
    assertCode(status, 3);
    await untilRunning(scene, everywhere('1.1.0'));

    const [, second] = hosts;
    assertCode(await (second as FleetHost).run(['switch-now', '--reason', 'it is fine here']), 0);
    const alone = ['web-1: web 1.1.0 running', 'web-2: web 2.0.0 running', 'web-3: web 1.1.0 running'];
    await untilRunning(scene, alone);
    assertCode(await command('rollout', 'resume', environment, '--reason', 'only the canary is broken'), 0);
    await untilRunning(scene, [...alone.slice(0, 2), 'web-3: web 2.0.0 running']);
    assertCode(await command('rollback', environment, '--wait', '--key', publisher.keyFile), 0);
    expect(await scene.running()).toEqual(everywhere('1.1.0'));
  });
});
