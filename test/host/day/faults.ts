import { describe, expect, it } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import { eventually } from '../../support/poll.ts';
import { loadApp } from '../../support/load-app.ts';
import { assertCode } from '../../engine/scenarios/scene.ts';
import { PORT } from '../support/configure.ts';
import type { Scene } from '../support/scene.ts';
import { unnoticed } from '../support/underway.ts';

const WATCHDOG = '/etc/systemd/system/supercargo.service.d/watchdog.conf';

const isConverged = ({ outcome }: Status): boolean => outcome === 'converged';

export const suffering = (scene: () => Scene): void => {
  const restarts = async (): Promise<number> => Number(await scene().unit('NRestarts'));
  const untilRestarted = async (before: number): Promise<void> => {
    await eventually(
      async () => (await restarts()) > before && (await scene().unit('SubState')) === 'running',
      {
        describe: async () => scene().host.shell('systemctl status supercargo || true'),
      },
    );
    await scene().until(isConverged);
  };

  describe('suffering', () => {
    it('starts an agent that was killed again, and nobody notices', async () => {
      const { host, containerIds } = scene();
      const [before, count] = [await containerIds(), await restarts()];
      await unnoticed(scene(), async () => {
        await host.shell('systemctl kill --kill-whom=main --signal=KILL supercargo');
        await untilRestarted(count);
      });
      expect(await containerIds()).toEqual(before);
    });

    it('starts an agent that hangs again, by the watchdog, and nobody notices', async () => {
      const { host, containerIds } = scene();
      await host.write(WATCHDOG, '[Service]\nWatchdogSec=4\n');
      await host.shell('systemctl daemon-reload && systemctl restart supercargo');
      const [before, count] = [await containerIds(), await restarts()];
      await unnoticed(scene(), async () => {
        await host.shell('systemctl kill --kill-whom=main --signal=STOP supercargo');
        await untilRestarted(count);
      });
      expect(await host.shell('journalctl -u supercargo -n 100 -o cat')).toMatch(/watchdog/i);
      expect(await containerIds()).toEqual(before);
      await host.shell(`rm ${WATCHDOG} && systemctl daemon-reload && systemctl restart supercargo`);
    });

    it('has everything as it was after a restart of Docker', async () => {
      const { host, containers, until } = scene();
      const before = await containers();
      await host.shell('systemctl restart docker');
      await eventually(async () => (await containers()).join() === before.join(), {
        describe: async () => `${String(await containers())} are ${String(before)}`,
      });
      await until(isConverged);
      expect(await containers()).toEqual(before);
    });

    it('has everything as it was after a reboot', async () => {
      const { host, containers, until } = scene();
      const before = await containers();
      await host.reboot();
      await until(isConverged);
      expect(await containers()).toEqual(before);
      expect(await (await fetch(`http://${host.address}:${String(PORT)}/`)).text()).toBe('1.1.0');
    });

    it('finishes the deploy during which the plug was pulled', async () => {
      const { host, office, containers, until } = scene();
      await office.push('2.0.0', loadApp);
      const published = office.publish('web=2.0.0', '--wait', '--timeout', '80s');
      await eventually(async () => (await containers()).includes('web 2.0.0 running'), {
        everyMs: 20,
        describe: async () => `a new container runs: ${String(await containers())}`,
      });
      await host.pullPlug();
      await host.boot();
      assertCode(await published, 0);
      await until(isConverged);
      const web = (await containers()).filter((line) => line.startsWith('web'));
      expect(web).toEqual(['web 2.0.0 running', 'web 2.0.0 running']);
      expect(await (await fetch(`http://${host.address}:${String(PORT)}/`)).text()).toBe('2.0.0');
    });
  });
};
