import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/poll.ts';
import type { Scene } from '../support/scene.ts';
import { unnoticed } from '../support/underway.ts';

const AGENT_ENV = '/etc/supercargo/agent.env';

export const operating = (scene: () => Scene): void => {
  describe('operating', () => {
    it('reads its configuration again at systemctl reload, and touches no container', async () => {
      const { host, unit, containerIds, until } = scene();
      const [before, pid] = [await containerIds(), await unit('MainPID')];
      await host.shell(`echo SUPERCARGO_HOST=renamed >>${AGENT_ENV} && systemctl reload supercargo`);
      await until((status) => status.host === 'renamed');
      await host.shell(`sed -i /renamed/d ${AGENT_ENV} && systemctl reload supercargo`);
      await until((status) => status.host === 'web-1' && status.outcome === 'converged');
      expect([await containerIds(), await unit('MainPID')]).toEqual([before, pid]);
      expect(await unit('ActiveState')).toBe('active');
    });

    it('keeps what it has when a reloaded configuration is wrong, and says so in the journal', async () => {
      const { host, unit } = scene();
      await host.shell(`echo SUPERCARGO_POLL=often >>${AGENT_ENV} && systemctl reload supercargo`);
      await eventually(
        async () => (await host.shell('journalctl -u supercargo -n 20 -o cat')).includes('SUPERCARGO_POLL'),
        { describe: () => 'the journal says what is wrong' },
      );
      expect(await unit('ActiveState')).toBe('active');
      await host.shell(`sed -i /POLL/d ${AGENT_ENV} && systemctl reload supercargo`);
    });

    it('runs what Chef adds to compose.d once it has a version, without a restart of the agent', async () => {
      const { host, office, containers, until } = scene();
      const text = `services:\n  extra: { image: "${office.repository('mail')}:1.0.0" }\n`;
      await host.write('/etc/supercargo/compose.d/extra.yaml', text, '0640', 'root:deploy');
      await until(({ services }) => services.some((s) => s.service === 'extra' && s.outcome === 'converged'));
      expect(await containers()).toContain('extra 1.0.0 running');
      await host.shell('rm /etc/supercargo/compose.d/extra.yaml');
      await until(({ services }) => services.every(({ service }) => service !== 'extra'));
      await eventually(async () => (await containers()).every((line) => !line.startsWith('extra')), {
        describe: async () => `extra is gone: ${String(await containers())}`,
      });
    });

    it('runs a second environment beside the first', async () => {
      const { host, office, supercargo, containerIds } = scene();
      const before = await containerIds();
      const folder = '/etc/supercargo/preview';
      const manifest = {
        apiVersion: 'supercargo/v1',
        environment: 'preview',
        serial: 1,
        issuedAt: new Date().toISOString(),
        services: { mail: { image: `${office.repository('mail')}:1.0.0` } },
      };
      await host.shell(`install -d -o root -g deploy -m 0750 ${folder}`);
      await host.write(`${folder}/manifest.json`, JSON.stringify(manifest), '0640', 'root:deploy');
      const settings = [
        `SUPERCARGO_MANIFEST_URL=file://${folder}/manifest.json`,
        'SUPERCARGO_ALLOW_UNSIGNED=true',
      ];
      await host.write(`${folder}/agent.env`, `${settings.join('\n')}\n`, '0640', 'root:deploy');
      const compose = `services:\n  mail: { image: ${office.repository('mail')} }\n`;
      await host.write(`${folder}/compose.yaml`, compose, '0640', 'root:deploy');
      await host.write('/etc/credstore/supercargo@preview.docker-config', office.dockerConfig, '0600');
      await host.shell('systemctl start supercargo@preview');
      await eventually(async () => (await supercargo('--instance', 'preview', 'status')).code === 0, {
        describe: async () => (await supercargo('--instance', 'preview', 'status')).stdout,
      });
      const running = await host.shell('docker ps --filter label=io.supercargo.environment=preview -q');
      expect(running.split('\n')).toHaveLength(1);
      expect(await containerIds()).toEqual(before);
      await host.shell('systemctl stop supercargo@preview');
      await host.shell(`docker rm -f ${running}`);
    });

    it('says offline while Docker is stopped, lives on, and carries on once it is back', async () => {
      const { host, unit, supercargo, until } = scene();
      const pid = await unit('MainPID');
      await host.shell('systemctl stop docker.socket docker.service');
      await until(({ outcome }) => outcome === 'offline');
      expect((await supercargo('status')).code).toBe(4);
      expect(await unit('StatusText')).toMatch(/offline/);
      await host.shell('systemctl start docker.socket docker.service');
      await until(({ outcome }) => outcome === 'converged');
      expect(await unit('MainPID')).toBe(pid);
    });

    it('is upgraded while clients use the service, and none of them notices', async () => {
      const { host, unit, containerIds, until } = scene();
      const [before, pid] = [await containerIds(), await unit('MainPID')];
      const files = await host.shell('cat /etc/supercargo/agent.env /etc/supercargo/compose.yaml');
      await unnoticed(scene(), async () => {
        await host.shell('apt-get install -y --no-install-recommends /mnt/share/new.deb');
        await until(({ outcome }) => outcome === 'converged');
      });
      expect(await host.shell("dpkg-query -f '${Version}' -W supercargo")).not.toContain('previous');
      expect(await unit('MainPID')).not.toBe(pid);
      expect(await containerIds()).toEqual(before);
      expect(await host.shell('cat /etc/supercargo/agent.env /etc/supercargo/compose.yaml')).toBe(files);
    });
  });
};
