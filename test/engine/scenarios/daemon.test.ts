import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import { tryAnswer, untilAnswers } from '../../support/answer.ts';
import { flavours, slowStart } from '../../support/flavours.ts';
import { eventually } from '../../support/poll.ts';
import { killedWhen, running, synced, untilStatus } from './daemon-scene.ts';
import { createRecordingEngine } from './recording-engine.ts';
import {
  assertCode,
  containersOf,
  createScene,
  deployed,
  everything,
  onlyContainer,
  statusOf,
  told,
} from './scene.ts';
import { createSignedScene } from './signed.ts';

describe('a running agent', () => {
  it('deploys what is published, repairs drift, rolls back, and tells all of it in history', async () => {
    const { scene } = await running();
    await scene.publish({ web: (await scene.push('1.1.0')).pinned });
    expect(await synced(scene)).toBe(0);
    expect(await tryAnswer(scene.port)).toBe('1.1.0');
    await scene.docker.getContainer((await onlyContainer(scene)).id).remove({ force: true });
    await untilAnswers(scene.port, '1.1.0');
    await scene.publish({ web: (await scene.push('1.2.0', flavours.crash)).pinned });
    expect(await synced(scene)).toBe(3);
    await untilAnswers(scene.port, '1.1.0');
    const history = await scene.run(['history']);
    expect(history.stdout).toMatch(
      /manifest\.accepted[\s\S]*release\.proved +version=1\.0\.0[\s\S]*release\.proved +version=1\.1\.0[\s\S]*manifest\.accepted[\s\S]*release\.quarantined +version=1\.2\.0[\s\S]*outcome\.changed +outcome=rolled-back/,
    );
    const document = (await scene.run(['history', 'web', '--json'])).json() as {
      apiVersion: string;
      entries: { service: string }[];
    };
    expect(document.apiVersion).toBe('supercargo/history/v1');
    expect(new Set(document.entries.map((e) => e.service))).toEqual(new Set(['web']));
  });

  it('answers status --json with one whole document', async () => {
    const { scene, agent, image } = await running();
    const { code, status } = await statusOf(scene);
    const { id, name } = await onlyContainer(scene);
    expect(code).toBe(0);
    expect(status).toEqual({
      apiVersion: 'supercargo/status/v1',
      environment: scene.environment,
      host: 'test-host',
      labels: {},
      at: expect.any(String) as string,
      outcome: 'converged',
      agent: {
        running: true,
        version: expect.any(String) as string,
        pid: agent.pid,
        since: expect.any(String) as string,
      },
      engine: {
        online: true,
        version: expect.any(String) as string,
        apiVersion: expect.any(String) as string,
        message: null,
        advice: null,
      },
      manifest: {
        state: 'accepted',
        serial: 1,
        epoch: 0,
        signed: false,
        issuedAt: expect.any(String) as string,
        expiresAt: null,
        acceptedAt: expect.any(String) as string,
        publisher: null,
        rejection: null,
        source: {
          reachable: true,
          checkedAt: expect.any(String) as string,
          message: null,
          advice: null,
          nextAt: null,
        },
        ignored: [],
      },
      hold: null,
      draining: null,
      services: [
        {
          service: 'web',
          serves: true,
          outcome: 'converged',
          reason: null,
          message: null,
          advice: null,
          since: expect.any(String) as string,
          until: null,
          desired: { version: image.tag, release: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
          rolledBack: null,
          failure: null,
          progress: null,
          origin: {
            kind: 'registry',
            source: image.repository.slice(0, image.repository.indexOf('/')),
            release: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
            fetchedAt: expect.any(String) as string,
            skipped: [],
          },
          switching: {
            entry: 'web',
            release: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
            digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
            attempt: 0,
            state: 'good',
            kind: 'files',
            unsettled: false,
            hasServed: true,
          },
          containers: [
            {
              id,
              name,
              replica: 1,
              version: '1.0.0',
              release: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
              role: 'serving',
              drain: null,
              state: 'running',
              health: 'healthy',
              since: expect.any(String) as string,
            },
          ],
        },
      ],
      edge: null,
      report: null,
      turns: {
        mode: 'manifest',
        life: expect.any(String) as string,
        seq: 0,
        asked: [],
        store: 'unknown',
        message: null,
        revision: null,
      },
      switchNow: null,
      problems: [],
    } satisfies Status);
  });

  it('acts on a changed compose file without being asked', async () => {
    const { scene } = await running();
    await scene.compose(scene.web([scene.ports, 'environment: {COLOUR: blue}']));
    await eventually(async () => /^COLOUR=blue$/m.test((await tryAnswer(scene.port, '/cgi-bin/env')) ?? ''), {
      deadlineMs: 15_000,
      describe: async () => told(await scene.run(['status'])),
    });
    await untilStatus(scene, 0);
    expect(await onlyContainer(scene)).toMatchObject({ version: '1.0.0', state: 'running' });
  });

  it('reads its files again at SIGHUP', async () => {
    const scene = await createScene({ env: { SUPERCARGO_POLL: '0 0 0 1 1 *' } });
    await deployed(scene);
    const agent = await scene.agent();
    await untilStatus(scene, 0);
    const next = await scene.push('1.1.0');
    await scene.publish({ web: next.pinned });
    process.kill(agent.pid, 'SIGHUP');
    await untilAnswers(scene.port, '1.1.0');
    expect(await agent.log()).toMatch(/manifest\.accepted/);
  });
});

describe('invariant 6: traffic does not notice', () => {
  it('that the agent ends at SIGTERM, within 5 s and with 0, also in the middle of a deploy', async () => {
    const { scene, agent } = await running();
    const before = await everything(scene);
    const started = performance.now();
    expect(await agent.stop()).toBe(0);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(await everything(scene)).toEqual(before);
    const status = await scene.run(['status']);
    expect(status.code).toBe(4);
    expect(status.stdout).toMatch(/no agent runs/);

    const again = await scene.agent();
    await scene.publish({ web: (await scene.push('1.1.0', slowStart(3))).pinned });
    await eventually(
      async () => (await containersOf(scene)).some((c) => c.version === '1.1.0' && c.state === 'running'),
      {
        describe: async () => told(await scene.run(['status'])),
      },
    );
    const restarted = performance.now();
    expect(await again.stop()).toBe(0);
    expect(performance.now() - restarted).toBeLessThan(5_000);
    expect((await containersOf(scene)).map((c) => c.version)).toEqual(['1.0.0', '1.1.0']);
  });

  it('that the agent starts again: no container is touched', async () => {
    const { scene, agent } = await running();
    const before = await everything(scene);
    await agent.kill();
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    await scene.agent();
    expect(await synced(scene)).toBe(0);
    expect(await everything(scene)).toEqual(before);
  });
});

describe('invariant 5: an agent that was killed', () => {
  it('once the old container is stopped ends in the same state as one that was not', async () => {
    expect.hasAssertions();
    await killedWhen((versions) => versions.includes('1.0.0 exited'));
  });
});

describe('a second agent of the environment', () => {
  it('is refused with AGENT_RUNNING, also with another STATE_DIR and SOCKET', async () => {
    const { scene } = await running();
    const before = await everything(scene);
    const elsewhere = {
      SUPERCARGO_STATE_DIR: join(scene.folder, 'state2'),
      SUPERCARGO_SOCKET: join(scene.folder, 'two.sock'),
    };
    for (const env of [{}, elsewhere]) {
      const second = await scene.run(['run'], { env, timeoutMs: 15_000 });
      assertCode(second, 1);
      expect(told(second)).toMatch(/\(AGENT_RUNNING\)\n +→ /);
      const once = await scene.run(['once'], { env });
      assertCode(once, 1);
      expect(once.stderr).toMatch(/another agent is at work.*\(AGENT_RUNNING\)\n +→ use "supercargo sync"/);
      expect(await everything(scene)).toEqual(before);
      expect((await scene.run(['status'])).code).toBe(0);
    }
  });
});

describe('a drain', () => {
  it('stops what runs and keeps it so over a restart of the agent, until undrain', async () => {
    const scene = await createScene();
    await deployed(scene, [scene.ports, 'x-supercargo: {healthy-within: 60s, drain: 1s}']);
    const agent = await scene.agent();
    await untilStatus(scene, 0);
    const drain = await scene.run(['drain', '--reason', 'kernel, ask Ann', '--for', '1h']);
    expect(drain).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^drained until \S+Z, then back by itself: [^]*\nweb: stopped\nthis host is out of service: .*\n$/,
      ) as string,
    });
    const { State, HostConfig } = await scene.docker.getContainer((await onlyContainer(scene)).id).inspect();
    expect([State.Running, HostConfig.RestartPolicy?.Name]).toEqual([false, 'no']);
    expect((await scene.run(['status'])).stdout).toMatch(
      /drained by \S+ since \S+ \(\S+ \S+ ago\): kernel, ask Ann; until \S+Z, then back by itself\n/,
    );
    await agent.stop();
    await scene.agent();
    expect(await synced(scene)).toBe(2);
    const { services, draining } = (await scene.run(['status', '--json'])).json() as Status;
    expect(services).toMatchObject([{ outcome: 'waiting', reason: 'drained' }]);
    expect(draining).toMatchObject({ reason: 'kernel, ask Ann', done: true });
    const undrain = await scene.run(['undrain']);
    expect(undrain).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\nthis host is in service\n$/) as string,
    });
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    expect((await scene.run(['undrain'])).stdout).toBe('this host is not drained\nthis host is in service\n');
  });
});

