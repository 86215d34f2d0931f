import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderExample } from '../../../src/config/example.ts';
import { AGENT_SPECS } from '../../../src/config/specs.ts';
import { VARIABLE_ENTRIES } from '../../../src/config/agent-variables.ts';

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
    const operators = VARIABLE_ENTRIES.filter(([, variable]) => variable.setBy === 'operator');
    expect(parseEnv(uncommented)).toEqual(
      Object.fromEntries(operators.map(([name, variable]) => [name, variable.example])),
    );
    expect(uncommented.match(/^[A-Z_]+=/gm)).toHaveLength(operators.length);
  });
});

describe('the table of variables', () => {
  it('holds exactly what is read', () => {
    const names = VARIABLE_ENTRIES.map(([name]) => name);
    expect(names.toSorted()).toEqual(Object.keys(AGENT_SPECS).toSorted());
  });

  it('states the defaults that are read', () => {
    const stated = Object.fromEntries(VARIABLE_ENTRIES.map(([name, variable]) => [name, variable.default]));
    const { SUPERCARGO_COMPOSE, SUPERCARGO_TRUST, SUPERCARGO_SOCKET, SUPERCARGO_POLL, SUPERCARGO_LOG_LEVEL } =
      AGENT_SPECS;
    const { SUPERCARGO_KEEP_RELEASES, SUPERCARGO_ALLOW_UNSIGNED } = AGENT_SPECS;
    expect(stated).toMatchObject({
      SUPERCARGO_COMPOSE: SUPERCARGO_COMPOSE.default,
      SUPERCARGO_TRUST: SUPERCARGO_TRUST.default,
      SUPERCARGO_SOCKET: SUPERCARGO_SOCKET.default,
      SUPERCARGO_POLL: SUPERCARGO_POLL.default,
      SUPERCARGO_LOG_LEVEL: SUPERCARGO_LOG_LEVEL.default,
      SUPERCARGO_KEEP_RELEASES: String(SUPERCARGO_KEEP_RELEASES.default),
      SUPERCARGO_ALLOW_UNSIGNED: String(SUPERCARGO_ALLOW_UNSIGNED.default),
    });
  });
});
