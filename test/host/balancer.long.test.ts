import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Status } from '../../src/core/status/status-document.ts';
import { failuresOf, type LoadReport, NO_FAILURES, startLoadProcess } from '../support/load.ts';
import { assertCode } from '../engine/scenarios/scene.ts';
import { AGENT_ENV } from './support/hosts-behind-balancer.ts';
import { openPair, type Pair, type PairHost } from './support/pair.ts';
import { suites } from './support/suites.ts';

/** The making of a base, where there is none, and two first boots. */
const SETUP_LIMIT_MS = 600_000;
const LIMIT_MS = 600_000;
/** Each request is a process in a container. */
const PAUSE_MS = 25;
const DEPLOYS = 10;

const isConverged = ({ outcome }: Status): boolean => outcome === 'converged';

describe('invariant 9: two hosts behind a load balancer, with a service that switches stop-first', () => {
  let opened: Pair | undefined;
  const pair = (): Pair => {
    if (!opened) throw new Error('the hosts did not come up');
    return opened;
  };
  beforeAll(async () => {
    opened = await openPair(suites.trixie, inject('share'));
  }, SETUP_LIMIT_MS);
  afterAll(async () => opened?.close());

  const underLoad = async (act: () => Promise<void>): Promise<LoadReport> => {
    const load = await startLoadProcess({ port: pair().balancer.port, pauseMs: PAUSE_MS });
    return act().then(
      async () => load.stop(),
      async (error: unknown) => {
        await load.stop();
        throw error;
      },
    );
  };
  /** On each host, the second one only once the first is done. No client of the balancer may notice. */
  const onEach = async (
    what: string,
    act: (host: PairHost, time: number) => Promise<void>,
    times = 1,
  ): Promise<void> => {
    const tookMs: number[] = [];
    const report = await underLoad(async () => {
      for (let time = 1; time <= times; time += 1)
        for (const host of pair().hosts) {
          const begunAt = performance.now();
          await act(host, time);
          tookMs.push(performance.now() - begunAt);
        }
    });
    const seconds = tookMs.map((ms) => (ms / 1000).toFixed(1)).join(', ');
    console.log(
      `» ${what}: ${String(report.failed.length)} of ${String(report.requests)} failed; ${seconds} s`,
    );
    expect(failuresOf(report)).toEqual(NO_FAILURES);
  };

  it(
    'loses no request by ten deploys, one host after the other',
    async () => {
      const { push } = pair();
      for (let minor = 1; minor <= DEPLOYS; minor += 1) await push(`1.${String(minor)}.0`);
      await onEach(
        'deploy',
        async ({ deploy, containers }, minor) => {
          await deploy(`1.${String(minor)}.0`);
          expect(await containers()).toEqual([`web 1.${String(minor)}.0 running`]);
        },
        DEPLOYS,
      );
    },
    LIMIT_MS,
  );

  it(
    'loses no request while each host is drained, and taken back',
    async () => {
      await onEach('drain and undrain', async ({ supercargo, containers, until }) => {
        const [before] = await containers();
        assertCode(await supercargo('drain', '--reason', 'new disk'), 0);
        expect(await containers()).toEqual([before?.replace('running', 'exited')]);
        assertCode(await supercargo('undrain'), 0);
        await until(isConverged);
        expect(await containers()).toEqual([before]);
      });
    },
    LIMIT_MS,
  );

  it(
    'loses no request by a reboot of each host, which comes back by itself',
    async () => {
      await onEach('reboot', async ({ host, supercargo, containers, until, status }) => {
        const before = await containers();
        assertCode(await supercargo('drain', '--reason', 'kernel', '--for', '20s'), 0);
        const { draining } = await status();
        await host.reboot();
        await until(isConverged);
        expect(await containers()).toEqual(before);
        // Not by the boot.
        const web = 'docker ps --quiet --filter label=io.supercargo.service=web';
        const startedAt = await host.shell(`docker inspect --format '{{.State.StartedAt}}' $(${web})`);
        expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(Date.parse(draining?.until ?? ''));
      });
    },
    LIMIT_MS,
  );

  it(
    'loses no request by an upgrade of the agent on each host',
    async () => {
      await onEach('upgrade', async ({ host, unit, until, containerIds }) => {
        const [before, pid] = [await containerIds(), await unit('MainPID')];
        await host.shell('apt-get install -y --no-install-recommends /mnt/share/new.deb');
        await until(isConverged);
        expect(await unit('MainPID')).not.toBe(pid);
        expect(await containerIds()).toEqual(before);
      });
    },
    LIMIT_MS,
  );

  it(
    'loses requests where the lead is too short: so would the tests above',
    async () => {
      const [{ host, deploy }] = pair().hosts as readonly [PairHost, PairHost];
      await host.shell(`sed -i '/HEALTH_LEAD/s/=.*/=0s/' ${AGENT_ENV} && systemctl reload supercargo`);
      await pair().push('2.0.0');
      const report = await underLoad(async () => deploy('2.0.0'));
      console.log(`» no lead: ${String(report.failed.length)} of ${String(report.requests)} failed`);
      expect(report.failed.length).toBeGreaterThan(0);
    },
    LIMIT_MS,
  );
});
