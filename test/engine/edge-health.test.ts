import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, it, type TestContext } from 'vitest';
import type { EdgeState } from '../../src/core/edge/edge-config.ts';
import { HOST_ANSWER, type HealthAnswers } from '../../src/core/edge/health-answer.ts';
import { EDGE_SETTINGS } from '../../src/core/edge/render-haproxy.ts';
import { sharedDocker } from '../support/context.ts';
import { answersOf, askHealth, healthConfig, openPort, startHealthLoad } from '../support/edge-health.ts';
import { buildEdgeImage } from '../support/edge-image.ts';
import { type RunningEdge, startContainerEdge } from '../support/edge-start.ts';
import { loadImage } from '../support/images.ts';
import { eventually } from '../support/poll.ts';
import { freePort } from '../support/ports.ts';

const IMAGE = 'supercargo-edge-test:health';
const CHANGES = 10;
/** Everything that the file, the runtime API or the log format could take for its own. */
const ODD = `draining; 100% "für" 'kernel' {x} %[src] \\ $HOME #1 +1 a:b?c=d<<e`;

beforeAll(async () => loadImage(sharedDocker(), [IMAGE], await buildEdgeImage()));
afterAll(async () => sharedDocker().getImage(IMAGE).remove());

const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const look = async ({ edge }: RunningEdge): Promise<EdgeState> => edge.observe(soon());
const answer = async (
  { edge }: RunningEdge,
  answers: HealthAnswers,
  counted: readonly string[] = [],
): Promise<void> => edge.apply({ kind: 'edge-answer', answers, counted }, soon());

/** An edge that answers at this port, with both of its services open. */
const begin = async ({ onTestFinished }: TestContext) => {
  const [web, db] = [await openPort(await freePort()), await openPort(await freePort())];
  onTestFinished(web.close);
  onTestFinished(db.close);
  const port = await freePort();
  const running = await startContainerEdge(
    sharedDocker(),
    IMAGE,
  )(healthConfig('e1', port, { web: web.port, db: db.port }));
  onTestFinished(running.remove);
  const ask = async (path: string): Promise<string> => askHealth(port, path);
  const asks = async (...paths: readonly string[]): Promise<readonly string[]> => Promise.all(paths.map(ask));
  await eventually(async () => (await look(running)).answers !== undefined && (await ask('/')) !== '', {
    describe: () => 'the edge answers',
  });
  return { running, port, web, db, ask, asks };
};

