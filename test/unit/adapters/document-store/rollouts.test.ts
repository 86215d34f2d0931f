import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpRollouts } from '../../../../src/adapters/document-store/http-rollouts.ts';
import { createNoRollouts } from '../../../../src/adapters/document-store/no-rollouts.ts';
import type { RolloutCommand } from '../../../../src/core/turns/rollout-command.ts';
import type { Rollouts } from '../../../../src/core/ports/rollouts.ts';
import { changeStatus, rolloutStatus } from '../../../support/rollout.ts';

const { signal } = new AbortController();
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** A server that gives one answer to everything, and what it was asked. */
const serve = async (
  status: number,
  answer: unknown,
): Promise<{ readonly rollouts: Rollouts; readonly asked: readonly Asked[] }> => {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      asked.push({
        method,
        path,
        authorization: headers.authorization,
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
      });
      response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const base = new URL(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/base`);
  return { rollouts: createHttpRollouts({ base, authorization: 'Bearer t', tls: {} }), asked };
};

const halt: RolloutCommand = { kind: 'halt', reason: 'disk', by: 'anna@ops', forSeconds: 7200 };
const refusal = (code: string) => ({ error: { code, message: 'no change is unfinished', advice: 'look' } });

describe('the rollouts of a store', () => {
  it('are read from rollouts/ENV, with the words that this version does not know', async () => {
    const newer = {
      ...rolloutStatus({ changes: [changeStatus({ state: 'resting' })] }),
      weather: 'fine',
    };
    const { rollouts, asked } = await serve(200, newer);
    expect(await rollouts.status('production', signal)).toEqual(newer);
    expect(asked).toEqual([
      { method: 'GET', path: '/base/rollouts/production', authorization: 'Bearer t', body: undefined },
    ]);
  });

  it('take a command at rollouts/ENV/KIND, with its other members as the body', async () => {
    const { rollouts, asked } = await serve(200, rolloutStatus());
    expect(await rollouts.command('production', halt, signal)).toEqual(rolloutStatus());
    expect(asked).toEqual([
      {
        method: 'POST',
        path: '/base/rollouts/production/halt',
        authorization: 'Bearer t',
        body: { reason: 'disk', by: 'anna@ops', forSeconds: 7200 },
      },
    ]);
  });

  it.each([
    ['a web server without such a file', 404, '<html>not found</html>'],
    ['an older hub', 404, refusal('not-found')],
    ['a web server that takes no such request', 405, ''],
  ])('are none of %s', async (_what, status, answer) => {
    const { rollouts } = await serve(status, answer);
    expect(await rollouts.status('production', signal)).toBe('no-turns');
    await expect(rollouts.command('production', halt, signal)).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/base hands out no turns/) as string,
    });
  });

  it('are none of a folder', async () => {
    const rollouts = createNoRollouts('/srv/deploy');
    expect(await rollouts.status('production', signal)).toBe('no-turns');
    await expect(rollouts.command('production', halt, signal)).rejects.toThrow(
      '/srv/deploy hands out no turns',
    );
  });

  it.each([
    [409, refusal('nothing'), /409, no change is unfinished$/, 'look'],
    [404, refusal('no-environment'), /404, no change is unfinished$/, 'look'],
    [401, refusal('token'), /401, no change is unfinished$/, /SUPERCARGO_PUBLISH_TOKEN/],
    [200, '<html>', /^the answer of http.*\/rollouts\/production(\/halt)? is not/, /^check --to/],
    [200, { ...rolloutStatus(), changes: 3 }, /is not valid: changes/, /^check --to/],
    [200, { ...rolloutStatus(), apiVersion: 'v9' }, /apiVersion must be supercargo\/rollout\/v1/, /hub/],
  ])(
    'that are refused or unreadable (%i %j) are an error with advice',
    async (status, answer, says, advice) => {
      const { rollouts } = await serve(status, answer);
      const expected = {
        code: 'STORE',
        message: expect.stringMatching(says) as string,
        advice: expect.stringMatching(advice) as string,
      };
      await expect(rollouts.status('production', signal)).rejects.toMatchObject(expected);
      await expect(rollouts.command('production', halt, signal)).rejects.toMatchObject(expected);
    },
  );

  it('of a server that is away are an error that is worth another try', async () => {
    const rollouts = createHttpRollouts({
      base: new URL('http://127.0.0.1:1/'),
      authorization: undefined,
      tls: {},
    });
    await expect(rollouts.status('production', signal)).rejects.toMatchObject({
      code: 'STORE',
      retry: 'later',
    });
  });
});
