import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import { runCommand, startService, type CommandResult, type Service } from '../../support/command.ts';
import { eventually } from '../../support/poll.ts';
import { hostStatus } from '../../support/status.ts';
import { bearer, manifestText, PUBLISH, SECRET } from '../hub/scene.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');
const secrets = { SUPERCARGO_PUBLISH_TOKEN: PUBLISH, SUPERCARGO_REPORT_SECRET: SECRET };

let folder = '';
const services: Service[] = [];
const env = (more: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: folder,
  ...secrets,
  ...more,
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-cli-hub-'));
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.kill()));
  await rm(folder, { recursive: true, force: true });
});

const logFile = (): string => join(folder, 'log');
const logged = async (): Promise<string> => readFile(logFile(), 'utf8');

interface Started {
  readonly url: string;
  readonly service: Service;
}

/** On a port that the system chose: the log tells it. */
const start = async (args: readonly string[] = [], more: Record<string, string> = {}): Promise<Started> => {
  await rm(logFile(), { force: true });
  const words = [main, 'hub', '--listen', '127.0.0.1:0', '--data', join(folder, 'data'), ...args];
  const service = startService(process.execPath, words, { env: env(more), logFile: logFile() });
  services.push(service);
  const url = await eventually(async () => /"url":"([^"]+)"/.exec(await logged())?.[1], {
    describe: async () => `the hub says where it listens; its log:\n${await logged()}`,
  });
  return { url, service };
};

const hub = (args: readonly string[], more: Record<string, string> = {}): Promise<CommandResult> =>
  runCommand(process.execPath, [main, 'hub', ...args], { env: env(more) });

const put = (url: string, path: string, body: string, token = PUBLISH): Promise<Response> =>
  fetch(`${url}${path}`, { method: 'PUT', body, headers: bearer(token) });

