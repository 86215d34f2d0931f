import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLedgerStore } from '../../../src/adapters/state-dir/ledger-store.ts';
import { runProgram } from '../../../src/cli/program.ts';
import type { Io } from '../../../src/cli/streams.ts';
import { runCommand } from '../../support/command.ts';
import { emptyLedger, withService } from '../../../src/core/state/ledger.ts';
import { releaseOf } from '../../support/release-of.ts';
import { imageIdOf } from '../../support/world.ts';

const place = { folder: '' };
beforeEach(async () => {
  place.folder = await mkdtemp(join(tmpdir(), 'validate-'));
});
afterEach(async () => {
  await rm(place.folder, { recursive: true });
});

const at = (name: string): string => join(place.folder, name);
const put = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(at(name)), { recursive: true });
    await writeFile(at(name), content);
  }
};

/** Exit code and output, in which `DIR` is the test's folder. */
const validate = (...args: readonly string[]): Promise<readonly [code: number, out: string]> =>
  validateIn({}, ...args);

/** The same on a host with these variables. */
const validateIn = async (
  variables: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<readonly [code: number, out: string]> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const own = { NO_COLOR: '1', SUPERCARGO_ENVIRONMENT: 'staging', SUPERCARGO_STATE_DIR: at('state') };
  const env = { ...own, ...variables };
  const io = { stdin: new PassThrough(), stdout, stderr, env, pid: 1 } as unknown as Io;
  const code = await runProgram(
    ['validate', ...args],
    io,
    () => Promise.resolve(io),
    new AbortController().signal,
  );
  const out = [stdout, stderr].map((stream) => String((stream.read() as Buffer | null) ?? '')).join('');
  return [code, out.replaceAll(place.folder, 'DIR')];
};

const envFile = (variables: Readonly<Record<string, string>>): string =>
  Object.entries({
    SUPERCARGO_ENVIRONMENT: 'staging',
    SUPERCARGO_MANIFEST_URL: 'https://deploy.example.com/manifests/staging.json',
    SUPERCARGO_ALLOW_UNSIGNED: 'true',
    SUPERCARGO_HOST: 'web-1',
    SUPERCARGO_TRUST: at('trust.json'),
    SUPERCARGO_STATE_DIR: at('state'),
    DOCKER_CONFIG: at('docker'),
    ...variables,
  })
    .map(([name, value]) => `${name}="${value}"\n`)
    .join('');