describe.concurrent('the health endpoint of an edge', () => {
  it('answers for each service and the host, as the agent and HAProxy itself know', async (context) => {
    const { expect } = context;
    const { running, port, web, db, asks } = await begin(context);
    expect((await look(running)).answers).toEqual({});
    const up = answersOf('all is well');
    await answer(running, up);
    expect(await asks('/', '/web', '/db', '/db?x=1')).toEqual(
      Array.from({ length: 4 }, () => '200 all is well'),
    );
    expect(await asks('/unknown', '/web/', '/WEB', '/%77eb', '//')).toEqual(
      Array.from({ length: 5 }, () => '404 unknown service'),
    );

    const down: HealthAnswers = { ...up, db: { isUp: false, sinceMs: 1, reason: ODD } };
    await answer(running, down);
    expect(await asks('/', '/web', '/db')).toEqual(['200 all is well', '200 all is well', `503 ${ODD}`]);
    const { servers, answers, settings, frontends } = await look(running);
    expect(servers.map(({ backend }) => backend)).toEqual(['web:8888']);
    expect({ answers, settings }).toEqual({ answers: down, settings: EDGE_SETTINGS });
    expect(frontends).toEqual([{ hostAddress: '127.0.0.1', hostPort: port, protocol: 'http' }]);
    expect(await running.edge.answers(soon())).toEqual({ answers: down, counted: [] });

    const counted = ['web:8888', `check:any:${String(db.port)}`];
    await answer(running, up, counted);
    expect((await look(running)).counted).toEqual(counted.toSorted());
    expect(await asks('/web:8888', '/check:any', `/${counted[1] ?? ''}`)).toEqual(
      Array.from({ length: 3 }, () => '404 unknown service'),
    );
    await Promise.all([web.close(), db.close()]);
    const closed = [
      '503 web does not answer at port 8888',
      `503 db does not answer at port ${String(db.port)}`,
    ];
    await eventually(async () => (await asks('/web', '/db')).join() === closed.join(), {
      describe: async () => (await asks('/web', '/db')).join(),
    });
    expect(closed).toContain((await asks('/'))[0]);
    // Rules of ports that count no more stay in the running edge.
    await answer(running, up, counted.slice(1));
    expect(await asks('/web', '/db', '/')).toEqual(['200 all is well', closed[1], closed[1]]);
    await answer(running, up);
    expect(await asks('/web', '/db', '/')).toEqual(Array.from({ length: 3 }, () => '200 all is well'));
    await answer(running, up, counted);
    expect(await asks('/web', '/db')).toEqual(closed);
    await web.open();
    await eventually(async () => (await asks('/web', '/')).join() === ['200 all is well', closed[1]].join(), {
      describe: async () => (await asks('/web', '/')).join(),
    });
    await db.open();
    await eventually(async () => (await asks('/db', '/')).every((seen) => seen === '200 all is well'), {
      describe: async () => (await asks('/db', '/')).join(),
    });
  });

  it('has no body for HEAD, and ends the connection after each answer', async (context) => {
    const { expect } = context;
    const { running, port } = await begin(context);
    await answer(running, answersOf('draining', false));
    const send = async (method: string): Promise<unknown> => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(`${method} /web HTTP/1.1\r\nHost: edge\r\n\r\n`);
      const [head = '', body] = (await text(socket)).split('\r\n\r\n');
      return { head: head.split('\r\n').toSorted(), body };
    };
    const head = [
      'HTTP/1.1 503 Service Unavailable',
      'cache-control: no-store',
      'connection: close',
      'content-length: 9',
      'content-type: text/plain; charset=utf-8',
    ];
    expect([await send('HEAD'), await send('GET')]).toEqual([
      { head, body: '' },
      { head, body: 'draining\n' },
    ]);
  });

  it('changes all answers at once under requests, and answers from the file after a SIGKILL', async (context) => {
    const { expect } = context;
    const { running, port, asks } = await begin(context);
    await answer(running, answersOf('number 0'));
    const load = startHealthLoad(port, ['/', '/web', '/db', '/web']);
    context.onTestFinished(async () => void (await load.stop()));
    for (let count = 1; count <= CHANGES; count += 1) {
      const before = load.seen().size;
      await answer(running, answersOf(`number ${String(count)}`, count % 2 === 0));
      await eventually(() => load.seen().size > before, {
        everyMs: 1,
        describe: () => 'clients see the change',
      });
    }
    const expected = Array.from(
      { length: CHANGES + 1 },
      (_, n) => `${n % 2 === 0 ? '200' : '503'} number ${String(n)}`,
    );
    const seen = await load.stop();
    expect(new Set(seen.keys())).toEqual(new Set(expected));

    const last = {
      ...answersOf(`number ${String(CHANGES)}`),
      [HOST_ANSWER]: { isUp: false, sinceMs: 2, reason: ODD },
    };
    await answer(running, last);
    await running.crash();
    const files = [`503 ${ODD}`, `200 number ${String(CHANGES)}`, `200 number ${String(CHANGES)}`];
    await eventually(async () => (await asks('/', '/web', '/db')).join() === files.join(), {
      describe: async () => (await asks('/', '/web', '/db')).join(),
    });
    const state = await eventually(async () => look(running), { describe: () => 'the edge can be asked' });
    expect(state.answers).toEqual(last);
    console.log(
      `${String([...seen.values()].reduce((sum, n) => sum + n, 0))} answers during ${String(CHANGES)} changes`,
    );
  });
});
