import { describe, expect, it } from 'vitest';
import { flavours } from '../../support/flavours.ts';
import { loadApp } from '../../support/load-app.ts';
import { assertCode } from '../../engine/scenarios/scene.ts';
import { configure, PORT } from '../support/configure.ts';
import type { Scene } from '../support/scene.ts';
import { unnoticed } from '../support/underway.ts';

export const deploying = (scene: () => Scene): void => {
  describe('deploying', () => {
    it('is ready once it is configured, and doctor says that only a publish is missing', async () => {
      await configure(scene());
      const { host, supercargo, unit } = scene();
      await host.shell('systemctl enable --now supercargo');
      expect([await unit('ActiveState'), await unit('User')]).toEqual(['active', 'deploy']);
      // How the cookbook ends a run: by the agent's own check, as its user.
      const asAgent = 'setpriv --reuid deploy --regid deploy --init-groups';
      const validate = 'supercargo validate --env /etc/supercargo/agent.env --compose /etc/supercargo';
      expect(await host.shell(`${asAgent} ${validate}`)).toMatch(
        /^ok .*agent\.env.*\nok .*audit, mail, web$/m,
      );
      const { stdout } = await supercargo('doctor');
      const problems = stdout.split('\n').filter((line) => line.startsWith('problem'));
      expect(problems).toEqual([expect.stringMatching(/^problem manifest: .* answered 404$/)]);
    });

    it('tells a user without rights just that, and who has them', async () => {
      const command = 'setpriv --reuid=nobody --regid=nogroup --clear-groups supercargo plan';
      expect(await scene().host.shell(`${command} 2>&1 || true`)).toBe(
        'supercargo: Permission denied: /etc/supercargo/agent.env. Use sudo, or join group deploy. (CONFIG)',
      );
    });

    it('publishes the first version, and ends with 0 once the host runs it', async () => {
      const { host, office, containers } = scene();
      await office.push('1.0.0', loadApp);
      for (const service of ['audit', 'mail']) await office.push('1.0.0', flavours.web, service);
      const versions = ['web', 'audit', 'mail'].map((name) => `${name}=${office.repository(name)}:1.0.0`);
      const published = await office.publish(...versions, '--wait', '--timeout', '60s');
      assertCode(published, 0);
      expect(await containers()).toEqual([
        'audit 1.0.0 running',
        'mail 1.0.0 running',
        'web 1.0.0 running',
        'web 1.0.0 running',
      ]);
      const answer = await fetch(`http://${host.address}:${String(PORT)}/`);
      expect(await answer.text()).toBe('1.0.0');
    });

    it('has nothing that doctor would complain of', async () => {
      const doctor = await scene().supercargo('doctor');
      assertCode(doctor, 0);
      expect(doctor.stdout).toContain('ok      edge');
    });

    it('says in systemctl status what the host runs', async () => {
      const { host, unit, until } = scene();
      await until(({ outcome }) => outcome === 'converged');
      expect(await unit('StatusText')).toMatch(/converged/);
      expect(await host.shell('systemctl status supercargo')).toContain(
        `Status: "${await unit('StatusText')}"`,
      );
    });

    it('switches to the next version without losing a request', async () => {
      const { office, containers } = scene();
      await office.push('1.1.0', loadApp);
      const report = await unnoticed(scene(), async () => {
        const published = await office.publish('web=1.1.0', '--wait', '--timeout', '60s');
        assertCode(published, 0);
      });
      expect(Object.keys(report.answers)).toEqual(['1.0.0', '1.1.0']);
      expect((await containers()).filter((line) => line.startsWith('web'))).toEqual([
        'web 1.1.0 running',
        'web 1.1.0 running',
      ]);
    });

    it('ends with 3 and the reason when a version is broken, while the last one goes on serving', async () => {
      const { office, containers, status } = scene();
      await office.push('1.2.0', flavours.crash);
      await unnoticed(scene(), async () => {
        const published = await office.publish('web=1.2.0', '--wait', '--timeout', '60s');
        assertCode(published, 3);
        expect(published.stdout + published.stderr).toContain('no configuration');
      });
      expect((await containers()).filter((line) => line.startsWith('web'))).toEqual([
        'web 1.1.0 running',
        'web 1.1.0 running',
      ]);
      expect((await status()).services.find(({ service }) => service === 'web')?.outcome).toBe('rolled-back');
    });

    it('goes back to the versions before with supercargo rollback', async () => {
      const { office, containers, until } = scene();
      assertCode(await office.rollback(), 0);
      await until(({ outcome }) => outcome === 'converged');
      expect(await containers()).toContain('web 1.1.0 running');
    });

    it('is converged after that, and plan has nothing to do', async () => {
      const { supercargo } = scene();
      const plan = await supercargo('plan');
      assertCode(plan, 0);
      expect(plan.stdout).toContain('web: converged');
      assertCode(await supercargo('status'), 0);
    });
  });

  describe('what the host logs', () => {
    it('has the output of a service with the syslog driver in syslog', async () => {
      expect(await scene().host.shell('grep audit /var/log/syslog')).toContain(
        'web 1.0.0: listening on port 8888',
      );
    });

    it('has the output of a service with the journald driver in the journal', async () => {
      const { host } = scene();
      expect(await host.shell('journalctl --output=cat CONTAINER_TAG=mail')).toContain(
        'web 1.0.0: listening on port 8888',
      );
    });

    it('has the agent’s own log in the journal, one whole entry a line', async () => {
      const lines = (await scene().host.shell('journalctl -t supercargo --output=cat')).split('\n');
      const entries = lines.map((line) => JSON.parse(line) as { level: string; time: string; event: string });
      expect(entries.every(({ level, time, event }) => Boolean(level && time && event))).toBe(true);
      expect(new Set(entries.map(({ event }) => event))).toContain('manifest.accepted');
    });
  });
};
