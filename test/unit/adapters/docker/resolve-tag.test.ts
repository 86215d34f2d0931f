import { describe, expect, it } from 'vitest';
import { connect } from '../../../../src/adapters/docker/connect.ts';
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
  const connection = await connect({ kind: 'unix', socketPath }, 500);
  return { ...engine, clients: await connection.clients() };
};

const isAboutRegistry = ({ url }: Call): boolean => url.includes('/distribution/');

describe('a tag', () => {
  it('of a registry that is silent is no trouble of the engine: it is asked again later', async () => {
    const { clients } = await engineThat((call) =>
      isAboutRegistry(call) ? undefined : '{"Id":"sha256:1","RepoTags":[],"RepoDigests":[]}',
    );
    const { clients: imageless } = await engineThat(() => undefined);
    expect(await resolveTag(clients, noLogin, image, signal, 60)).toEqual({
      kind: 'local',
      imageId: 'sha256:1',
    });
    // Its question about local images is not answered either: that is the engine's silence.
    await expect(resolveTag(imageless, noLogin, image, signal, 60)).rejects.toMatchObject({
      code: 'ENGINE_OFFLINE',
    });
  });

  it('that takes longer than any answer of the engine itself is waited for', async () => {
    const { clients } = await engineThat((call) => (isAboutRegistry(call) ? undefined : '{}'));
    const late = {
      ...clients,
      docker: {
        getImage: () => ({
          distribution: async () =>
            new Promise((resolve) => {
              setTimeout(() => resolve({ Descriptor: { digest: DIGEST } }), 50);
            }),
        }),
      } as unknown as typeof clients.docker,
    };
    expect(await resolveTag(late, noLogin, image, signal, 5_000)).toEqual({ kind: 'digest', digest: DIGEST });
  });

  it('is not waited for when the agent ends', async () => {
    const { clients } = await engineThat(() => undefined);
    const ended = new AbortController();
    const asked = resolveTag(clients, noLogin, image, ended.signal, 60_000);
    ended.abort(new Error('the end'));
    await expect(asked).rejects.toThrow('the end');
  });

  it('is asked for with a login that is read anew each time', async () => {
    const answer = JSON.stringify({ Descriptor: { digest: DIGEST } });
    const { clients } = await engineThat(() => answer);
    const asked: RegistryAuth[] = [];
    const credentials = {
      for: async () => {
        const login = { username: 'ci', password: `token ${String(asked.length)}`, serveraddress: 'r' };
        asked.push(login);
        return Promise.resolve(login);
      },
    };
    await resolveTag(clients, credentials, image, signal);
    await resolveTag(clients, credentials, image, signal);
    expect(asked.map((a) => ('password' in a ? a.password : ''))).toEqual(['token 0', 'token 1']);
  });
});