describe('a hold', () => {
  it('keeps a switch from beginning, stages its image, repairs drift, and ends with resume', async () => {
    const { scene } = await running();
    const pause = await scene.run(['pause', '--reason', 'ask Ann', '--for', '1h']);
    expect({ code: pause.code, out: pause.stdout }).toEqual({
      code: 0,
      out: expect.stringMatching(
        /^held until \S+Z: no switch begins here; repairs and rollbacks go on\n$/,
      ) as string,
    });
    const next = await scene.push('1.1.0');
    await scene.publish({ web: next.pinned });
    expect(await synced(scene)).toBe(2);
    const status = await scene.run(['status']);
    expect(status.code).toBe(2);
    expect(status.stdout).toMatch(/held by \S+, until \S+Z: ask Ann/);
    expect(status.stdout).toMatch(/web +waiting +1\.1\.0 +1\.0\.0/);
    expect((await scene.docker.getImage(next.imageId).inspect()).Id).toBe(next.imageId);
    expect((await scene.run(['plan'])).code).toBe(0);
    await scene.docker.getContainer((await onlyContainer(scene)).id).remove({ force: true });
    await untilAnswers(scene.port, '1.0.0');
    const resume = await scene.run(['resume']);
    expect(resume.stdout).toMatch(/the hold of \S+ \(ask Ann\) is over/);
    await untilAnswers(scene.port, next.tag);
    await untilStatus(scene, 0);
    expect((await scene.run(['resume'])).stdout).toBe('nothing is held here\n');
  });

  it('with --all keeps drift from being repaired too', async () => {
    const { scene } = await running();
    expect((await scene.run(['pause', '--reason', 'forensics', '--all'])).stdout).toMatch(
      /held until `supercargo resume`: nothing at all is changed here/,
    );
    const container = scene.docker.getContainer((await onlyContainer(scene)).id);
    await container.stop();
    // Nothing serves: that is never merely waiting.
    expect(await synced(scene)).toBe(3);
    expect((await scene.run(['status'])).stdout).toMatch(
      /held by \S+, repairs too, until resumed: forensics/,
    );
    const { services } = (await scene.run(['status', '--json'])).json() as Status;
    expect(services).toMatchObject([{ outcome: 'blocked', reason: 'down' }]);
    expect((await container.inspect()).State.Running).toBe(false);
    await scene.run(['resume']);
    await untilAnswers(scene.port, '1.0.0');
  });

  it('is kept over a restart of the agent, and may be set without one', async () => {
    const scene = await createScene();
    await deployed(scene);
    expect((await scene.run(['pause', '--reason', 'night'])).code).toBe(0);
    await scene.publish({ web: (await scene.push('1.1.0')).pinned });
    await scene.agent();
    expect(await synced(scene)).toBe(2);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    expect((await scene.run(['pause', '--reason', 'x', '--for', 'soon'])).stderr).toMatch(
      /"soon" is not a duration \(USAGE\)\n +→ write it like 90s/,
    );
  });
});

