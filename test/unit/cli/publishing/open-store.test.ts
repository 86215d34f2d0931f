import { describe, expect, it } from 'vitest';
import { openStore } from '../../../../src/cli/publishing/open-store.ts';
import { readPublisherConfig } from '../../../../src/config/publisher-config.ts';

const open = async (to: string | undefined, env: Readonly<Record<string, string>> = {}) =>
  (await openStore(to === undefined ? {} : { to }, readPublisherConfig(env))).documents;

describe('--to', () => {
  it.each([
    ['https://deploy.example.com/', 'https://deploy.example.com'],
    ['HTTP://deploy.example.com/base', 'http://deploy.example.com/base'],
    ['/srv/store', '/srv/store'],
    ['file:///srv/a%20store', '/srv/a store'],
    ['./store:2', `${process.cwd()}/store:2`],
  ])('%s is a store', async (to, name) => {
    expect((await open(to)).name).toBe(name);
  });

  it('may be left to SUPERCARGO_STORE', async () => {
    expect((await open(undefined, { SUPERCARGO_STORE: 'https://a.example.com' })).name).toBe(
      'https://a.example.com',
    );
  });

  it.each([
    ['nowhere', undefined, /no store is given/],
    ['another protocol', 'ftp://deploy.example.com', /cannot be reached by ftp:/],
    ['half an address', 'https://', /is not a valid store address/],
    ['a password', 'https://user:secret@deploy.example.com', /holds a password/],
  ])('is refused with %s', async (_what, to, says) => {
    const error = await open(to).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringMatching(says) as string });
    expect(JSON.stringify(error)).not.toContain('secret');
  });
});
