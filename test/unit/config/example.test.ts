import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderExample } from '../../../src/config/example.ts';
import { OPERATOR_ENTRIES } from '../../../src/config/agent-variables.ts';

describe('the shipped example environment file', () => {
  it('is what the table of variables says', async () => {
    const shipped = await readFile(new URL('../../../systemd/agent.env.example', import.meta.url), 'utf8');
    expect(shipped).toBe(renderExample());
  });

  it('sets only what must be set', () => {
    expect(parseEnv(renderExample())).toEqual({
      SUPERCARGO_ENVIRONMENT: 'staging',
      SUPERCARGO_MANIFEST_URL: 'https://deploy.example.com/manifests/staging.json',
    });
  });

  it('names every variable of an operator once, and each line without its # is valid', () => {
    const uncommented = renderExample().replaceAll(/^#(?=[A-Z_]+=)/gm, '');
    expect(parseEnv(uncommented)).toEqual(
      Object.fromEntries(OPERATOR_ENTRIES.map(([name, variable]) => [name, variable.example])),
    );
    expect(uncommented.match(/^[A-Z_]+=/gm)).toHaveLength(OPERATOR_ENTRIES.length);
  });
});