describe('supercargo hub', { timeout: 60_000 }, () => {
  it('serves until SIGTERM, and then ends with 0 and answers held polls', async () => {
    const { url, service } = await start();
    const published = await put(url, '/manifests/staging.json', manifestText('staging', 1));
    expect(published.status).toBe(201);
    const headers = { 'if-none-match': published.headers.get('etag') ?? '', prefer: 'wait=300' };
    const poll = fetch(`${url}/manifests/staging.json`, { headers });
    await eventually(
      async () => (await (await fetch(`${url}/metrics`)).text()).includes('supercargo_hub_held_polls 1'),
      { describe: () => 'the poll is held' },
    );
    expect(await service.stop()).toBe(0);
    expect((await poll).status).toBe(304);
    const log = await logged();
    expect(log).toMatch(/"event":"hub.stopped"/);
    for (const secret of [PUBLISH, SECRET]) expect(log).not.toContain(secret);
  });

  it('shows the page', async () => {
    const { url } = await start();
    const page = await fetch(url);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  });

  it('has its folder for itself', async () => {
    await start();
    const second = await hub(['--listen', '127.0.0.1:0', '--data', join(folder, 'data')]);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/another hub is at work in .*data \(STORE\)/);
  });

  it('speaks TLS, and takes a renewed certificate at SIGHUP', async () => {
    const [cert, key] = [join(folder, 'hub.crt'), join(folder, 'hub.key')];
    const make = async (name: string): Promise<void> => {
      const subject = ['-subj', `/CN=${name}`, '-days', '1'];
      const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
      await run('openssl', ['req', '-x509', ...algorithm, ...subject, '-keyout', key, '-out', cert]);
    };
    await make('first');
    const { url, service } = await start(['--tls-cert', cert, '--tls-key', key]);
    expect(url).toMatch(/^https:/);
    const nameOf = (): Promise<string> =>
      new Promise((resolve, reject) => {
        request(`${url}/healthz`, { rejectUnauthorized: false, agent: false }, (answer) => {
          const { socket } = answer as unknown as {
            socket: { getPeerCertificate: () => { subject: { CN: string } } };
          };
          answer.resume();
          resolve(socket.getPeerCertificate().subject.CN);
        })
          .once('error', reject)
          .end();
      });
    expect(await nameOf()).toBe('first');
    await writeFile(cert, 'garbage');
    process.kill(service.pid, 'SIGHUP');
    await eventually(async () => (await logged()).includes('the certificate is not renewed'), {
      describe: logged,
    });
    expect(await nameOf()).toBe('first');
    await make('second');
    process.kill(service.pid, 'SIGHUP');
    await eventually(async () => (await nameOf()) === 'second', { describe: logged });
  });

  it('takes new secrets at SIGHUP while a poll is held, and keeps the old ones if the new are wrong', async () => {
    const [publishFile, tableFile] = [join(folder, 'publish'), join(folder, 'environments')];
    await writeFile(publishFile, `${PUBLISH}\n`);
    await writeFile(tableFile, '');
    const { url, service } = await start([], {
      SUPERCARGO_PUBLISH_TOKEN: '',
      SUPERCARGO_PUBLISH_TOKEN_FILE: publishFile,
      SUPERCARGO_PUBLISH_TOKENS_FILE: tableFile,
    });
    const publish = async (serial: number, token: string): Promise<number> =>
      (await put(url, '/manifests/staging.json', manifestText('staging', serial), token)).status;
    const hangUp = async (line: string): Promise<void> => {
      const before = (await logged()).length;
      process.kill(service.pid, 'SIGHUP');
      await eventually(async () => (await logged()).slice(before).includes(line), { describe: logged });
    };
    const published = await put(url, '/manifests/staging.json', manifestText('staging', 1));
    const headers = { 'if-none-match': published.headers.get('etag') ?? '', prefer: 'wait=300' };
    const poll = fetch(`${url}/manifests/staging.json`, { headers });
    await eventually(
      async () => (await (await fetch(`${url}/metrics`)).text()).includes('supercargo_hub_held_polls 1'),
      { describe: () => 'the poll is held' },
    );
    const [next, staging] = ['next-publish-token-of-the-tests', 'staging-token-of-the-tests'];
    await writeFile(publishFile, `${next}\n${PUBLISH}\nthird-line\n`);
    await hangUp('the secrets are not renewed, the old ones count');
    expect(await publish(2, next)).toBe(401);
    await writeFile(publishFile, `${next}\n${PUBLISH}\n`);
    await hangUp('"event":"hub.renewed"');
    await writeFile(publishFile, `${next}\n`);
    await writeFile(tableFile, `staging ${staging}\n`);
    await hangUp('"event":"hub.renewed"');
    expect(await publish(2, PUBLISH)).toBe(401);
    expect(await publish(2, staging)).toBe(204);
    expect(await (await poll).json()).toMatchObject({ serial: 2 });
    for (const secret of [PUBLISH, next, staging]) expect(await logged()).not.toContain(secret);
  });

  it('reads secrets from files, and warns of what is weak', async () => {
    const file = join(folder, 'token');
    await writeFile(file, 'short\n');
    await chmod(file, 0o644);
    const more = { SUPERCARGO_PUBLISH_TOKEN: '', SUPERCARGO_PUBLISH_TOKEN_FILE: file };
    const { url } = await start([], more);
    const answer = await put(url, '/manifests/staging.json', manifestText('staging', 1), 'short');
    expect(answer.status).toBe(201);
    const log = await logged();
    expect(log).toMatch(/SUPERCARGO_PUBLISH_TOKEN is shorter than 16 characters/);
    expect(log).toMatch(/every user can read/);
  });

  it.each([
    ['an address', ['--listen', '8440'], {}, /"8440" is not a listen address/],
    ['a limit', ['--max-hosts', '0'], {}, /"0" is not a valid --max-hosts/],
    ['a time', ['--forget-after', '9m'], {}, /"9m" is too short for --forget-after/],
    ['a folder', ['--data', '/proc/nope'], {}, /cannot make the folder \/proc\/nope/],
    ['a certificate without key', ['--tls-cert', 'x'], {}, /give both --tls-cert and --tls-key/],
    [
      'a certificate that is none',
      ['--tls-cert', main, '--tls-key', main],
      {},
      /the certificate cannot be used/,
    ],
    ['a trust file', ['--trust', '/nonexistent/trust.json'], {}, /trust\.json does not exist/],
    [
      'a secret file',
      [],
      { SUPERCARGO_READ_TOKEN_FILE: '/nonexistent/t' },
      /names \/nonexistent\/t, which does not exist/,
    ],
    ['a secret twice', [], { SUPERCARGO_READ_TOKEN: PUBLISH }, /two of the hub’s secrets are the same/],
    ['a secret and its file', [], { SUPERCARGO_PUBLISH_TOKEN_FILE: '/x' }, /are both set/],
    ['a secret of two words', [], { SUPERCARGO_READ_TOKEN: 'a b' }, /one word of visible ASCII/],
  ] as const)('says what is wrong with %s and ends with 1', async (_what, args, more, says) => {
    const { code, stderr } = await hub(
      ['--data', join(folder, 'data'), '--listen', '127.0.0.1:0', ...args],
      more,
    );
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/→ /);
    expect(code).toBe(1);
  });
});

const data = (): string => join(folder, 'data');