/** Makes NAME.pem with NAME.key. */
const makeCertificate = async (name: string): Promise<void> => {
  const kind = ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const files = ['-subj', '/CN=host', '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
  expect((await runCommand('openssl', [...kind, ...files])).code).toBe(0);
};

/** The client certificate one.pem with a key. */
const validatePair = async (key: string): Promise<readonly [code: number, out: string]> => {
  const certificate = { SUPERCARGO_CA: at('other.pem'), SUPERCARGO_CLIENT_CERT: at('one.pem') };
  await put({ 'agent.env': envFile({ ...certificate, SUPERCARGO_CLIENT_KEY: at(key) }) });
  return validate('--env', at('agent.env'));
};

/** Judges these files in the place of the folder etc. */
const staged = async (
  files: Readonly<Record<string, string>>,
): Promise<readonly [code: number, out: string]> => {
  await put(Object.fromEntries(Object.entries(files).map(([name, text]) => [`new/${name}`, text])));
  return validate('--compose', at('new'), '--as', at('etc'));
};

describe('validate --env', () => {
  it('accepts what the agent would start with', async () => {
    await put({ 'agent.env': envFile({}) });
    expect(await validate('--env', at('agent.env'))).toEqual([
      0,
      'ok    DIR/agent.env: staging on web-1\n' +
        'hint  DIR/agent.env: SUPERCARGO_TRUST names DIR/trust.json, which does not exist: unsigned manifests are ' +
        'accepted\n',
    ]);
  });

  it.each([
    [
      'SUPERCARGO_POLL',
      'every ten seconds',
      /:8: SUPERCARGO_POLL is "every ten seconds", which is not a cron/,
    ],
    ['SUPERCARGO_WINDOW', 'sometimes', /:8: SUPERCARGO_WINDOW .*; write windows of the form/],
    ['SUPERCARGO_MANIFEST_URL', 'deploy.example.com/x', /:2: SUPERCARGO_MANIFEST_URL is not a URL; write/],
    ['SUPERCARGO_TRUST', 'trust.json', /:5: SUPERCARGO_TRUST is "trust\.json", which depends on the folder/],
    [
      'SUPERCARGO_ALLOW_UNSIGNED',
      'false',
      /:5: SUPERCARGO_TRUST names DIR\/trust\.json, which does not exist/,
    ],
    ['SUPERCARGO_ENVIRONMENT', '', /:1: SUPERCARGO_ENVIRONMENT is not set; write a name/],
    [
      'SUPERCARGO_CA',
      '/nowhere.pem',
      /:8: SUPERCARGO_CA: the file \/nowhere\.pem does not exist\n {4}→ let the/,
    ],
  ])('names line and remedy of a wrong %s', async (name, value, says) => {
    await put({ 'agent.env': envFile({ [name]: value }) });
    const [code, out] = await validate('--env', at('agent.env'));
    expect(out).toMatch(new RegExp(`^error DIR/agent\\.env${says.source}`));
    expect([code, out.match(/^error/gm)]).toEqual([1, ['error']]);
  });

  it.each([
    ['SUPERCARGO_CA', 'garbage', 'holds no certificate'],
    [
      'SUPERCARGO_CA',
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
      'holds a damaged certificate',
    ],
    ['SUPERCARGO_MANIFEST_CREDENTIALS', 'two words', 'holds no credentials'],
    ['SUPERCARGO_REPORT_TOKEN_FILE', 'two words', 'holds no token'],
  ])('reads the file that %s names, and quotes nothing from it', async (name, content, says) => {
    const reports = name.includes('REPORT') ? { SUPERCARGO_REPORT_URL: 'https://deploy.example.com' } : {};
    await put({ named: content, 'agent.env': envFile({ [name]: at('named'), ...reports }) });
    const [code, out] = await validate('--env', at('agent.env'));
    expect(code).toBe(1);
    expect(out).toContain(`${name}: the file DIR/named ${says}\n    → `);
    expect(out).not.toContain('two words');
  });

  it('reads the trust file and the logins', async () => {
    await put({
      'trust.json': '{"epoch":1,"threshold":1,"keys":[]}',
      'docker/config.json': '{"auths": secret',
      'agent.env': envFile({ SUPERCARGO_ALLOW_UNSIGNED: 'false' }),
    });
    const [code, out] = await validate('--env', at('agent.env'));
    expect(code).toBe(1);
    expect(out).toMatch(
      /:5: SUPERCARGO_TRUST: DIR\/trust\.json is not valid: keys: must name at least one key/,
    );
    expect(out).toMatch(/:7: DOCKER_CONFIG: DIR\/docker\/config\.json is not JSON/);
    expect(out).not.toContain('secret');
  });

  it('tells a certificate with its key from one with another', async () => {
    await makeCertificate('one');
    await makeCertificate('other');
    expect((await validatePair('one.key'))[0]).toBe(0);
    const [code, out] = await validatePair('other.key');
    expect([code, out]).toEqual([
      1,
      expect.stringContaining('holds no private key of the certificate in DIR/one.pem'),
    ]);
  });

  it('refuses another environment than the one that the host runs', async () => {
    await put({ 'agent.env': envFile({}), 'state/x': '' });
    await createLedgerStore(at('state/ledger.json'), 'production').write(emptyLedger('production'));
    const [code, out] = await validate('--env', at('agent.env'));
    expect(code).toBe(1);
    expect(out).toMatch(
      /:1: SUPERCARGO_ENVIRONMENT: this host runs the environment "production", not staging: .*\n {4}→ keep/,
    );
    await put({ 'agent.env': envFile({ SUPERCARGO_ENVIRONMENT: 'production' }) });
    expect((await validate('--env', at('agent.env')))[0]).toBe(0);
  });

  it('judges a folder of new files in their final place', async () => {
    const files = { SUPERCARGO_MANIFEST_CREDENTIALS: at('etc/credentials') };
    await put({ 'etc/credentials': 'a:b', 'new/agent.env': envFile(files), 'new/credentials': 'no good' });
    const [code, out] = await validate('--env', at('new/agent.env'), '--as', at('etc'));
    expect([code, out]).toEqual([
      1,
      'error DIR/etc/agent.env:8: SUPERCARGO_MANIFEST_CREDENTIALS: the file DIR/etc/credentials holds no ' +
        'credentials\n    → write one line into it: user:password, or Bearer TOKEN\n',
    ]);
  });

  it('says so if the file cannot be read', async () => {
    expect(await validate('--env', at('none'))).toEqual([1, 'error DIR/none: does not exist\n']);
  });

  it('needs a new file for --as', async () => {
    const [code, out] = await validate('--as', at('etc'));
    expect([code, out]).toEqual([1, expect.stringContaining('--as needs --compose or --env')]);
  });
});

const fixedNetwork = (more: string): string =>
  `networks: {back: {${more}ipam: {config: [{subnet: 10.2.9.0/24}]}}}`;

describe('validate --compose FOLDER --as FOLDER', () => {
  it('judges the whole set, and names final places', async () => {
    await put({ 'etc/compose.d/old.yaml': 'services: {old: {image: org/x, ports: ["80:80"]}}' });
    expect(
      await staged({
        'compose.d/new.yaml': 'services: {new: {image: org/x, ports: ["80:80"]}}',
        'compose.d/old.yaml': 'services: {old: {image: org/x}}',
      }),
    ).toEqual([0, 'ok    DIR/etc: 2 services: new, old\n']);
    const [code, out] = await staged({ 'compose.d/new.yaml': 'services: {new: {imgae: x}}' });
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(/^error DIR\/etc\/compose\.d\/new\.yaml:1:18: .*imgae/m),
    ]);
  });

  it('takes a removed file for removed', async () => {
    await put({
      'etc/compose.d/net.yaml': 'networks: {back: {}}',
      'etc/compose.d/web.yaml': 'services: {web: {image: org/x, networks: [back]}}',
    });
    const [code, out] = await staged({
      'compose.d/web.yaml': 'services: {web: {image: org/x, networks: [back]}}',
    });
    expect([code, out]).toEqual([1, expect.stringContaining('"back"')]);
  });

  it('reads what the files name among the new files first, then where they will be', async () => {
    await put({ 'etc/old.env': 'A=1', 'etc/new.env': '=' });
    const text = 'services: {web: {image: org/x, env_file: [old.env, new.env]}}';
    expect(await staged({ 'compose.d/web.yaml': text, 'new.env': 'B=1' })).toEqual([
      0,
      'ok    DIR/etc: 1 service: web\n',
    ]);
  });

  it('refuses to leave none of the declared services, unless allow-empty is set', async () => {
    await put({ 'etc/compose.d/web.yaml': 'services: {web: {image: org/x}}' });
    const renamed = { 'compose.d/web.yaml': 'services: {site: {image: org/x}}' };
    const [code, out] = await staged(renamed);
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(
        /^error DIR\/etc: names none of the services .* \(web\): .*\n {4}→ .*allow-empty: true/,
      ),
    ]);
    await rm(at('new'), { recursive: true });
    await mkdir(at('new'));
    expect((await validate('--compose', at('new'), '--as', at('etc')))[1]).toContain('allow-empty: true');
    const allowed = `${renamed['compose.d/web.yaml']}\nx-supercargo: {allow-empty: true}`;
    expect((await staged({ 'compose.d/web.yaml': allowed }))[0]).toBe(0);
  });

  it('refuses a network that cannot stand beside the one in use here', async () => {
    const release = releaseOf('networks: [back]', undefined, fixedNetwork(''));
    const good = [{ release, imageId: imageIdOf('org/web:1'), goodAtMs: 0, completed: false }];
    await put({ 'state/x': '' });
    await createLedgerStore(at('state/ledger.json'), 'staging').write(
      withService(emptyLedger('staging'), 'web', { good }),
    );
    const file = (more: string): Readonly<Record<string, string>> => ({
      'compose.d/web.yaml': `services: {web: {image: org/web, networks: [back]}}\n${fixedNetwork(more)}`,
    });
    expect((await staged(file('')))[0]).toBe(0);
    expect(await staged(file('internal: true, '))).toEqual([
      1,
      expect.stringMatching(/^error DIR\/etc: the network back keeps its old definition: .*\n {4}→ choose/m),
    ]);
    const renamed = (more: string): Readonly<Record<string, string>> => ({
      'compose.d/web.yaml': (file(more)['compose.d/web.yaml'] ?? '').replaceAll('back', 'rear'),
    });
    expect((await staged(renamed('')))[0]).toBe(0);
    expect(await staged(renamed('internal: true, '))).toEqual([
      1,
      expect.stringMatching(
        /^error DIR\/etc: the network rear has a subnet of the network back, .*\n {4}→ write/m,
      ),
    ]);
    // The host's own ledger says nothing about a file for another host.
    expect((await validate('--compose', at('new')))[0]).toBe(0);
  });
});

