import { describe, expect, it } from 'vitest';
import { mirrorsOf, parseMirrors } from '../../../../src/core/image/mirror.ts';
import { parseImage } from '../../../../src/core/image/reference.ts';
import { mirrorsIn } from '../../../support/world.ts';

const namesOf = (text: string, image: string): readonly string[] =>
  mirrorsOf(mirrorsIn(text), parseImage(image).repository).map((m) => `${m.url} ${m.repository}`);

describe('a mirror', () => {
  it.each<[string, string, string, readonly string[]]>([
    [
      'stands instead of the registry',
      'registry.example.com=https://mirror.example.com',
      'registry.example.com/org/web',
      ['https://mirror.example.com mirror.example.com/org/web'],
    ],
    [
      'of Docker Hub has the full path, under any name of it',
      'index.docker.io=https://mirror.example.com/',
      'nginx',
      ['https://mirror.example.com mirror.example.com/library/nginx'],
    ],
    [
      'may have a path and a port',
      'docker.io=https://mirror.example.com:5443/docker/hub/',
      'org/web',
      ['https://mirror.example.com:5443/docker/hub mirror.example.com:5443/docker/hub/org/web'],
    ],
    [
      'whose name has no dot is given its port, or it would be a path on Docker Hub',
      'docker.io=https://mirror',
      'org/web',
      ['https://mirror mirror:443/org/web'],
    ],
    [
      'of this machine speaks plain HTTP, as the engine does',
      'docker.io=http://127.0.0.1:5000',
      'org/web',
      ['http://127.0.0.1:5000 127.0.0.1:5000/org/web'],
    ],
    [
      'comes after those that are named before it',
      'docker.io=https://b.example.com, r.example.com:5000=https://x.example.com docker.io=https://a.example.com',
      'org/web',
      ['https://b.example.com b.example.com/org/web', 'https://a.example.com a.example.com/org/web'],
    ],
    ['of another registry is not asked', 'docker.io=https://m.example.com', 'r.example.com/org/web', []],
    [
      'whose names would be too long is none',
      `docker.io=https://m.example.com/${'p'.repeat(200)}`,
      `org/${'w'.repeat(100)}`,
      [],
    ],
  ])('%s', (_what, text, image, expected) => {
    expect(namesOf(text, image)).toEqual(expected);
  });

  it.each([
    ['without a registry', 'https://m.example.com', 'without "="'],
    ['with an empty registry', '=https://m.example.com', 'without "="'],
    ['of what is no registry', 'library=https://m.example.com', 'names "library", which is not a registry'],
    ['without an address', 'docker.io=', 'has no URL for docker.io'],
    ['with a bare host', 'docker.io=m.example.com', 'has no URL for docker.io'],
    ['of another scheme', 'docker.io=ftp://m.example.com', 'has the scheme "ftp:"'],
    ['of plain HTTP elsewhere', 'docker.io=http://10.0.0.1', 'only for 127.0.0.0/8'],
    ['with a query', 'docker.io=https://m.example.com?a', 'has a "?" or "#"'],
    ['with a path that no name can have', 'docker.io=https://m.example.com/Hub', 'no image name'],
    ['of itself', 'r.example.com=https://r.example.com', 'names r.example.com as its own mirror'],
    ['twice', 'docker.io=https://m.example.com,docker.io=https://m.example.com/', 'twice'],
  ])('is refused %s', (_what, text, expected) => {
    expect(() => mirrorsIn(text)).toThrow(expected);
  });

  it('is refused with a password, which is never repeated', () => {
    const parsed = parseMirrors('docker.io=https://user:s3cret@m.example.com');
    expect(parsed).toMatchObject({
      kind: 'problem',
      message: expect.stringContaining('DOCKER_CONFIG') as string,
    });
    expect(JSON.stringify(parsed)).not.toContain('s3cret');
  });
});
