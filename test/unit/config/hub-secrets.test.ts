import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readReportSecret } from '../../../src/config/hub-config.ts';
import { readHubSecrets } from '../../../src/config/hub-secrets.ts';
import { readPublisherConfig } from '../../../src/config/publisher-config.ts';
import { runCommand } from '../../support/command.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);
const C = 'c'.repeat(32);

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-secrets-'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const file = async (text: string, mode = 0o640): Promise<string> => {
  const path = join(folder, `secret-${String(Math.random()).slice(2)}`);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
};

describe('the file of a secret', () => {
  it.each([
    ['one line', A, [A]],
    ['one line and its end', `${A}\n`, [A]],
    ['two lines', `${A}\n${B}\n`, [A, B]],
    ['lines of another system', `${A}\r\n${B}\r\n`, [A, B]],
  ])('holds %s', async (_what, text, lines) => {
    const path = await file(text);
    const { secrets, warnings } = await readHubSecrets({
      SUPERCARGO_PUBLISH_TOKEN_FILE: path,
      SUPERCARGO_REPORT_SECRET: C,
    });
    expect([secrets.publishTokens, secrets.reportSecrets, warnings]).toEqual([lines, [C], []]);
  });

  it.each([
    ['SUPERCARGO_PUBLISH_TOKEN_FILE', 'publishTokens'],
    ['SUPERCARGO_REPORT_SECRET_FILE', 'reportSecrets'],
    ['SUPERCARGO_READ_TOKEN_FILE', 'readTokens'],
  ] as const)('%s holds two during a rotation', async (variable, member) => {
    const { secrets } = await readHubSecrets({ [variable]: await file(`${A}\n${B}\n`) });
    expect(secrets[member]).toEqual([A, B]);
  });

  it('gives other commands its first line', async () => {
    const path = await file(`${A}\n${B}\n`);
    expect(readReportSecret({ SUPERCARGO_REPORT_SECRET_FILE: path })).toBe(A);
    expect(readPublisherConfig({ SUPERCARGO_PUBLISH_TOKEN_FILE: path }).publishToken).toBe(A);
  });

  it.each([
    ['nothing', '', /one word of visible ASCII/],
    ['three lines', `${A}\n${B}\n${C}\n`, /has more than two lines/],
    ['an empty line', `${A}\n\n`, /one word of visible ASCII/],
    ['two words', `${A} ${B}\n`, /one word of visible ASCII/],
    ['more than a secret', A.repeat(200), /is larger than 4 KiB/],
    ['the same twice', `${A}\n${A}\n`, /two of the hub’s secrets are the same/],
  ])('is refused with %s in it', async (_what, text, message) => {
    const reading = readHubSecrets({ SUPERCARGO_READ_TOKEN_FILE: await file(text) });
    await expect(reading).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringMatching(message) as string,
      advice: expect.not.stringContaining(A) as string,
    });
    await expect(reading).rejects.not.toMatchObject({ message: expect.stringContaining(A) as string });
  });

  it('must be a regular file: the hub reads it again', async () => {
    const pipe = join(folder, 'pipe');
    expect((await runCommand('mkfifo', [pipe])).code).toBe(0);
    for (const path of [pipe, '/dev/zero', folder])
      await expect(readHubSecrets({ SUPERCARGO_READ_TOKEN_FILE: path })).rejects.toThrow(
        /is not a regular file/,
      );
  });
});

describe('the tokens of environments', () => {
  it('are rows; two of one environment count', async () => {
    const path = await file(`# tokens\n\nstaging ${A}\n  production\t${B}\r\nstaging ${C}\n`);
    const { secrets } = await readHubSecrets({ SUPERCARGO_PUBLISH_TOKENS_FILE: path });
    expect(secrets.environmentTokens).toEqual([
      { environment: 'staging', token: A, isPrevious: false },
      { environment: 'production', token: B, isPrevious: false },
      { environment: 'staging', token: C, isPrevious: true },
    ]);
  });

  it.each([
    ['no token', 'staging\n', /line 1 of .* is not an environment and a token/],
    ['a word more', `staging ${A} ${B}\n`, /line 1 of/],
    ['a token alone', `# all\n${A}\n`, /line 2 of/],
    ['a name of no environment', `Staging ${A}\n`, /line 1 of/],
    ['a token that is not ASCII', 'staging tökentökentöken\n', /line 1 of/],
    ['three of one', `staging ${A}\nstaging ${B}\nstaging ${C}\n`, /line 3 of .* third token of staging/],
    ['one for two', `staging ${A}\nproduction ${A}\n`, /two of the hub’s secrets are the same/],
  ])('are refused with %s', async (_what, text, message) => {
    const reading = readHubSecrets({ SUPERCARGO_PUBLISH_TOKENS_FILE: await file(text) });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.not.toThrow(A);
  });

  it('are no other secret of the hub', async () => {
    const path = await file(`staging ${A}\n`);
    const reading = readHubSecrets({ SUPERCARGO_PUBLISH_TOKENS_FILE: path, SUPERCARGO_READ_TOKEN: A });
    await expect(reading).rejects.toThrow(/two of the hub’s secrets are the same/);
  });

  it('are warned of if they are short, or open to all', async () => {
    const path = await file('staging short\n', 0o644);
    const { warnings } = await readHubSecrets({ SUPERCARGO_PUBLISH_TOKENS_FILE: path });
    expect(warnings).toEqual([
      `SUPERCARGO_PUBLISH_TOKENS_FILE: every user can read ${path}; chmod 640 it`,
      'SUPERCARGO_PUBLISH_TOKENS_FILE: the token of staging is shorter than 16 characters: ' +
        'make one with openssl rand -hex 32',
    ]);
  });
});

describe('the revoked hosts', () => {
  it('are rows of environment, host and the lowest generation that counts', async () => {
    const path = await file('# stolen\nstaging web-1\nproduction web-1.example.com 2\n', 0o644);
    const { secrets, warnings } = await readHubSecrets({ SUPERCARGO_REVOKED_HOSTS_FILE: path });
    expect(secrets.revokedHosts).toEqual([
      { environment: 'staging', host: 'web-1', leastGeneration: undefined },
      { environment: 'production', host: 'web-1.example.com', leastGeneration: 2 },
    ]);
    expect(warnings).toEqual([]);
  });

  it.each([
    ['an environment alone', 'staging\n', /line 1 of .* is not an environment and a host/],
    ['a name of no host', 'staging ../web\n', /line 1 of/],
    ['a generation in words', 'staging web-1 two\n', /line 1 of/],
    ['generation 0, which refuses nothing', 'staging web-1 0\n', /line 1 of/],
    ['a word more', 'staging web-1 2 3\n', /line 1 of/],
    ['a host twice', 'staging web-1\n\nstaging web-1 2\n', /line 3 of .* names staging web-1 again/],
  ])('are refused with %s', async (_what, text, message) => {
    const reading = readHubSecrets({ SUPERCARGO_REVOKED_HOSTS_FILE: await file(text) });
    await expect(reading).rejects.toThrow(message);
  });

  it('are read from a file that is there', async () => {
    const reading = readHubSecrets({ SUPERCARGO_REVOKED_HOSTS_FILE: join(folder, 'nothing') });
    await expect(reading).rejects.toThrow(
      /SUPERCARGO_REVOKED_HOSTS_FILE names .*nothing, which does not exist/,
    );
  });
});
