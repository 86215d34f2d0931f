import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from '../support/command.ts';

const root = join(import.meta.dirname, '..', '..');
const GROOVY = '/usr/share/java/groovy-all.jar';

/** Writes down the words it was given, and what the environment told it; ends as the case wants. */
const FAKE_DOCKER = `#!/bin/sh
case "$*" in
*'--entrypoint supercargo'*)
  for word in "$@"; do printf '%s\\0' "$word" >>given; done
  for word in "$@"; do case $word in *:/run/supercargo/1.key:ro) cat "\${word%%:*}" ;; esac; done
  printf '\\ntoken: %s\\n' "$SUPERCARGO_PUBLISH_TOKEN"
  exit "\${DOCKER_ENDS_WITH:-0}" ;;
esac
`;

interface Case {
  /** Of the step; absent: the whole example Jenkinsfile. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
  readonly branch?: string;
}

interface Event {
  readonly sh?: string;
  readonly script?: string;
  readonly given?: readonly string[];
  readonly output?: string;
  readonly bound?: readonly string[];
  readonly result?: { readonly code: number; readonly outcome: string; readonly message: string };
  readonly unstable?: string;
  readonly error?: string;
  readonly stage?: string;
  readonly skipped?: string;
  readonly input?: string;
  readonly registry?: string;
}

/** All cases in one Java program: it takes half a second to start. */
const runCases = async (cases: readonly Case[]): Promise<readonly (readonly Event[])[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-jenkins-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin', 'docker'), FAKE_DOCKER);
  await writeFile(join(folder, 'bin', 'make'), '#!/bin/sh\n');
  for (const program of ['docker', 'make']) await chmod(join(folder, 'bin', program), 0o755);
  const request = { library: join(root, 'packaging', 'jenkins'), folder, cases };
  const program = join(root, 'test', 'support', 'jenkins-pipeline.groovy');
  const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', GROOVY, 'groovy.ui.GroovyMain'];
  const { code, stdout, stderr } = await runCommand('java', [...flags, program], {
    cwd: folder,
    input: JSON.stringify(request),
  });
  if (code !== 0) throw new Error(`groovy ended with ${String(code)}:\n${stdout}${stderr}`);
  return JSON.parse(stdout) as readonly (readonly Event[])[];
};

const runCase = async (settings: Case['settings'], more: Omit<Case, 'settings'> = {}) => {
  const [events = []] = await runCases([{ settings: { ...settings }, ...more }]);
  return events;
};

const env = {
  SUPERCARGO_STORE: 'https://hub.example.com',
  SUPERCARGO_IMAGE: 'registry.example.com/supercargo:1',
};
const web = { environment: 'staging', services: { web: '1.2.3' }, key: 'the-key', publishToken: 'the-token' };

const ending = (code: number, more: object = {}): Case => ({
  settings: { ...web, ...more },
  env: { ...env, DOCKER_ENDS_WITH: String(code) },
});

const commandIn = (events: readonly Event[]): readonly string[] => {
  const { given = [] } = events.find((event) => event.given !== undefined) ?? {};
  const at = given.indexOf(env.SUPERCARGO_IMAGE);
  return at < 0 ? given : given.slice(at + 1);
};

const INVALID: readonly (readonly [what: string, change: object, says: RegExp])[] = [
  ['no environment', { environment: undefined }, /needs environment/],
  ['an option as environment', { environment: '--insecure-unsigned' }, /environment is not valid/],
  ['a command as environment', { environment: 'staging; touch stolen' }, /environment is not valid/],
  ['a command as version', { services: { web: '1.2.3$(touch stolen)' } }, /services\.web is not valid/],
  [
    'a second line as version',
    { services: { web: '1.2.3\ntouch stolen' } },
    /services\.web is not valid: "1\.2\.3\?touch/,
  ],
  ['a command as service', { services: { '`touch stolen`': '1' } }, /services is not valid/],
  ['an option as service', { services: { '--to=http://evil.example': '1' } }, /services is not valid/],
  ['no services', { services: {} }, /needs services, for example/],
  ['no key', { key: undefined }, /needs key/],
  ['a store with a command', { to: 'https://hub.example.com/`touch stolen`' }, /to is not valid/],
  ['a store with a password', { to: 'https://user:password@hub.example.com' }, /to is not valid/],
  ['a misspelt parameter', { onFail: 'rollback' }, /has no parameter "onFail": it takes environment, /],
  ['an unknown ending', { onFailed: 'ignore' }, /onFailed is not valid/],
  ['promote and rollback', { promote: 'staging', rollback: true }, /either promote or rollback/],
  ['an urgent rollback', { rollback: true, urgent: 'leak' }, /a rollback is urgent by itself/],
  ['an option as reason', { urgent: '--to=http://evil.example' }, /urgent is not valid/],
  ['a duration with a quote', { timeout: "10m' --to 'x" }, /timeout is not valid/],
];

describe('the Jenkins step', () => {
  it('publishes and waits, with the key as a file and the token by name', async () => {
    const events = await runCase(web, { env });
    expect(commandIn(events)).toEqual(
      'publish --to https://hub.example.com --key /run/supercargo/1.key --wait -- staging web=1.2.3'.split(
        ' ',
      ),
    );
    expect(events[0]).toEqual({ bound: ['the-key', 'the-token'] });
    const { given = [], script = '', output = '', sh } = events[1] ?? {};
    expect(given).toContain('SUPERCARGO_PUBLISH_TOKEN');
    expect(output).toMatch(/^the key$/m);
    expect(output).toMatch(/^token: secret of the-token$/m);
    expect([...given, script].join('\n')).not.toMatch(/secret of|the key/);
    expect(sh).toBe('supercargo publish --wait -- staging web=1.2.3');
    expect(events[2]).toEqual({
      result: { code: 0, outcome: 'converged', message: 'staging: every host runs it' },
    });
  });

  it('passes on everything that it is told', async () => {
    const options = {
      timeout: '90m',
      expires: '30d',
      create: true,
      base: 'none',
      adoptUnverified: true,
      rollout: '1h:5%',
      serial: 7,
      waitWhere: 'zone=a,example.com/role=web',
      maxFailed: 2,
      onFailure: 'freeze',
      hosts: 'fleet hosts.txt',
      trust: '/etc/trust.json',
      platforms: ['linux/amd64', 'linux/arm64'],
      retry: ['web', 'api'],
      singleWriter: true,
      key: null,
      keys: ['one', 'two'],
      ca: 'ca.pem',
      dockerArguments: ['--network', 'host'],
    };
    const events = await runCase(
      { ...web, ...options, services: { api: `sha256:${'0'.repeat(64)}` } },
      { env },
    );
    expect(commandIn(events).join(' ')).toBe(
      'publish --to https://hub.example.com --key /run/supercargo/1.key --key /run/supercargo/2.key ' +
        '--hosts /run/supercargo/hosts --trust /run/supercargo/trust --ca /run/supercargo/ca --wait --single-writer --create --adopt-unverified --timeout 90m --expires 30d ' +
        '--rollout 1h:5% --serial 7 --wait-where zone=a,example.com/role=web --max-failed 2 --on-failure freeze --base none --platform linux/amd64 --platform linux/arm64 ' +
        `--retry web --retry api -- staging api=sha256:${'0'.repeat(64)}`,
    );
    const given = events.find((event) => event.given)?.given ?? [];
    expect(given).toContain('/etc/trust.json:/run/supercargo/trust:ro');
    expect(given.find((word) => word.endsWith('/fleet hosts.txt:/run/supercargo/hosts:ro'))).toMatch(/^\//);
    expect(given.slice(given.indexOf('--network'), given.indexOf('--network') + 2)).toEqual([
      '--network',
      'host',
    ]);
    expect(events.at(-1)?.result?.outcome).toBe('converged');
  });

  it('leaves out what belongs to a wait where there is none', async () => {
    const waiting = {
      timeout: '10m',
      onFailure: 'rollback',
      maxFailed: 1,
      hosts: 'hosts.txt',
      waitWhere: 'zone=a',
    };
    const without = [{ wait: false }, { dryRun: true }];
    const outcomes = await runCases(
      without.map((change) => ({ settings: { ...web, ...waiting, ...change }, env })),
    );
    expect(outcomes.map((events) => commandIn(events).slice(5).join(' '))).toEqual([
      '-- staging web=1.2.3',
      '--dry-run -- staging web=1.2.3',
    ]);
    expect(outcomes.map((events) => events.at(-1)?.result?.outcome)).toEqual(['published', 'published']);
  });

  it('hurries, waits for the change before, and keeps the timeout of that', async () => {
    const outcomes = await runCases([
      { settings: { ...web, urgent: "CVE-2026-1: it's public; touch stolen" }, env },
      { settings: { ...web, after: true, anyway: true, wait: false, timeout: '2h' }, env },
    ]);
    expect(outcomes.map((events) => commandIn(events).slice(5))).toEqual([
      ['--wait', '--urgent', "CVE-2026-1: it's public; touch stolen", '--', 'staging', 'web=1.2.3'],
      ['--after', '--anyway', '--timeout', '2h', '--', 'staging', 'web=1.2.3'],
    ]);
  });

  it('promotes and rolls back', async () => {
    const { services: _services, ...others } = web;
    const [promoted = [], chosen = [], rolledBack = []] = await runCases([
      { settings: { ...others, environment: 'production', promote: 'staging' }, env },
      { settings: { ...others, environment: 'production', promote: 'staging', services: ['web'] }, env },
      { settings: { ...others, rollback: true, toSerial: 417 }, env },
    ]);
    const tail = (events: readonly Event[]): string => commandIn(events).slice(5).join(' ');
    expect(commandIn(promoted)[0]).toBe('promote');
    expect(tail(promoted)).toBe('--wait -- staging production');
    expect(tail(chosen)).toBe('--wait -- staging production web');
    expect(commandIn(rolledBack)[0]).toBe('rollback');
    expect(tail(rolledBack)).toBe('--wait --to-serial 417 -- staging');
  });

  it('makes an exit code what the pipeline asked for', async () => {
    const outcomes = await runCases([
      ending(3),
      ending(5),
      ending(3, { onFailed: 'unstable' }),
      ending(5, { onTimedOut: 'unstable' }),
      ending(1),
      ending(125),
      ending(5, { after: true }),
    ]);
    expect(outcomes.map((events) => events.slice(2))).toEqual([
      [
        {
          error:
            'staging: hosts could not run it, a change is halted, or another publish came over it; the log above says which and why',
        },
      ],
      [
        {
          error:
            'staging: published, but not every host runs it in time; which ones are silent is in the log above',
        },
      ],
      [
        {
          unstable:
            'staging: hosts could not run it, a change is halted, or another publish came over it; the log above says which and why',
        },
        { result: expect.objectContaining({ code: 3, outcome: 'failed' }) as unknown },
      ],
      [
        { unstable: expect.stringMatching(/not every host runs it in time/) as unknown },
        { result: expect.objectContaining({ code: 5, outcome: 'timed out' }) as unknown },
      ],
      [{ error: 'staging: supercargo ended with 1; what to do is in the log above' }],
      [
        {
          error: expect.stringMatching(
            /^staging: nothing was published: the container could not be started/,
          ) as unknown,
        },
      ],
      [{ error: expect.stringMatching(/^staging: the time is over; whether it was published/) as unknown }],
    ]);
  });

  it('refuses what is not valid before anything runs', async () => {
    const outcomes = await runCases(INVALID.map(([, change]) => ({ settings: { ...web, ...change }, env })));
    expect(outcomes.map((events, at) => [INVALID[at]?.[0], events])).toEqual(
      INVALID.map(([what, , says]) => [what, [{ error: expect.stringMatching(says) as unknown }]]),
    );
  });

  it('gives the shell nothing to expand, whatever a path or an argument holds', async () => {
    const nasty = `a'b"c$(touch stolen)\`touch stolen\`;*&|`;
    const events = await runCase({ ...web, hosts: nasty, dockerArguments: ['--label', nasty] }, { env });
    const given = events.find((event) => event.given)?.given ?? [];
    expect(given).toContain(nasty);
    expect(given.some((word) => word.endsWith(`/${nasty}:/run/supercargo/hosts:ro`))).toBe(true);
  });
});

const stepsOf = (events: readonly Event[]): readonly string[] =>
  events.map((event) => {
    if (event.sh !== undefined) return event.sh;
    const [name = '', value] = Object.entries(event)[0] ?? [];
    return `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
  });

describe('the example Jenkinsfile', () => {
  const number = { BUILD_NUMBER: '34' };

  it('builds, tests, pushes with the build number, and asks before production', async () => {
    const [events = []] = await runCases([{ env: number, params: { ACTION: 'deploy' }, branch: 'main' }]);
    expect(stepsOf(events).filter((line) => !/^(result|registry)/.test(line))).toEqual([
      'stage Release',
      'stage Build',
      'make',
      'docker build --pull --tag "$IMAGE:$VERSION" .',
      'stage Test',
      'docker run --rm "$IMAGE:$VERSION" make test',
      'stage Push',
      'docker push "$IMAGE:$VERSION"',
      'stage Staging',
      'bound ["supercargo-key","supercargo-publish-staging"]',
      'supercargo publish --wait --timeout 10m --on-failure rollback -- staging web=1.2.34',
      'stage Approval',
      'input Publish 1.2.34 to production?',
      'stage Production',
      'bound ["supercargo-key","supercargo-publish-production"]',
      'supercargo publish --wait --timeout 90m --rollout 1h:5% --on-failure freeze -- production web=1.2.34',
      'skipped Rollback',
    ]);
  });

  it('stops where staging is not good, and keeps branches away from production', async () => {
    const deploy = { ACTION: 'deploy' };
    const ends = (code: string) => ({ ...number, DOCKER_ENDS_WITH: code });
    const [failed = [], late = [], branch = []] = await runCases([
      { env: ends('3'), params: deploy, branch: 'main' },
      { env: ends('5'), params: deploy, branch: 'main' },
      { env: number, params: deploy, branch: 'feature' },
    ]);
    expect(stepsOf(failed).at(-1)).toMatch(/^error staging: hosts could not run it/);
    const skipped = ['skipped Approval', 'skipped Production', 'skipped Rollback'];
    expect(stepsOf(late).slice(-3)).toEqual(skipped);
    expect(stepsOf(branch).slice(-3)).toEqual(skipped);
  });

  it('rolls back on demand, and builds nothing then', async () => {
    const [events = []] = await runCases([
      { env: number, params: { ACTION: 'rollback production' }, branch: 'main' },
    ]);
    expect(stepsOf(events).slice(0, -1)).toEqual([
      'skipped Release',
      'skipped Approval',
      'skipped Production',
      'stage Rollback',
      'bound ["supercargo-key","supercargo-publish-production"]',
      'supercargo rollback --wait --timeout 10m -- production',
    ]);
  });
});
