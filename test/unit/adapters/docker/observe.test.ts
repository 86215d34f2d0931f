import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { createObserver } from '../../../../src/adapters/docker/observe.ts';
import type { EngineFacts } from '../../../../src/core/state/actual.ts';

const signal = new AbortController().signal;
const scope = { environment: 'test', replaces: [] };

describe('an observer whom no event reaches', () => {
  it('asks again for what it remembers by the 20th look', async () => {
    const images = [{ Id: 'sha256:1', RepoTags: ['org/web:1'], RepoDigests: [] }];
    const docker = {
      listContainers: async () => Promise.resolve([]),
      listNetworks: async () => Promise.resolve([]),
      listImages: async () => Promise.resolve(images),
      listVolumes: async () => Promise.resolve({ Volumes: [] }),
    } as unknown as Docker;
    const observer = createObserver(docker, {} as EngineFacts);
    expect((await observer.observe(scope, signal)).images).toHaveLength(1);
    images.pop();
    const seen: number[] = [];
    for (let look = 2; look <= 21; look += 1)
      seen.push((await observer.observe(scope, signal)).images.length);
    expect(seen.at(0)).toBe(1);
    expect(seen.at(-1)).toBe(0);
  });
});
