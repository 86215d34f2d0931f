import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveStatus, type StatusServer } from '../../../src/adapters/status-socket/status-server.ts';
import { runProgram } from '../../../src/cli/program.ts';
import type { Io } from '../../../src/cli/streams.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { ServiceStatus, Status } from '../../../src/core/status/status-document.ts';
import { hostStatus, serviceStatus } from '../../support/status.ts';

let folder = '';
let server: StatusServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-drain-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

const drain = { reason: 'kernel', owner: 'ann', since: '', until: null, done: false };
const web = (change: Partial<ServiceStatus>): Partial<Status> => ({ services: [serviceStatus(change)] });
const lead = web({
  outcome: 'progressing',
  reason: 'lead',
  message: 'load balancers notice until 2026-11-23T10:00:10Z',
  until: '2026-11-23T10:00:10.500Z',
});
const stopping = web({
  outcome: 'progressing',
  reason: 'edge',
  message: 'busy',
  until: '2026-11-23T10:00:12.000Z',
});
const out = web({ outcome: 'waiting', reason: 'drained', message: 'this host is drained', serves: false });
const blocked = web({
  outcome: 'blocked',
  reason: 'engine',
  message: 'cannot stop it',
  advice: 'look',
  serves: false,
});

interface Script {
  /** One for each poll; the last one stays. */
  readonly statuses: readonly Partial<Status>[];
  /** What an observation of now shows. */
  readonly explained?: Partial<Status>;
  readonly refusal?: AgentError;
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly commands: readonly unknown[];
}

const text = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');

/** Runs a command against an agent that answers as the script says. */
const run = async (argv: readonly string[], script: Script, ended = new AbortController()): Promise<Ran> => {
  const path = join(folder, 'agent.sock');
  const commands: unknown[] = [];
  let polls = 0;
  server = await serveStatus(path, {
    'POST /command': async (body) => {
      commands.push(body);
      if (script.refusal) throw script.refusal;
      return Promise.resolve({ lines: ['as you say'] });
    },
    'GET /status': async () => {
      const status = script.statuses[Math.min(polls, script.statuses.length - 1)];
      polls += 1;
      if (script.statuses.length === polls - 1) ended.abort();
      return Promise.resolve(hostStatus(status));
    },
    'GET /explain': async () =>
      Promise.resolve({ document: { services: hostStatus(script.explained).services } }),
  });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const env = { SUPERCARGO_SOCKET: path, SUDO_USER: 'ann' };
  const io = { stdin: new PassThrough(), stdout, stderr, env, pid: 1 } as unknown as Io;
  const code = await runProgram(argv, io, () => Promise.resolve(io), ended.signal);
  return { code, out: text(stdout), err: text(stderr), commands };
};

const DRAIN = ['drain', '--reason', 'kernel'];

describe('supercargo drain', () => {
  it('follows every change of a service until the host is out of service', async () => {
    const statuses = [
      { draining: drain, ...web({}) },
      { draining: drain, ...lead },
      { draining: drain, ...lead },
      { draining: drain, ...stopping },
      { draining: drain, ...out },
      { draining: { ...drain, done: true }, ...out },
    ];
    expect(await run(DRAIN, { statuses, explained: lead })).toEqual({
      code: 0,
      out: [
        'as you say',
        'web: progressing (lead): load balancers notice until 2026-11-23T10:00:10Z',
        'web: progressing (edge): busy (until 2026-11-23T10:00:12.000Z)',
        'web: stopped',
        'this host is out of service: every service is stopped',
        '',
      ].join('\n'),
      err: '',
      commands: [{ kind: 'drain', reason: 'kernel', owner: 'ann', untilMs: null }],
    });
  });

  it('does not follow with --no-wait, and passes on when the host comes back by itself', async () => {
    const before = Date.now();
    const ran = await run([...DRAIN, '--for', '10m', '--no-wait'], { statuses: [{}] });
    expect(ran).toMatchObject({ code: 0, out: 'as you say\n', err: '' });
    const [{ untilMs }] = ran.commands as [{ untilMs: number }];
    expect(untilMs - before - 600_000).toBeGreaterThanOrEqual(0);
    expect(untilMs).toBeLessThanOrEqual(Date.now() + 600_000);
  });

  it('ends with 3 and says why, once nothing goes on by itself', async () => {
    const statuses = [{ draining: drain, ...blocked }];
    expect(await run(DRAIN, { statuses, explained: blocked })).toMatchObject({
      code: 3,
      out: 'as you say\n',
      err: [
        'web: cannot stop it',
        '  → look',
        'this host is not out of service yet, and cannot go on by itself; the drain stays in force',
        '',
      ].join('\n'),
    });
  });

  it('says why each service does not go on, although the status is of before the drain', async () => {
    const services = [
      serviceStatus({ service: 'db', outcome: 'waiting', reason: 'hold', message: 'held by ann: forensics' }),
      serviceStatus({ service: 'migrate', outcome: 'converged' }),
      serviceStatus({ service: 'web', outcome: 'waiting', reason: 'drained' }),
    ];
    const before = services.map(({ service }) => serviceStatus({ service, outcome: 'converged' }));
    const statuses = [{ draining: drain, services: before }];
    expect(await run(DRAIN, { statuses, explained: { services } })).toMatchObject({
      code: 3,
      err: [
        'db: held by ann: forensics',
        'this host is not out of service yet, and cannot go on by itself; the drain stays in force',
        '',
      ].join('\n'),
    });
  });

  it('ends with 1 if the drain is ended meanwhile', async () => {
    const statuses = [
      { draining: drain, ...lead },
      { draining: null, ...lead },
    ];
    expect(await run(DRAIN, { statuses })).toMatchObject({
      code: 1,
      err: 'the drain has ended: this host goes back into service\n',
    });
  });

  it('ends with 2 when it is interrupted, so that no reboot follows, and says that the drain stays', async () => {
    const ran = await run(DRAIN, { statuses: [{ draining: drain, ...lead }] });
    expect(ran).toMatchObject({
      code: 2,
      err: 'interrupted: the drain stays in force, and the agent goes on; `supercargo undrain` ends it\n',
    });
  });

  it('ends with the refusal of the agent', async () => {
    const refusal = new AgentError('USAGE', 'the hold of bob changes nothing here', { advice: 'resume' });
    expect(await run(DRAIN, { statuses: [{}], refusal })).toMatchObject({
      code: 1,
      err: 'supercargo: the hold of bob changes nothing here (USAGE)\n  → resume\n',
    });
  });
});

describe('supercargo undrain', () => {
  it('follows until the host serves again', async () => {
    const statuses = [out, lead, web({ serves: true })];
    expect(await run(['undrain'], { statuses })).toEqual({
      code: 0,
      out: [
        'as you say',
        'web: progressing (lead): load balancers notice until 2026-11-23T10:00:10Z',
        'web: runs 1.1.0',
        'this host is in service',
        '',
      ].join('\n'),
      err: '',
      commands: [{ kind: 'undrain' }],
    });
  });

  it('ends with 3 if a service cannot come back by itself', async () => {
    expect(await run(['undrain'], { statuses: [blocked], explained: blocked })).toMatchObject({
      code: 3,
      err: 'web: cannot stop it\n  → look\nthis host does not serve as before, and cannot go on by itself\n',
    });
  });

  it('does not follow with --no-wait', async () => {
    expect(await run(['undrain', '--no-wait'], { statuses: [out] })).toMatchObject({
      code: 0,
      out: 'as you say\n',
    });
  });
});
