import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { edgesOf } from '../../support/load-edge.ts';
import { loadApp } from '../../support/load-app.ts';
import { failuresOf, NO_FAILURES } from '../../support/load.ts';
import { signalPid } from '../../support/pids.ts';
import { eventually } from '../../support/poll.ts';
import { freePort } from '../../support/ports.ts';
import { assertCode, type Scene, service, statusOf, told } from './scene.ts';
import {
  behindEdge,
  createEdgeScene,
  deployedBehindEdge,
  loadFromBothSides,
  type StartFirstOptions,
} from './start-first-scene.ts';

const modeOf = (mode: string) => ({ env: { SUPERCARGO_EDGE_MODE: mode } });

/** Another environment of this host, whose `web` 7.0.0 wants the port. */
const rivalOf = async (port: number, mode = 'host', lines?: readonly string[]): Promise<Scene> => {
  const scene = await createEdgeScene(modeOf(mode));
  const image = await scene.push('7.0.0', loadApp);
  await scene.compose(scene.web(lines ?? behindEdge(scene, { port })));
  await scene.publish({ web: image.pinned });
  return scene;
};

/** `web` 1.0.0 and beside it `api` 2.0.0 on a port of its own. */
const twoBehindEdge = async (options: StartFirstOptions = {}): Promise<{ scene: Scene; other: number }> => {
  const [scene, other] = [await createEdgeScene(), await freePort()];
  const [web, api] = [await scene.push('1.0.0', loadApp), await scene.push('2.0.0', loadApp, 'api')];
  const lines = [`image: ${scene.repository('api')}`, ...behindEdge(scene, { port: other })];
  await scene.compose(scene.web(behindEdge(scene, options), service('api', lines)));
  await scene.publish({ web: web.pinned, api: api.pinned });
  assertCode(await scene.once(), 0);
  return { scene, other };
};

/** Outcome and message of each service. */
const toldOf = async (scene: Scene): Promise<Readonly<Record<string, string>>> => {
  const { status } = await statusOf(scene);
  return Object.fromEntries(
    status.services.map((s) => [s.service, `${s.outcome} ${s.reason ?? ''}: ${s.message ?? ''}`]),
  );
};

const takenBy = (port: number, { environment }: Scene): RegExp =>
  new RegExp(
    `^blocked port: port ${String(port)}/tcp is taken by the service web of the environment ${environment} \\(`,
  );

/** Who answers forty connections. */
const answersAt = async (port: number): Promise<readonly string[]> => {
  const answers = await Promise.all(Array.from({ length: 40 }, async () => tryAnswer(port)));
  return [...new Set(answers.map(String))].toSorted((a, b) => a.localeCompare(b));
};

/** What `once` says where it ends with 3. */
const blockedOnce = async (scene: Scene): Promise<string> => {
  const result = await scene.once();
  assertCode(result, 3);
  return told(result);
};

describe('two environments that want one port', () => {
  it.each([
    ['host', 'host'],
    ['host', 'publish'],
    ['publish', 'host'],
    ['publish', 'publish'],
  ])('leave it to the one that has it, until that lets go: %s and %s mode', async (mode, other) => {
    const first = await createEdgeScene(modeOf(mode));
    await deployedBehindEdge(first);
    const second = await rivalOf(first.port, other);
    const load = await loadFromBothSides(first.port);
    expect(await blockedOnce(second)).toContain(`of the environment ${first.environment}`);
    const report = await load.stop();
    expect(failuresOf(report)).toEqual(NO_FAILURES);
    expect(Object.keys(report.answers)).toEqual(['1.0.0']);
    await first.compose(first.web(behindEdge(first, { port: await freePort() })));
    assertCode(await first.once(), 0);
    assertCode(await second.once(), 0);
    expect(await answersAt(first.port)).toEqual(['7.0.0']);
  });

  it('leave it to one of them where both start at once', async () => {
    const first = await createEdgeScene();
    const image = await first.push('1.0.0', loadApp);
    await first.compose(first.web(behindEdge(first)));
    await first.publish({ web: image.pinned });
    const second = await rivalOf(first.port);
    const codes = await Promise.all([first.once(), second.once()].map(async (r) => (await r).code));
    expect(new Set(codes)).toEqual(new Set([0, 3]));
    expect(await answersAt(first.port)).toEqual([codes[0] === 0 ? '1.0.0' : '7.0.0']);
  });

  it('leave it to the one that took it while the edge of the other was away, which serves its other ports', async () => {
    const { scene: first, other } = await twoBehindEdge();
    const second = await rivalOf(first.port);
    for (const { id } of await edgesOf(first)) await first.docker.getContainer(id).kill();
    assertCode(await second.once(), 0);
    expect(await answersAt(first.port)).toEqual(['7.0.0']);
    assertCode(await first.once(), 3);
    await first.agent();
    await eventually(async () => (await toldOf(first))['api'] === 'converged : ', {
      describe: async () => JSON.stringify(await toldOf(first)),
    });
    expect((await toldOf(first))['web']).toMatch(takenBy(first.port, second));
    expect([await answersAt(first.port), await answersAt(other)]).toEqual([['7.0.0'], ['2.0.0']]);
    await second.compose(second.web(behindEdge(second, { port: await freePort() })));
    assertCode(await second.once(), 0);
    await eventually(async () => (await toldOf(first))['web'] === 'converged : ', {
      deadlineMs: 60_000,
      describe: async () => JSON.stringify(await toldOf(first)),
    });
    expect(await answersAt(first.port)).toEqual(['1.0.0']);
    // The edge without the port ends after the one that has it has taken over.
    await eventually(async () => (await edgesOf(first)).length === 1, { describe: () => 'one edge is left' });
  });

  it('leave it to one of them, and its other ports to the other, when the edge is killed again and again', async () => {
    const { scene: first, other } = await twoBehindEdge();
    const second = await rivalOf(first.port);
    await Promise.all([first.agent(), second.agent()]);
    const settled = async (): Promise<boolean> => {
      const [mine, theirs] = [await toldOf(first), await toldOf(second)];
      const hasFirst = mine['web'] === 'converged : ' && takenBy(first.port, first).test(theirs['web'] ?? '');
      const hasSecond =
        theirs['web'] === 'converged : ' && takenBy(first.port, second).test(mine['web'] ?? '');
      return mine['api'] === 'converged : ' && (hasFirst || hasSecond);
    };
    for (let round = 0; round < 3; round += 1) {
      for (const { id } of await edgesOf(first)) {
        const { State } = await first.docker.getContainer(id).inspect();
        if (State.Running) signalPid(State.Pid, 'SIGKILL');
      }
      await eventually(settled, {
        deadlineMs: 60_000,
        describe: async () => JSON.stringify([await toldOf(first), await toldOf(second)]),
      });
      expect(await answersAt(first.port)).toHaveLength(1);
      expect(await answersAt(other)).toEqual(['2.0.0']);
    }
  }, 300_000);
});