describe('the trust file of a hub', { timeout: 60_000 }, () => {
  it('is trust.json in its folder; without one the hub says what it takes', async () => {
    const { url } = await start();
    expect(await logged()).toMatch(/there is no trust file: .*data\/trust\.json/);
    const publish = async (serial: number): Promise<number> =>
      (await put(url, '/manifests/staging.json', manifestText('staging', serial))).status;
    expect(await publish(1)).toBe(201);
    // From here on it counts, without a restart, and it does not go away unseen.
    const { publicKey } = generateKeyPairSync('ed25519');
    const key = { name: 'jenkins', publicKey: publicKey.export({ format: 'pem', type: 'spki' }) };
    await writeFile(join(data(), 'trust.json'), JSON.stringify({ epoch: 1, threshold: 1, keys: [key] }));
    expect(await publish(2)).toBe(422);
    await rm(join(data(), 'trust.json'));
    expect(await publish(3)).toBe(500);
  });
});

const damaged = async (): Promise<void> => {
  const { url, service } = await start();
  for (const serial of [1, 2]) await put(url, '/manifests/staging.json', manifestText('staging', serial));
  await service.stop();
  await writeFile(join(data(), 'manifests/staging.json'), '{');
};
const repair = async (...args: readonly string[]): Promise<CommandResult> =>
  hub(['repair', 'staging', '--data', data(), ...args]);
const place = async (): Promise<string> => readFile(join(data(), 'manifests/staging.json'), 'utf8');

describe('supercargo hub repair', { timeout: 60_000 }, () => {
  it('says what it would do, does it, and then finds all in order', async () => {
    await damaged();
    const dry = await repair('--dry-run');
    expect(dry.stdout).toMatch(/staging\.json would be set aside as .*set-aside.*would be serial 2/s);
    expect([dry.code, await place()]).toEqual([0, '{']);
    const done = await repair('--json');
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({
      apiVersion: 'supercargo/hub-repair/v1',
      serial: 2,
      dryRun: false,
      changes: [{ kind: 'set-aside', path: 'manifests/staging.json' }, { kind: 'restored' }],
    });
    expect(await place()).toBe(manifestText('staging', 2));
    expect((await repair()).stdout).toBe('staging is in order: its current manifest is serial 2\n');
  });

  it('leaves the folder of a running hub alone, and looks into it all the same', async () => {
    await damaged();
    await start();
    const refused = await repair();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/a hub is at work in .*data \(STORE\)\n.*stop the hub/);
    expect((await repair('--dry-run')).stdout).toContain('would be serial 2');
    expect(await place()).toBe('{');
  });

  it.each([
    [['repair', 'Staging'], /not a valid environment name/],
    [['repair', 'staging', '--data', '/nonexistent'], /is not the folder of a hub/],
  ] as const)('%j says what is wrong', async (args, says) => {
    const { code, stderr } = await hub(args);
    expect([code, stderr]).toEqual([1, expect.stringMatching(says)]);
  });
});

describe('supercargo hub migrate', { timeout: 60_000 }, () => {
  it('leaves the folder of a running hub alone, and needs a database', async () => {
    await start();
    const migrate = ['migrate', '--data', data()];
    const refused = await hub([...migrate, '--store', 'postgres://hub@127.0.0.1:1/none']);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/a hub is at work in .*data \(STORE\)\n.*to migrate, stop the hub/),
    ]);
    expect((await hub(migrate)).stderr).toMatch(/no database is given \(USAGE\)\n.*--store/);
  });
});

describe('supercargo hub doctor', { timeout: 60_000 }, () => {
  it('checks what a hub has and the one that runs', async () => {
    const { url } = await start();
    const listen = new URL(url).host;
    const { code, stdout } = await hub(['doctor', '--listen', listen, '--data', data(), '--json']);
    const { apiVersion, checks } = JSON.parse(stdout) as {
      apiVersion: string;
      checks: readonly { name: string; result: string; message: string }[];
    };
    expect([code, apiVersion]).toEqual([0, 'supercargo/doctor/v1']);
    const lines = checks.map(({ result, name, message }) => `${result} ${name}: ${message}`);
    expect(lines).toContain('ok secrets: publish token, report secret');
    expect(lines).toContain('ok lock: a hub is at work in the folder');
    expect(lines).toContain(`ok hub: ${url} answers`);
    expect(lines.join('\n')).toMatch(/^(ok|hint) files: the hub may have \d+ open/m);
    for (const secret of [PUBLISH, SECRET]) expect(stdout).not.toContain(secret);
  });

  it('ends with 1 and has advice where something keeps the hub from its work', async () => {
    const file = { SUPERCARGO_PUBLISH_TOKEN: '', SUPERCARGO_PUBLISH_TOKEN_FILE: '/nonexistent' };
    const { code, stdout } = await hub(['doctor', '--listen', '127.0.0.1:1', '--data', folder], file);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^problem secrets: .*\n {2}→ /m)]);
    expect(stdout).toMatch(/^hint {4}hub: none answers at http:\/\/127\.0\.0\.1:1/m);
  });
});

