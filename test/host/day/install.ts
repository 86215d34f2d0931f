import { describe, expect, it } from 'vitest';
import type { Scene } from '../support/scene.ts';

/** `systemd-analyze security`: 0 is the least exposed, 10 the most. */
const MOST_EXPOSED = 2;

export const installing = (scene: () => Scene): void => {
  describe('installing the package', () => {
    it('needs nothing but the file, and starts nothing', async () => {
      const { host, unit } = scene();
      await host.shell('apt-get install -y -o APT::Install-Recommends=true /mnt/share/previous.deb');
      // An engine that came from elsewhere would lose its socket to a recommended one.
      expect(await host.shell("dpkg-query -f '${Recommends}' -W supercargo")).toBe('');
      expect(await unit('ActiveState')).toBe('inactive');
    });

    it('makes the user deploy in the group docker, and folders that others cannot read', async () => {
      const { host } = scene();
      expect(await host.shell('id -nG deploy')).toBe('deploy docker');
      const folders = '/etc/supercargo /etc/supercargo/compose.d /var/lib/supercargo';
      expect(await host.shell(`stat -c '%n %U:%G %a' ${folders}`)).toBe(
        [
          '/etc/supercargo root:deploy 750',
          '/etc/supercargo/compose.d root:deploy 750',
          '/var/lib/supercargo deploy:deploy 750',
        ].join('\n'),
      );
    });

    it('leaves an unconfigured agent alone, and systemctl status says what is missing', async () => {
      const { host, unit } = scene();
      await host.shell('systemctl start supercargo');
      expect(await unit('ActiveState')).toBe('inactive');
      const { stdout } = await host.run(['systemctl', 'status', 'supercargo']);
      expect(stdout).toMatch(/condition.*\/etc\/supercargo\/agent\.env/is);
    });

    it('brings units in which systemd finds no fault, and that expose little', async () => {
      const { host } = scene();
      expect(
        await host.shell(
          'systemd-analyze verify --man=no supercargo.service supercargo@staging.service 2>&1',
        ),
      ).toBe('');
      const report = await host.shell('systemd-analyze security --no-pager supercargo.service');
      const [, exposure = 'none'] = /exposure level for supercargo\.service: ([\d.]+)/.exec(report) ?? [];
      expect(Number(exposure)).toBeLessThanOrEqual(MOST_EXPOSED);
    });
  });
};
