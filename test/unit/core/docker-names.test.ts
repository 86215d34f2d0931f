import { describe, expect, it } from 'vitest';
import { tryParseImage } from '../../../src/core/image/reference.ts';
import { isEnvironmentName } from '../../../src/core/manifest/schema.ts';
import { keepRepository, keepTag } from '../../../src/core/docker-names.ts';

const ENVIRONMENTS = ['a', 'a-b', 'a--b', 'a_b', 'a__b', 'a_', 'a__', 'a-', 'a___b', 'a-_b', 'a_-b', '0'];

describe('the tags that keep an image', () => {
  it.each(ENVIRONMENTS)('are in a repository that an engine takes, for environment %s', (environment) => {
    expect(isEnvironmentName(environment)).toBe(true);
    const image = tryParseImage(`${keepRepository(environment)}:${keepTag('web', 'abcdef0123')}`);
    expect(image?.tag).toBe('web-abcdef01');
  });

  it('are of one environment each', () => {
    expect(new Set(ENVIRONMENTS.map(keepRepository)).size).toBe(ENVIRONMENTS.length);
    expect(keepRepository('staging-1')).toBe('supercargo-staging-1');
  });
});