describe('an operator without a daemon', () => {
  it('is told by doctor that all is well', async () => {
    const { scene, sign } = await createSignedScene();
    await sign(1, (await scene.push('1.0.0')).pinned);
    const doctor = await scene.run(['doctor']);
    assertCode(doctor, 0);
    for (const name of [
      'configuration',
      'compose',
      'trust',
      'state folder',
      'engine',
      'manifest',
      'registry \\(web\\)',
      'clock',
    ])
      expect(doctor.stdout).toMatch(new RegExp(`^ok +${name}: `, 'm'));
    expect(doctor.stdout).toMatch(/^hint +agent: no agent runs\n +→ start it/m);
    expect(doctor.stdout).toMatch(/^hint +ledger: \S+ledger\.json does not exist\n/m);
    const env = { SUPERCARGO_STATE_DIR: `${scene.folder}/none` };
    expect((await scene.run(['doctor'], { env })).stdout).toMatch(
      /^hint +state folder: \S+none does not exist\n/m,
    );
  });

  it('is told by sync what to start, by status with 4, or 3 where something rolled back, and by doctor what runs', async () => {
    const scene = await createScene();
    await deployed(scene);
    const sync = await scene.run(['sync']);
    expect(sync.code).toBe(4);
    expect(sync.stderr).toMatch(
      /no agent runs on this host \(AGENT_NOT_RUNNING\)\n +→ start it \(systemctl start supercargo\), or use supercargo once/,
    );
    expect((await scene.run(['status'])).code).toBe(4);
    const well = await scene.run(['doctor']);
    assertCode(well, 0);
    expect(well.stdout).toMatch(/^ok +ledger: \S+ledger\.json$/m);
    expect(well.stdout).toMatch(/^hint +logs: without a limit .*: web\n +→ set "log-opts"/m);
    expect(well.stdout).toMatch(/\nok +service \(web\): converged, runs 1\.0\.0\n$/);
    await scene.publish({ web: (await scene.push('1.1.0', flavours.crash)).pinned });
    assertCode(await scene.once(), 3);
    expect((await scene.run(['status'])).code).toBe(3);
    const ill = await scene.run(['doctor']);
    assertCode(ill, 1);
    expect(ill.stdout).toMatch(
      /\nproblem service \(web\): rolled-back, runs 1\.0\.0: 1\.1\.0 failed here.*\n +→ .*\n$/,
    );
  });

  it('is told by explain what differs and what comes next, without a secret', async () => {
    const scene = await createScene();
    await deployed(scene, [scene.ports, 'environment: {TOKEN: hunter2}']);
    await scene.compose(scene.web([scene.ports, 'environment: {TOKEN: hunter3}']));
    const explain = await scene.run(['explain', 'web']);
    expect(explain.stdout).toMatch(/environment\.TOKEN +set \(another value\) +set/);
    expect(explain.stdout).toMatch(/create [\s\S]*stop [\s\S]*start /);
    expect(told(explain)).not.toMatch(/hunter/);
    const unknown = await scene.run(['explain', 'wbe']);
    expect({ code: unknown.code, err: unknown.stderr }).toMatchObject({
      code: 1,
      err: expect.stringMatching(/there is no service wbe on this host[\s\S]*→ one of: web/) as string,
    });
  });
});

describe('an engine that goes away under a running daemon', () => {
  it('is told with 4, and the daemon goes on when it is back', async () => {
    const scene = await createScene();
    await deployed(scene);
    const recorder = await createRecordingEngine(scene);
    await scene.agent({ env: { DOCKER_HOST: recorder.dockerHost } });
    await untilStatus(scene, 0);
    await recorder.stop();
    await untilStatus(scene, 4);
    expect((await scene.run(['status'])).stdout).toMatch(/engine offline[\s\S]*→ start the engine/);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    await scene.publish({ web: (await scene.push('1.1.0')).pinned });
    await recorder.start();
    await untilAnswers(scene.port, '1.1.0');
    await untilStatus(scene, 0);
  });
});