describe('a port that a start-first service wants', () => {
  it('is left to the stop-first service of another environment', async () => {
    const port = await freePort();
    const first = await rivalOf(port, 'host', [`ports: ["${String(port)}:8888"]`]);
    assertCode(await first.once(), 0);
    const second = await rivalOf(port);
    expect(await blockedOnce(second)).toContain(
      `is taken by the service web of the environment ${first.environment}`,
    );
    expect(await answersAt(port)).toEqual(['7.0.0']);
  });

  it.each(['0.0.0.0', '127.0.0.7', '::'])('is left to a program that listens on %s', async (address) => {
    const { scene } = await twoBehindEdge();
    const port = await freePort();
    const server = createServer((socket) => void socket.end());
    onTestFinished(async () => new Promise((resolve) => void server.close(() => resolve())));
    await new Promise<void>((resolve) => void server.listen(port, address, resolve));
    const before = await edgesOf(scene);
    const file = scene.web(behindEdge(scene, { port }));
    const api = [`image: ${scene.repository('api')}`, ...behindEdge(scene, { port: await freePort() })];
    await scene.compose(`${file}${service('api', api)}`);
    expect(await blockedOnce(scene)).toContain('is taken by another program');
    expect(await answersAt(scene.port)).toEqual(['1.0.0']);
    expect(await edgesOf(scene)).not.toEqual(before);
  });
});

describe('a stop-first service', () => {
  it('is not stopped for a port that the edge of another environment has', async () => {
    const first = await createEdgeScene();
    await deployedBehindEdge(first);
    const port = await freePort();
    const second = await rivalOf(port, 'host', [`ports: ["${String(port)}:8888"]`]);
    assertCode(await second.once(), 0);
    const load = await loadFromBothSides(port);
    await second.compose(second.web([`ports: ["${String(first.port)}:8888"]`]));
    const message = await blockedOnce(second);
    expect(failuresOf(await load.stop())).toEqual(NO_FAILURES);
    expect(message).toContain(`of the environment ${first.environment} (its edge`);
  });
});

describe('an edge that moves a port between one address and all of them', () => {
  it.each([
    ['to all', '127.0.0.1:', ''],
    ['to one', '', '127.0.0.1:'],
  ])('lets it go first, and no other port with it: %s', async (_what, from, to) => {
    const { scene, other } = await twoBehindEdge();
    const lines = (address: string): readonly string[] => [
      `ports: ["${address}${String(scene.port)}:8888"]`,
      ...behindEdge(scene).slice(1),
    ];
    const api = service('api', [`image: ${scene.repository('api')}`, ...behindEdge(scene, { port: other })]);
    await scene.compose(scene.web(lines(from), api));
    assertCode(await scene.once(), 0);
    const load = await loadFromBothSides(other);
    await scene.compose(scene.web(lines(to), api));
    assertCode(await scene.once(), 0);
    expect(failuresOf(await load.stop())).toEqual(NO_FAILURES);
    expect(await answersAt(scene.port)).toEqual(['1.0.0']);
    expect(await edgesOf(scene)).toHaveLength(1);
  });
});
