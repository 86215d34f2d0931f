import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createPublisher } from '../../support/fleet.ts';
import { startHub } from '../../support/fleet-hub.ts';
import { flavours } from '../../support/flavours.ts';
import { eventually } from '../../support/poll.ts';
import { createScene, type Scene, statusOf, told } from './scene.ts';
import { createEdgeScene } from './start-first-scene.ts';

/** Each in a form that nothing else has; a marked value that turns up says where it came from. */
const MARKS = {
  environment: 'marked-environment-5a1c',
  envFile: 'marked-env-file-5a1c',
  variable: 'marked-variable-5a1c',
  secretFile: 'marked-secret-file-5a1c',
  configFile: 'marked-config-file-5a1c',
  inlineSecret: 'marked-inline-secret-5a1c',
  inlineConfig: 'marked-inline-config-5a1c',
  logOption: 'marked-log-option-5a1c',
  proxy: 'marked-proxy-5a1c',
  manifestCredentials: 'marked-manifest-credentials-5a1c',
  reportToken: 'marked-report-token-5a1c',
  wrongLogin: 'marked-wrong-login-5a1c',
  brokenLine: 'marked-broken-line-5a1c',
} as const;

/** Also as a registry login or a Basic header carries them. */
const formsOf = (value: string): readonly string[] => [
  value,
  Buffer.from(value).toString('base64').replaceAll('=', '').slice(0, -2),
  encodeURIComponent(value),
];

const found = (text: string, values: readonly string[]): readonly string[] =>
  values.filter((value) => formsOf(value).some((form) => text.includes(form)));

/** By place: which of the values stand there. Empty: none anywhere. */
const leaksIn = (
  places: Readonly<Record<string, string>>,
  values: readonly string[],
): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Object.entries(places)
      .map(([place, text]) => [place, found(text, values)] as const)
      .filter(([, hits]) => hits.length > 0),
  );

const processes = async (): Promise<string> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = pids.map(async (pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(lines)).join('\n').replaceAll('\0', ' ');
};

/** Everything on the engine that shows without looking into a container. */
const labelsAndNames = async ({ docker }: Scene): Promise<string> =>
  JSON.stringify([
    await docker.listContainers({ all: true }),
    await docker.listNetworks(),
    (await docker.listImages()).map(({ Labels, RepoTags }) => [Labels, RepoTags]),
  ]);

const COMMANDS = [
  ['status'],
  ['status', '--json'],
  ['explain', '--json'],
  ['plan', '--json'],
  ['history', '--json'],
  ['doctor'],
  ['validate'],
  ['recover', '--dry-run'],
  ['--help'],
  ['run', '--help'],
];

const outputs = async (scene: Scene): Promise<Readonly<Record<string, string>>> => {
  const entries: (readonly [string, string])[] = [];
  for (const words of COMMANDS) entries.push([words.join(' '), told(await scene.run(words))]);
  return Object.fromEntries(entries);
};

const compose = (scene: Scene, { isBroken = false } = {}): string => `
services:
  web:
    image: ${scene.repository()}
    restart: unless-stopped
    environment: { PASSWORD: ${MARKS.environment}, FROM_VARIABLE: "\${HIDDEN}" }
    env_file: [web.env]
    secrets: [password, inline]
    configs: [{ source: settings, target: /settings }, inline]
    ports: [{ target: 8888, published: ${String(scene.port)}, app_protocol: http }]
    logging: { driver: json-file, options: { tag: "${MARKS.logOption}" } }
    deploy: { update_config: { order: start-first, monitor: 500ms } }
    x-supercargo: { healthy-within: 60s, drain: 1s }
${isBroken ? `    environmnt: { PASSWORD: ${MARKS.environment} }\n` : ''}
secrets: { password: { file: ./password }, inline: { environment: INLINE } }
configs: { settings: { file: ./settings }, inline: { content: ${MARKS.inlineConfig} } }
`;

const write = async (scene: Scene, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, text] of Object.entries(files))
    await writeFile(join(scene.folder, 'compose', name), text);
};

const prepare = async (): Promise<{
  scene: Scene;
  places: () => Promise<Readonly<Record<string, string>>>;
}> => {
  const registry = inject('lockedRegistry');
  const scene = await createEdgeScene({ registry });
  await write(scene, {
    '.env': `HIDDEN=${MARKS.variable}\nINLINE=${MARKS.inlineSecret}\n`,
    'web.env': `TOKEN=${MARKS.envFile}\n`,
    password: MARKS.secretFile,
    settings: MARKS.configFile,
  });
  const credentials = join(scene.folder, 'manifest-credentials');
  await writeFile(credentials, `deploy:${MARKS.manifestCredentials}`);
  const metrics = join(scene.folder, 'metrics.prom');
  const env = {
    SUPERCARGO_MANIFEST_CREDENTIALS: credentials,
    SUPERCARGO_REPORT_URL: 'http://127.0.0.1:1',
    SUPERCARGO_REPORT_TOKEN: MARKS.reportToken,
    SUPERCARGO_METRICS_FILE: metrics,
    HTTPS_PROXY: `http://proxy:${MARKS.proxy}@127.0.0.1:1`,
    HTTP_PROXY: `http://proxy:${MARKS.proxy}@127.0.0.1:1`,
  };
  await scene.login({ [registry.address]: registry.credentials ?? { username: '', password: '' } });
  await scene.compose(compose(scene));
  const agent = await scene.agent({ env });
  return {
    scene,
    places: async () => ({
      ...(await outputs(scene)),
      log: await agent.log(),
      journal: await readFile(join(scene.stateDir, 'history.jsonl'), 'utf8'),
      metrics: await readFile(metrics, 'utf8').catch(() => ''),
      engine: await labelsAndNames(scene),
      processes: await processes(),
    }),
  };
};

