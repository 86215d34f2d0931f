import { describe, expect, it } from 'vitest';
import { PORT } from '../support/configure.ts';
import type { Scene } from '../support/scene.ts';
import { unnoticed } from '../support/underway.ts';

export const removing = (scene: () => Scene): void => {
  const isThere = async (path: string): Promise<boolean> =>
    (await scene().host.run(['test', '-e', path])).code === 0;

  describe('removing the package', () => {
    it('stops the agent, keeps configuration and state, and no client notices', async () => {
      const { host, unit, containerIds } = scene();
      const before = await containerIds();
      await unnoticed(scene(), async () => {
        await host.shell('apt-get remove -y supercargo');
      });
      expect(await unit('ActiveState')).toBe('inactive');
      expect(await containerIds()).toEqual(before);
      expect(await isThere('/etc/supercargo/agent.env')).toBe(true);
      expect(await isThere('/var/lib/supercargo/ledger.json')).toBe(true);
      expect(await isThere('/usr/bin/supercargo')).toBe(false);
    });

    it('goes on where it was when the package comes back', async () => {
      const { host, containerIds, until } = scene();
      const before = await containerIds();
      await host.shell('apt-get install -y --no-install-recommends /mnt/share/new.deb');
      await host.shell('systemctl enable --now supercargo');
      await until(({ outcome }) => outcome === 'converged');
      expect(await containerIds()).toEqual(before);
    });

    it('leaves nothing of the agent after a purge, and the services serve on', async () => {
      const { host } = scene();
      await host.shell('apt-get purge -y supercargo');
      const places = '/etc /var/lib /run /usr /lib/systemd /var/log';
      const known = "-not -path '/etc/credstore/*' -not -path '/run/docker/*' -not -path '/var/lib/docker/*'";
      expect(await host.shell(`find ${places} -xdev -iname '*supercargo*' ${known} || true`)).toBe('');
      expect(await host.shell('getent passwd deploy || true')).toBe('');
      expect(await (await fetch(`http://${host.address}:${String(PORT)}/`)).text()).toBe('2.0.0');
    });
  });
};
