import { describe, expect, it } from 'vitest';
import { connect } from '../../../../src/adapters/docker/client.ts';
import { resolveTag } from '../../../../src/adapters/docker/resolve-tag.ts';
import type { RegistryAuth } from '../../../../src/core/ports/registry-credentials.ts';
import { VERSION_ANSWER, startFakeEngine, type Call } from '../../../support/fake-engine.ts';
import { releaseOf } from '../../../support/release-of.ts';

const { image } = releaseOf('restart: "no"');
const DIGEST = `sha256:${'d'.repeat(64)}`;
const signal = new AbortController().signal;
const noLogin = { for: async () => Promise.resolve(undefined) };

const engineThat = async (answer: (call: Call) => string | undefined) => {
  const engine = await startFakeEngine((call) =>
    call.url.endsWith('/version') ? JSON.stringify(VERSION_ANSWER) : answer(call),
  );
  const { socketPath } = engine;
  return { ...engine, connection: await connect({ kind: 'unix', socketPath }, 20) };
};

const isAboutRegistry = ({ url }: Call): boolean => url.includes('/distribution/');

describe('a tag', () => {
  it('of a registry that is silent is no trouble of the engine: it is asked again later', async () => {
    const { connection } = await engineThat((call) =>
      isAboutRegistry(call) ? undefined : '{"Id":"sha256:1","RepoTags":[],"RepoDigests":[]}',
    );
    const { connection: imageless } = await engineThat(() => undefined);
    expect(await resolveTag(connection, noLogin, image, signal, 60)).toEqual({
      kind: 'local',
      imageId: 'sha256:1',
    });
    // Its question about local images is not answered either: that is the engine's silence.
    await expect(resolveTag(imageless, noLogin, image, signal, 60)).rejects.toMatchObject({
      code: 'ENGINE_OFFLINE',
    });
  });

  it('that takes longer than any answer of the engine itself is waited for', async () => {
    const { connection } = await engineThat((call) => (isAboutRegistry(call) ? undefined : '{}'));
    const late = {
      ...connection,
      docker: {
        getImage: () => ({
          distribution: async () =>
            new Promise((resolve) => {
              setTimeout(() => resolve({ Descriptor: { digest: DIGEST } }), 50);
            }),
        }),
      } as unknown as typeof connection.docker,
    };
    expect(await resolveTag(late, noLogin, image, signal, 5_000)).toEqual({ kind: 'digest', digest: DIGEST });
  });

  it('is not waited for when the agent ends', async () => {
    const { connection } = await engineThat(() => undefined);
    const ended = new AbortController();
    const asked = resolveTag(connection, noLogin, image, ended.signal, 60_000);
    ended.abort(new Error('the end'));
    await expect(asked).rejects.toThrow('the end');
  });

  it('is asked for with a login that is read anew each time', async () => {
    const answer = JSON.stringify({ Descriptor: { digest: DIGEST } });
    const { connection } = await engineThat(() => answer);
    const asked: RegistryAuth[] = [];
    const credentials = {
      for: async () => {
        const login = { username: 'ci', password: `token ${String(asked.length)}`, serveraddress: 'r' };
        asked.push(login);
        return Promise.resolve(login);
      },
    };
    await resolveTag(connection, credentials, image, signal);
    await resolveTag(connection, credentials, image, signal);
    expect(asked.map((a) => ('password' in a ? a.password : ''))).toEqual(['token 0', 'token 1']);
  });
});
