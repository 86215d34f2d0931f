import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ServiceStatus } from '../../src/core/status/status-document.ts';
import type { RolloutStatus } from '../../src/core/turns/rollout-status.ts';
import { NOTICE_MS } from '../support/balancer.ts';
import { flavours } from '../support/flavours.ts';
import { failuresOf, NO_FAILURES, startLoadProcess } from '../support/load.ts';
import { overlapsOf } from '../support/gaps.ts';
import { eventually } from '../support/poll.ts';
import { assertCode } from '../engine/scenarios/scene.ts';
import {
  allUp,
  type BalancedHost,
  type BalancedHosts,
  composeOf,
  openBalancedHosts,
  writeCompose,
} from './support/hosts-behind-balancer.ts';
import { gapsOf, watchBalancer } from './support/outages.ts';
import { suites } from './support/suites.ts';

/** The making of a base, where there is none, and five first boots. */
const SETUP_LIMIT_MS = 900_000;
const LIMIT_MS = 900_000;
/** What hosts do by themselves, one after the other, on a busy machine. */
const FLEET_MS = 240_000;
/** Each request is a process in a container. */
const PAUSE_MS = 40;
const ENVIRONMENT = 'fleet';
/** Five hosts keep this machine busy, and the balancer's checks late. */
const LEAD_MS = NOTICE_MS + 1_500;
const SETTINGS = ['web-1', 'web-2', 'web-3', 'web-4', 'web-5'].map(
  (name) => ({ name, environment: ENVIRONMENT, edgeMode: 'host', leadMs: LEAD_MS }) as const,
);