const untilOutcome = async (scene: Scene, outcome: string): Promise<void> => {
  await eventually(async () => (await statusOf(scene)).status.services[0]?.outcome === outcome, {
    describe: async () => told(await scene.run(['status'])),
  });
};

describe('what is secret on a host', () => {
  it('stands in no log, history, answer, label, metric or process list, whatever goes wrong', async () => {
    const registry = inject('lockedRegistry');
    const values = [...Object.values(MARKS), registry.credentials?.password ?? 'no password'];
    const { scene, places } = await prepare();
    await scene.publish({ web: (await scene.push('1.0.0')).pinned });
    await untilOutcome(scene, 'converged');
    expect(leaksIn(await places(), values)).toEqual({});

    // A release that fails, with its last words.
    await scene.publish({ web: (await scene.push('1.1.0', flavours.crash)).pinned });
    await untilOutcome(scene, 'rolled-back');
    expect(leaksIn(await places(), values)).toEqual({});

    // A login that is refused.
    await scene.login({ [registry.address]: { username: 'deploy', password: MARKS.wrongLogin } });
    await scene.publish({ web: (await scene.push('1.2.0')).pinned });
    await untilOutcome(scene, 'blocked');
    expect(leaksIn(await places(), values)).toEqual({});

    // Files that are wrong, in the lines that hold the secret.
    await scene.compose(compose(scene, { isBroken: true }));
    await write(scene, {
      'web.env': `TOKEN=${MARKS.envFile}\n+${MARKS.brokenLine}/\nOPEN="${MARKS.brokenLine}\n`,
    });
    await writeFile(join(scene.folder, 'docker', 'config.json'), `{"auths": ${MARKS.wrongLogin}`);
    await scene.run(['sync', '--wait']);
    expect(leaksIn(await places(), values)).toEqual({});
  }, 300_000);

  it('is not quoted by an error about the very setting that holds it', async () => {
    const scene = await createScene();
    await scene.compose(scene.web());
    const credentials = join(scene.folder, 'credentials');
    await writeFile(credentials, `${MARKS.manifestCredentials}\nsecond line\n`);
    const wrong: readonly Readonly<Record<string, string>>[] = [
      { SUPERCARGO_MANIFEST_URL: `https://deploy:${MARKS.proxy}@m.example.com/x` },
      { SUPERCARGO_REPORT_URL: `https://deploy:${MARKS.proxy}@m.example.com/x` },
      {
        SUPERCARGO_REPORT_URL: 'https://m.example.com',
        SUPERCARGO_REPORT_TOKEN: `${MARKS.reportToken} \n x`,
      },
      { SUPERCARGO_MANIFEST_URL: 'http://127.0.0.1:1/x', SUPERCARGO_MANIFEST_CREDENTIALS: credentials },
      { DOCKER_HOST: `tcp://user:${MARKS.proxy}@127.0.0.1:1` },
    ];
    const answers: Record<string, string> = {};
    for (const [index, env] of wrong.entries())
      for (const command of ['once', 'plan', 'doctor', 'status'])
        answers[`${command} ${String(index)}`] = told(await scene.run([command], { env }));
    expect(leaksIn(answers, Object.values(MARKS))).toEqual({});
  });
});

describe('what is secret on the build server', () => {
  it('stands in no answer, log, document or process list', async () => {
    const hub = await startHub();
    onTestFinished(hub.remove);
    const publisher = await createPublisher(hub);
    onTestFinished(publisher.remove);
    const key = (await readFile(publisher.keyFile, 'utf8')).split('\n')[1] ?? '';
    const values = [key, hub.publishToken, 'report-secret-of-the-tests'];
    const scene = await createScene();
    const image = await scene.push('1.0.0');
    const runs = {
      publish: await publisher.publish('staging', `web=${image.ref}`),
      'publish again': await publisher.publish('staging', `web=${image.ref}`, '--dry-run'),
      'publish what is not there': await publisher.publish('staging', 'web=9.9.9'),
      'publish with a wrong token': await publisher.run(
        ['publish', 'staging', 'web=1', '--key', publisher.keyFile],
        {
          SUPERCARGO_PUBLISH_TOKEN: MARKS.reportToken,
        },
      ),
      'publish with a key that is none': await publisher.run([
        'publish',
        'staging',
        'web=1',
        '--key',
        publisher.folder,
      ]),
      rollback: await publisher.run(['rollback', 'staging', '--key', publisher.keyFile]),
      fleet: await publisher.run(['fleet', 'staging', '--json']),
      keygen: await publisher.run(['keygen', 'other', '--out', publisher.folder]),
    };
    const said = Object.fromEntries(Object.entries(runs).map(([name, result]) => [name, told(result)]));
    const places = {
      ...said,
      manifest: (await hub.read('manifests/staging.json')) ?? '',
      metrics: (await hub.read('metrics')) ?? '',
      page: (await hub.read('')) ?? '',
      processes: await processes(),
      hub: await readFile(join(hub.dataDir, '..', 'log'), 'utf8'),
    };
    expect(leaksIn(places, [...values, MARKS.reportToken])).toEqual({});
  });
});