const fleetHint = (lacks: string): string =>
  `hint  DIR/compose.yaml: migrate runs once in the fleet, and waits until there is ${lacks}\n`;

describe('validate of a job that runs once in the fleet', () => {
  const COMPOSE = `
services:
  migrate: {image: org/app, restart: "no", x-supercargo: {once: fleet}}
  web: {image: org/app, depends_on: {migrate: {condition: service_completed_successfully}}}
`;
  const OK = 'ok    DIR/compose.yaml: 2 services: migrate, web\n';
  const HOST = {
    SUPERCARGO_MANIFEST_URL: 'https://deploy.example.com/manifests/staging.json',
    SUPERCARGO_ALLOW_UNSIGNED: 'true',
    SUPERCARGO_HOST: 'web-1',
  };
  const REPORTS = {
    SUPERCARGO_REPORT_URL: 'https://deploy.example.com',
    SUPERCARGO_REPORT_TOKEN: 'x'.repeat(64),
  };
  const PACE = 'a pace in the manifest (supercargo pace ENV) or SUPERCARGO_TURNS=always on the host';

  it('says elsewhere what it needs', async () => {
    await put({ 'compose.yaml': COMPOSE });
    expect(await validate('--compose', at('compose.yaml'))).toEqual([
      0,
      OK + fleetHint(`SUPERCARGO_REPORT_URL on the host, and ${PACE}`),
    ]);
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['without a store', { SUPERCARGO_TURNS: 'always' }, fleetHint('SUPERCARGO_REPORT_URL on the host')],
    ['without a pace', REPORTS, fleetHint(PACE)],
    ['with both', { ...REPORTS, SUPERCARGO_TURNS: 'always' }, ''],
  ])('says on its host what it lacks: %s', async (_what, variables, expected) => {
    await put({ 'new.yaml': COMPOSE });
    const args = ['--compose', at('new.yaml'), '--as', at('compose.yaml')];
    expect(await validateIn({ ...HOST, ...variables }, ...args)).toEqual([0, OK + expected]);
  });
});