describe('supercargo hub token', () => {
  it('prints the token of a host', async () => {
    const { code, stdout } = await hub(['token', 'staging', 'web-1.example.com']);
    expect([code, stdout]).toEqual([0, `${hostToken(SECRET, 'staging', 'web-1.example.com')}\n`]);
  });

  it('prints the token of a generation, from the first of two secrets', async () => {
    const path = join(folder, 'report');
    await writeFile(path, `new-${SECRET}\n${SECRET}\n`, { mode: 0o600 });
    const more = { SUPERCARGO_REPORT_SECRET: '', SUPERCARGO_REPORT_SECRET_FILE: path };
    const { code, stdout } = await hub(['token', 'staging', 'web-1', '--generation', '2'], more);
    expect([code, stdout]).toEqual([0, `${hostToken(`new-${SECRET}`, 'staging', 'web-1', 2)}\n`]);
  });

  it.each([
    [['token', 'staging', 'web-1', '--generation', '-1'], {}, /"-1" is not a valid --generation/],
    [['token', 'Staging', 'web-1'], {}, /not a valid environment name/],
    [['token', 'staging', '../web'], {}, /not a valid host name/],
    [['token', 'staging', 'web-1'], { SUPERCARGO_REPORT_SECRET: '' }, /SUPERCARGO_REPORT_SECRET is not set/],
    [['token', 'staging'], {}, /missing required argument 'host'/],
  ] as const)('%j with %j says what is missing', async (args, more, says) => {
    const { code, stderr } = await hub(args, more);
    expect(stderr).toMatch(says);
    expect(code).toBe(1);
  });
});

const at = (report: string): number => Date.parse((JSON.parse(report) as { at: string }).at);
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Writes until nobody answers, and notes what was acknowledged. */
const writeUntilDeath = (url: string, from: number) => {
  const acknowledged = { serial: 0, reports: new Map<string, string>() };
  const publishing = async (): Promise<void> => {
    for (let serial = from; ; serial += 1) {
      const answer = await put(url, '/manifests/staging.json', manifestText('staging', serial));
      if (answer.ok) acknowledged.serial = serial;
    }
  };
  const reporting = async (host: string): Promise<void> => {
    for (let count = 0; ; count += 1) {
      const text = JSON.stringify(hostStatus({ host, at: new Date(count).toISOString() }));
      const answer = await put(
        url,
        `/reports/staging/${host}.json`,
        text,
        hostToken(SECRET, 'staging', host),
      );
      if (answer.ok) acknowledged.reports.set(host, text);
    }
  };
  const hosts = ['web-1', 'web-2', 'web-3', 'web-4'];
  const ended = Promise.allSettled([publishing(), ...hosts.map(reporting)]);
  return { acknowledged, ended };
};

describe('a hub that is killed', () => {
  it('has everything that it acknowledged, and nothing half written', async () => {
    for (let life = 0; life < 2; life += 1) {
      const from = life * 10_000 + 1;
      const { url, service } = await start();
      const { acknowledged, ended } = writeUntilDeath(url, from);
      await eventually(() => acknowledged.serial > from + 5 && acknowledged.reports.size === 4, {
        everyMs: 3,
        describe: () => JSON.stringify(acknowledged.serial),
      });
      await service.kill();
      await ended;
      const next = await start();
      const current = await (await fetch(`${next.url}/manifests/staging.json`)).text();
      const { serial } = JSON.parse(current) as { serial: number };
      // One more may have been written whose answer was on its way.
      expect([acknowledged.serial, acknowledged.serial + 1]).toContain(serial);
      expect(current).toBe(manifestText('staging', serial));
      const { names } = (await (await fetch(`${next.url}/manifests/staging/`)).json()) as { names: string[] };
      const lives = names.map((name) => Number.parseInt(name, 10)).filter((each) => each >= from);
      expect(lives).toEqual(Array.from({ length: serial - from + 1 }, (_, index) => from + index));
      for (const each of lives) {
        const text = await readFile(join(data(), `manifests/staging/${String(each)}.json`), 'utf8');
        expect(digest(text)).toBe(digest(manifestText('staging', each)));
      }
      for (const [host, text] of acknowledged.reports) {
        const kept = await (await fetch(`${next.url}/reports/staging/${host}.json`)).text();
        expect(at(kept)).toBeGreaterThanOrEqual(at(text));
      }
      expect(await readdir(join(data(), '.hub'))).toEqual(['lock']);
      await next.service.kill();
    }
  }, 60_000);
});
