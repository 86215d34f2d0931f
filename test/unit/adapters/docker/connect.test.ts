import { describe, expect, it } from 'vitest';
import { connect, hasMultiNetworkCreate } from '../../../../src/adapters/docker/connect.ts';
import { startFakeEngine } from '../../../support/fake-engine.ts';

const versionOf = async (minimum: string, newest: string) => {
  const answer = { Version: '1.2.3', ApiVersion: newest, MinAPIVersion: minimum };
  const engine = await startFakeEngine(() => JSON.stringify(answer));
  const connection = await connect({ kind: 'unix', socketPath: engine.socketPath });
  const { docker, reader } = await connection.clients();
  await docker.listContainers();
  await reader.listNetworks();
  await connection.ask.text('/images/json');
  return { apiVersion: connection.apiVersion, urls: engine.calls.map((c) => c.url.split('?')[0]) };
};

describe('the API version', () => {
  it.each([
    ['20.10, which knows only 1.41', '1.12', '1.41', '1.41'],
    ['29, which refuses what is below 1.44', '1.44', '1.52', '1.52'],
    ['a later one, which still speaks ours', '1.44', '1.99', '1.52'],
  ])('is negotiated with an engine like %s', async (_what, minimum, newest, expected) => {
    const { apiVersion, urls } = await versionOf(minimum, newest);
    expect(apiVersion).toBe(expected);
    // The question itself names no version: an engine may refuse every one that we could guess.
    const asked = ['containers/json', 'networks', 'images/json'].map((path) => `/v${expected}/${path}`);
    expect(urls).toEqual(['/version', ...asked]);
  });

  it.each([
    ['too old', '1.12', '1.40'],
    ['too new', '1.60', '1.70'],
  ])('that nobody shares is an error with advice: %s', async (_what, minimum, newest) => {
    await expect(versionOf(minimum, newest)).rejects.toMatchObject({
      code: 'ENGINE',
      message: `engine 1.2.3 speaks API ${minimum} to ${newest}`,
      advice: 'use Docker 20.10 or newer: the engine must speak an API from 1.41 to 1.52',
    });
  });

  it.each([
    ['no version of itself', { ApiVersion: '1.40' }],
    ['no text for one', { Version: '1.2.3', ApiVersion: 1.41 }],
    ['no version of an API', { Version: '1.2.3', ApiVersion: 'sha256:' }],
    ['no oldest version of an API', { Version: '1.2.3', ApiVersion: '1.41', MinAPIVersion: '../..' }],
    ['null', null],
  ])('is not guessed from an answer that has %s', async (_what, answer) => {
    const { socketPath } = await startFakeEngine(() => JSON.stringify(answer));
    await expect(connect({ kind: 'unix', socketPath })).rejects.toMatchObject({
      code: 'ENGINE',
      message: 'cannot reach the Docker engine: the answer is not one of the Docker API',
    });
  });

  it('is compared as numbers', () => {
    expect(['1.5', '1.43', '1.44', '1.100', '2.0'].map(hasMultiNetworkCreate)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
  });
});
