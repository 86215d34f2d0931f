import { describe, expect, it } from 'vitest';
import { specHash } from '../../../../src/core/compose/release-spec.ts';
import { resolveHost } from '../../../../src/core/state/desired.ts';
import type { ReleaseSpec } from '../../../../src/core/state/release.ts';
import { withoutValues } from '../../../../src/core/state/redact.ts';
import { emptyLedger } from '../../../../src/core/state/ledger.ts';
import { FOLDER, projectOf, webFile } from '../compose/parsing.ts';

const ENV = { [`${FOLDER}/.env`]: { kind: 'text', text: "S='zQ7wVx3K'\nDIR=/srv/zQ7wVx3K\n" } } as const;

const specOf = (lines: string): ReleaseSpec => {
  const project = projectOf(webFile(`image: org/web:1\n${lines}`).replace('    image: org/web\n', ''), ENV);
  const id = 'sha256:0';
  const tags = { 'org/web:1#0': { kind: 'image', imageId: id, serial: 0 } } as never;
  const ledger = { ...emptyLedger('test'), tags };
  const desired = resolveHost({ project, manifest: undefined, ledger, platform: 'linux/amd64' }).services[
    'web'
  ];
  if (desired?.kind !== 'release') throw new Error(JSON.stringify(desired));
  return desired.release.spec;
};

describe('the engine’s words about a container', () => {
  it.each([
    [
      'environment: {P: zQ7wVx3K}',
      'invalid environment variable: P=zQ7wVx3K',
      'invalid environment variable: P=[value of P]',
    ],
    ['environment: {P: "zQ\\"7\\nK"}', 'bad value "P=zQ\\"7\\nK"', 'bad value "P=[value of P]"'],
    [
      'logging: {driver: syslog, options: {tag: zQ7wVx3K}}',
      "invalid tag: 'zQ7wVx3K'",
      "invalid tag: '[log option tag]'",
    ],
    [
      'logging: {options: {addr: "tcp://a:zQ7wVx3K@h:bad7"}}',
      'parse: invalid port "bad7" after host',
      'parse: invalid port [log option addr] after host',
    ],
    [
      'sysctls: {net.x: zQ7wVx3K}',
      'write sysctl: zQ7wVx3K: invalid',
      'write sysctl: [sysctl net.x]: invalid',
    ],
    [
      'command: ["nope", "--pass=zQ7wVx3K"]',
      'exec: "nope": executable file not found',
      'exec: "nope": executable file not found',
    ],
    [
      'command: ["nope", "--pass=zQ7wVx3K"]',
      'cannot run [nope --pass=zQ7wVx3K]',
      'cannot run [nope [word 2 of command]]',
    ],
    [
      'command: ["${S}"]',
      'exec: "zQ7wVx3K": executable file not found',
      'exec: "[value of S]": executable file not found',
    ],
    ['user: "${S}"', 'unable to find user zQ7wVx3K: no such', 'unable to find user [value of S]: no such'],
    [
      'volumes: ["${DIR}/a:/b"]',
      'bind source path does not exist: /srv/zQ7wVx3K/a',
      'bind source path does not exist: [value of DIR]/a',
    ],
    [
      'volumes: ["/srv/data:/b"]',
      'bind source path does not exist: /srv/data',
      'bind source path does not exist: /srv/data',
    ],
    ['environment: {A: "80"}', 'port 80 is already allocated', 'port 80 is already allocated'],
  ])('with %s', (lines, words, expected) => {
    expect(withoutValues(words, [specOf(lines)])).toBe(expected);
  });

  it('keep a hash what it was: what variables hold determines nothing', () => {
    const [written, filled] = ['user: zQ7wVx3K', 'user: "${S}"'].map((lines) =>
      projectOf(webFile(lines), ENV),
    );
    const hashes = [written, filled].map((p) => p?.services['web'] && specHash(p.services['web'], p));
    expect(hashes[0]).toBe(hashes[1]);
  });
});
