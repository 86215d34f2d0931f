import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import {
  familiarName,
  formatImage,
  isDigest,
  isImageId,
  isTag,
  parseImage,
  registryKey,
  tryParseImage,
} from '../../../../src/core/image/reference.ts';

const HEX = 'a0'.repeat(32);
const DIGEST = `sha256:${HEX}`;

describe('an image reference', () => {
  it.each<[string, string, string | undefined, string | undefined]>([
    ['nginx', 'docker.io/library/nginx', undefined, undefined],
    ['nginx:1.27', 'docker.io/library/nginx', '1.27', undefined],
    ['org/web', 'docker.io/org/web', undefined, undefined],
    ['docker.io/nginx', 'docker.io/library/nginx', undefined, undefined],
    ['docker.io/library/nginx', 'docker.io/library/nginx', undefined, undefined],
    ['index.docker.io/nginx:1', 'docker.io/library/nginx', '1', undefined],
    ['library/nginx', 'docker.io/library/nginx', undefined, undefined],
    ['localhost/web', 'localhost/web', undefined, undefined],
    ['localhost:5000/web:1', 'localhost:5000/web', '1', undefined],
    ['localhost:5000', 'docker.io/library/localhost', '5000', undefined],
    ['registry.example.com:5000/org/team/web:1', 'registry.example.com:5000/org/team/web', '1', undefined],
    ['registry:5000/web', 'registry:5000/web', undefined, undefined],
    ['Registry/web', 'Registry/web', undefined, undefined],
    ['127.0.0.1:5000/web', '127.0.0.1:5000/web', undefined, undefined],
    ['[::1]:5000/web', '[::1]:5000/web', undefined, undefined],
    ['registry.example.com/org/web:1.2.3@' + DIGEST, 'registry.example.com/org/web', '1.2.3', DIGEST],
    ['web@' + DIGEST, 'docker.io/library/web', undefined, DIGEST],
    ['a.b/c__d.e-f---g/h_i', 'a.b/c__d.e-f---g/h_i', undefined, undefined],
    [`${HEX}:1`, `docker.io/library/${HEX}`, '1', undefined],
    [`docker.io/${HEX}`, `docker.io/library/${HEX}`, undefined, undefined],
    [`r.io/${'a'.repeat(255)}`, `r.io/${'a'.repeat(255)}`, undefined, undefined],
    [`web:${'a'.repeat(128)}`, 'docker.io/library/web', 'a'.repeat(128), undefined],
  ])('%s is %s', (text, repository, tag, digest) => {
    expect(tryParseImage(text)).toEqual({ repository, tag, digest });
  });

  it.each([
    ['nothing', ''],
    ['an image id', HEX],
    ['a digest alone', DIGEST],
    ['upper case', 'Web'],
    ['upper case in the path', 'r.io/Org/web'],
    ['an empty tag', 'web:'],
    ['a tag with a dash first', 'web:-1'],
    ['a tag that is too long', `web:${'a'.repeat(129)}`],
    ['a port that is none', 'registry:port/web'],
    ['a short digest', 'web@sha256:abc'],
    ['a digest in upper case', `web@sha256:${HEX.toUpperCase()}`],
    ['another digest algorithm', `web@sha512:${HEX}${HEX}`],
    ['an empty digest', 'web@'],
    ['two digests', `web@${DIGEST}@${DIGEST}`],
    ['three underscores', 'a___b'],
    ['two dots', 'a..b'],
    ['a separator at the end', 'web-'],
    ['a separator first', '-web'],
    ['an empty path', 'r.io/'],
    ['an empty part', 'r.io//web'],
    ['a path that climbs', 'r.io/../web'],
    ['a path that is too long', `r.io/${'a'.repeat(256)}`],
    ['a host that starts with a dash', '-r.io/web'],
    ['a scheme', 'https://r.io/web'],
    ['a space', 'web :1'],
    ['a line end', 'web:1\n'],
    ['a user', 'user@r.io/web'],
  ])('is not %s', (_, text) => {
    expect(tryParseImage(text)).toBeUndefined();
    expect(() => parseImage(text)).toThrow(AgentError);
  });

  it('says what it should have been', () => {
    expect(() => parseImage('Web')).toThrow('"Web" is not an image reference');
  });
});

describe('the short form', () => {
  it.each([
    ['docker.io/library/nginx:1', 'nginx:1'],
    ['docker.io/org/web', 'org/web'],
    ['docker.io/library/org/web', 'library/org/web'],
    [`registry.example.com/web:1@${DIGEST}`, `registry.example.com/web:1@${DIGEST}`],
    ['docker.io/team.one/web:1', 'docker.io/team.one/web:1'],
    ['docker.io/localhost/web', 'docker.io/localhost/web'],
    [`docker.io/library/${HEX}`, `docker.io/library/${HEX}`],
  ])('of %s is %s', (text, short) => {
    expect(formatImage(parseImage(text))).toBe(short);
  });

  it('names the same repository as the full one', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,4}([._-][a-z0-9]{1,3})?$/);
    const host = fc.constantFrom('docker.io/', 'index.docker.io/', 'localhost/', 'r.io:5000/', '');
    fc.assert(
      fc.property(host, fc.array(part, { minLength: 1, maxLength: 3 }), (registry, parts) => {
        const image = parseImage(`${registry}${parts.join('/')}`);
        expect(parseImage(familiarName(image.repository))).toEqual(image);
        expect(parseImage(image.repository)).toEqual(image);
      }),
    );
  });
});

describe('the key of a registry in the configuration of docker', () => {
  it.each([
    ['nginx', 'https://index.docker.io/v1/'],
    ['localhost:5000/web', 'localhost:5000'],
    ['registry.example.com/org/web', 'registry.example.com'],
  ])('for %s is %s', (text, key) => {
    expect(registryKey(parseImage(text).repository)).toBe(key);
  });
});

describe('digests, ids and tags', () => {
  it.each([
    ['a digest', DIGEST, true, false],
    ['a tag', 'v1.2_3-a', false, true],
    ['hex without its algorithm', HEX, false, true],
    ['a digest with a line end', `${DIGEST}\n`, false, false],
  ])('are told apart: %s', (_, text, digest, tag) => {
    expect([isDigest(text), isImageId(text), isTag(text)]).toEqual([digest, digest, tag]);
  });
});