describe('invariant 9: five hosts behind a load balancer take turns with a service that switches stop-first', () => {
  let opened: BalancedHosts | undefined;
  let folder = '';
  const fleet = (): BalancedHosts => {
    if (!opened) throw new Error('the hosts did not come up');
    return opened;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supercargo-turns-'));
    opened = await openBalancedHosts(suites.trixie, inject('share'), SETTINGS, async (office, image) => {
      assertCode(await office.publishTo(ENVIRONMENT, `web=${image}`, '--create', '--wait'), 0);
      const pace = ['--max-parallel', '1', '--turn-time', '3m', '--key', office.publisher.keyFile];
      assertCode(await office.run('pace', ENVIRONMENT, ...pace), 0);
    });
  }, SETUP_LIMIT_MS);
  afterAll(async () => {
    await opened?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const rollout = async (): Promise<RolloutStatus> =>
    JSON.parse((await fleet().office.hub.read(`rollouts/${ENVIRONMENT}`)) ?? '{}') as RolloutStatus;
  const webOf = async (): Promise<Readonly<Record<string, ServiceStatus>>> => {
    const reports = await fleet().office.hub.reports(ENVIRONMENT);
    return Object.fromEntries(
      Object.entries(reports).flatMap(([host, { services }]) => services.map((service) => [host, service])),
    );
  };
  const running = async (hosts: readonly BalancedHost[] = fleet().hosts): Promise<readonly string[]> =>
    (await Promise.all(hosts.map(async ({ containers }) => containers()))).flat();
  const everywhere = (version: string): readonly string[] =>
    fleet().hosts.map(() => `web ${version} running`);

  /** `publish … --wait` in the background; `ended` resolves with its exit code and output. */
  const publishing = (version: string) => {
    const { office } = fleet();
    const logFile = join(folder, `publish-${version}.log`);
    const words = ['publish', ENVIRONMENT, `web=${version}`, '--wait', '--key', office.publisher.keyFile];
    const service = office.start(words, logFile);
    const ended = async (): Promise<{ code: number | null; output: string }> => ({
      code: await service.ended,
      output: await readFile(logFile, 'utf8'),
    });
    return { kill: service.kill, ended };
  };
  /** The host to which the balancer sends nothing, because it switches. */
  const switching = async (): Promise<BalancedHost> =>
    eventually(
      async () => {
        const states = await fleet().balancer.states();
        return fleet().hosts.find(({ name }) => states[name]?.startsWith('DOWN') === true);
      },
      { deadlineMs: FLEET_MS, describe: async () => `a host switches: ${JSON.stringify(await rollout())}` },
    );

  /**
   * Under load, of which no client may notice anything. At no time are more hosts out of service than
   * `most`: for the balancer, and by the events of the engines in `hosts`.
   */
  const unnoticed = async (
    what: string,
    act: () => Promise<void>,
    { most = 1, hosts = fleet().hosts }: { most?: number; hosts?: readonly BalancedHost[] } = {},
  ): Promise<void> => {
    const begunAt = Date.now();
    const watch = watchBalancer(fleet().balancer);
    const load = await startLoadProcess({ port: fleet().balancer.port, pauseMs: PAUSE_MS });
    const end = async () => {
      const [report, out] = [await load.stop(), await watch.stop()];
      const seconds = ((Date.now() - begunAt) / 1000).toFixed(0);
      const [count, requests] = [String(report.failed.length), String(report.requests)];
      const mostOut = Math.max(0, ...out.map((o) => o.hosts.length));
      console.log(`» ${what}: ${count} of ${requests} failed; at most ${String(mostOut)} out; ${seconds} s`);
      return { report, out };
    };
    const { report, out } = await act().then(end, async (error: unknown) => {
      await end();
      throw error;
    });
    expect(failuresOf(report)).toEqual(NO_FAILURES);
    expect(out.filter((o) => o.hosts.length > most)).toEqual([]);
    const gaps = await Promise.all(hosts.map(async (host) => gapsOf(host, begunAt)));
    expect(overlapsOf(gaps.flat())).toEqual([]);
  };

  it(
    'loses no request by three versions, which nobody orders',
    async () => {
      for (const version of ['1.1.0', '1.2.0', '1.3.0']) {
        await fleet().push(version);
        await unnoticed(`publish ${version} --wait`, async () => {
          const { code, output } = await publishing(version).ended();
          expect({ code, output }).toMatchObject({ code: 0 });
          expect(await running()).toEqual(everywhere(version));
        });
      }
    },
    LIMIT_MS,
  );

  it(
    'loses no request by files that Chef changes on all hosts in one moment',
    async () => {
      const before = await webOf();
      const isDone = async (): Promise<boolean> => {
        const now = await webOf();
        return Object.entries(now).every(
          ([host, { desired, outcome, switching: word, serves }]) =>
            desired?.release !== before[host]?.desired?.release &&
            outcome === 'converged' &&
            word?.state === 'good' &&
            serves === true,
        );
      };
      await unnoticed('new files', async () => {
        await Promise.all(
          fleet().hosts.map(async (host) => writeCompose(host, composeOf(fleet().office, 'second'))),
        );
        await eventually(isDone, {
          deadlineMs: FLEET_MS,
          everyMs: 500,
          describe: async () => `every host has them: ${JSON.stringify(await webOf())}`,
        });
      });
      const setting = `docker inspect --format '{{.Config.Env}}' $(docker ps -qf label=io.supercargo.service=web)`;
      for (const { host } of fleet().hosts) expect(await host.shell(setting)).toContain('SETTING=second');
    },
    LIMIT_MS,
  );

  it(
    'stops a version that crashes at one host, though the build that published it was killed',
    async () => {
      const { office } = fleet();
      await office.push('2.0.0', flavours.crash);
      const { serial } = await rollout();
      await unnoticed('a version that crashes', async () => {
        const { kill } = publishing('2.0.0');
        await eventually(async () => (await rollout()).serial > serial, {
          everyMs: 10,
          describe: async () => `the version is published: ${JSON.stringify(await rollout())}`,
        });
        await kill();
        const halted = await eventually(
          async () => {
            const { code, stdout } = await office.run('rollout', 'status', ENVIRONMENT);
            return code === 3 && stdout;
          },
          { deadlineMs: FLEET_MS, describe: async () => JSON.stringify(await rollout()) },
        );
        expect(halted).toMatch(/halted/);
        expect(halted).toMatch(/cannot start: no configuration/);
        await eventually(async () => (await running()).join() === everywhere('1.3.0').join(), {
          describe: async () => `the host goes back: ${(await running()).join(', ')}`,
        });
        const { changes } = await rollout();
        expect(changes.at(-1)?.failures).toHaveLength(1);
      });
      await unnoticed('rollback --wait', async () => {
        const key = ['--key', office.publisher.keyFile];
        assertCode(await office.run('rollback', ENVIRONMENT, '--wait', ...key), 0);
        expect(await running()).toEqual(everywhere('1.3.0'));
        assertCode(await office.run('rollout', 'status', ENVIRONMENT), 0);
      });
    },
    LIMIT_MS,
  );

  it(
    'goes on after kill -9 of the hub, and of the agent of the host that switches',
    async () => {
      const { hub } = fleet().office;
      await fleet().push('1.4.0');
      await unnoticed('kill -9 of the hub', async () => {
        const { ended } = publishing('1.4.0');
        const { until } = await switching();
        await hub.kill();
        // What has begun needs no hub.
        await until(({ outcome, services }) => outcome === 'converged' && services[0]?.serves === true);
        await hub.start();
        const { code, output } = await ended();
        expect({ code, output }).toMatchObject({ code: 0 });
        expect(await running()).toEqual(everywhere('1.4.0'));
      });
      await fleet().push('1.5.0');
      await unnoticed('kill -9 of an agent', async () => {
        const { ended } = publishing('1.5.0');
        const { host, unit } = await switching();
        await host.shell(`kill -9 ${await unit('MainPID')}`);
        const { code, output } = await ended();
        expect({ code, output }).toMatchObject({ code: 0 });
        expect(await running()).toEqual(everywhere('1.5.0'));
      });
    },
    LIMIT_MS,
  );

  it(
    'waits for a host whose machine dies while it switches, until a person frees its turn',
    async () => {
      const { office, balancer, hosts } = fleet();
      await fleet().push('1.6.0');
      const gone: { host?: BalancedHost } = {};
      const isOther = ({ name }: BalancedHost): boolean => name !== gone.host?.name;
      await unnoticed(
        'a machine that dies',
        async () => {
          const { ended } = publishing('1.6.0');
          gone.host = await switching();
          const dying = gone.host;
          // A machine that dies takes with it what it still answers: by then it answers nothing.
          await eventually(async () => (await running([dying])).includes('web 1.6.0 running'), {
            everyMs: 50,
            describe: async () => `the new version has taken over: ${JSON.stringify(await running([dying]))}`,
          });
          await dying.host.pullPlug();
          const before = await running(hosts.filter(isOther));
          const { code, output } = await ended();
          expect({ code, output }).toMatchObject({ code: 3 });
          expect(output).toMatch(new RegExp(`fell silent on ${gone.host.name}`));
          expect(await running(hosts.filter(isOther))).toEqual(before);
          expect((await rollout()).holders).toMatchObject([{ host: gone.host.name, state: 'lost' }]);
        },
        { hosts: [] },
      );
      const others = hosts.filter(isOther);
      await unnoticed(
        'free and resume',
        async () => {
          const name = gone.host?.name ?? '';
          const reason = ['--reason', 'the machine is off'];
          assertCode(await office.run('rollout', 'free', ENVIRONMENT, name, ...reason), 0);
          assertCode(await office.run('rollout', 'resume', ENVIRONMENT, ...reason), 0);
          await eventually(
            async () => (await running(others)).every((line) => line === 'web 1.6.0 running'),
            {
              deadlineMs: FLEET_MS,
              everyMs: 500,
              describe: async () => `the others go on: ${JSON.stringify(await rollout())}`,
            },
          );
          // The last one is out of service for the health lead yet.
          await eventually(
            async () => {
              const states = await balancer.states();
              return others.every((host) => states[host.name]?.startsWith('UP') === true);
            },
            { describe: async () => `the others are in service: ${JSON.stringify(await balancer.states())}` },
          );
        },
        { most: 2, hosts: others },
      );
      await unnoticed(
        'the machine comes back',
        async () => {
          await gone.host?.host.boot();
          await allUp(balancer);
          await eventually(async () => (await running()).join() === everywhere('1.6.0').join(), {
            deadlineMs: FLEET_MS,
            describe: async () => `all hosts run it: ${JSON.stringify(await rollout())}`,
          });
          await eventually(async () => (await office.run('rollout', 'status', ENVIRONMENT)).code === 0, {
            deadlineMs: FLEET_MS,
            everyMs: 500,
            describe: async () => JSON.stringify(await rollout()),
          });
        },
        { hosts: others },
      );
    },
    LIMIT_MS,
  );
});
