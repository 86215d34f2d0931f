import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Agent } from '../../support/agent.ts';
import { type FleetHub, startHub } from '../../support/fleet-hub.ts';
import { PLANTED, partsOf } from '../../support/planted.ts';
import { eventually } from '../../support/poll.ts';
import { createScene, type Scene, statusOf, told } from './scene.ts';

const GOOD = {
  '.env': "PIN='004217'\nHIDDEN='zQ7wVx3K'\n",
  'web.env': 'TOKEN=one\n',
  'trust.json': '',
} as const;

/** What this very test prints nothing of: four characters of any planted value, in a row. */
const PARTS = [...new Set([...PLANTED, '004217', 'zQ7wVx3K'].flatMap(partsOf))];

const leaksIn = (places: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(places).flatMap(([place, text]) =>
    PARTS.filter((part) => text.includes(part)).map((part) => `${part} in ${place}`),
  );

const COMMANDS = [
  ['status'],
  ['status', '--json'],
  ['explain'],
  ['explain', '--json'],
  ['plan'],
  ['plan', '--json'],
  ['history'],
  ['history', '--json'],
  ['doctor'],
  ['validate'],
  ['validate', '--json'],
  ['once'],
  ['recover', '--dry-run'],
] as const;

interface Ground {
  readonly scene: Scene;
  readonly hub: FleetHub;
  readonly agent: Agent;
  readonly env: Readonly<Record<string, string>>;
}

/** Everything that is written or shown, of which digests and ids are left out: they may hold any four digits. */
const places = async ({ scene, hub, agent, env }: Ground): Promise<Readonly<Record<string, string>>> => {
  const shown: [string, string][] = [];
  for (const words of COMMANDS) shown.push([words.join(' '), told(await scene.run([...words], { env }))]);
  const raw = {
    ...Object.fromEntries(shown),
    log: await agent.log(),
    history: await readFile(join(scene.stateDir, 'history.jsonl'), 'utf8').catch(() => ''),
    metrics: await readFile(join(scene.folder, 'metrics.prom'), 'utf8').catch(() => ''),
    title: await readFile(`/proc/${String(agent.pid)}/cmdline`, 'utf8').catch(() => ''),
    report: (await hub.read(`reports/${scene.environment}/test-host.json`)) ?? '',
    page: JSON.stringify(await hub.reports(scene.environment)),
  };
  return Object.fromEntries(
    Object.entries(raw).map(([name, text]) => [
      name,
      text
        .replaceAll(/\b[0-9a-f]{8,64}\b/g, '')
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|"?(?:pid|tookMs)"?: ?\d+/g, '')
        .replaceAll(/:\d{4,5}\b/g, ''),
    ]),
  );
};

const createGround = async (): Promise<Ground> => {
  const hub = await startHub();
  onTestFinished(hub.remove);
  const scene = await createScene();
  await write(scene, GOOD);
  await scene.compose(composeOf(scene, ''));
  const env = {
    SUPERCARGO_LOG_LEVEL: 'debug',
    SUPERCARGO_REPORT_URL: hub.url,
    SUPERCARGO_REPORT_TOKEN: await hub.tokenOf(scene.environment, 'test-host'),
    SUPERCARGO_METRICS_FILE: join(scene.folder, 'metrics.prom'),
  };
  const agent = await scene.agent({ env });
  await scene.publish({ web: (await scene.push('1.0.0')).pinned });
  await eventually(async () => (await statusOf(scene)).status.outcome === 'converged', {
    describe: async () => told(await scene.run(['status'])),
  });
  return { scene, hub, agent, env };
};

const write = async (scene: Scene, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, text] of Object.entries(files))
    await writeFile(join(scene.folder, 'compose', name), text);
};

const composeOf = (scene: Scene, lines: string, pinned = scene.repository()): string =>
  `services:\n  web:\n    image: ${pinned}\n    restart: unless-stopped\n    env_file: [web.env]\n    deploy: {update_config: {monitor: 500ms}}\n    x-supercargo: {healthy-within: 5s}\n${lines
    .split('\n')
    .map((line) => (line === '' ? '' : `    ${line}`))
    .join('\n')}\n`;

type Form = (value: string) => string;

/** Where a value can stand in a service, in a form that a parser does not expect: each in a file of its own. */
const FORMS: Readonly<Record<string, Form>> = {
  'without quotes': (value) => `environment: {PASSWORD: ${value}}`,
  'in a list': (value) => `environment:\n  - PASSWORD: ${value}\n  - A=${value}`,
  'in quotes': (value) => `environment:\n  PASSWORD: "${value}"`,
  'in a command': (value) => `command: run --password ${value}`,
  'with a wrong indent': (value) => `environment:\n PASSWORD: x\n  ${value}`,
};

const fragment = (name: string, lines: string): string =>
  `services:\n  ${name}:\n    image: org/x\n${lines.replaceAll(/^/gm, '    ')}\n`;

const plantEach = async (scene: Scene, form: Form): Promise<void> => {
  await mkdir(join(scene.folder, 'compose', 'compose.d'), { recursive: true });
  for (const [index, value] of PLANTED.entries()) {
    const name = `s${String(index)}`;
    await write(scene, { [`compose.d/${name}.yaml`]: fragment(name, form(value)) });
  }
};

const envOf = (value: string): string => `TOKEN=${value}\nOPEN="${value}\n${value}\n`;

const PLACES_OF_A_VARIABLE = [
  'ports: ["${HIDDEN}"]',
  'network_mode: "${HIDDEN}"',
  'volumes: ["${HIDDEN}:/x", "/y:/${HIDDEN}", "/z:/${HIDDEN}"]',
  'env_file: ["${HIDDEN}.env"]',
  'stop_grace_period: "${PIN}"\ncpus: "${PIN}"\nrestart: "${HIDDEN}"',
];

/** What the engine itself refuses, and how it says so: with the value. */
const REFUSED = [
  'user: "${HIDDEN}"',
  'command: ["${HIDDEN}"]',
  'entrypoint: ["/${HIDDEN}", "--token=${HIDDEN}"]',
  'logging: {driver: json-file, options: {max-size: "${HIDDEN}"}}',
  'logging: {driver: json-file, options: {max-size: zQ7wVx3K}}',
  'logging: {driver: syslog, options: {syslog-address: "tcp://x:zQ7wVx3K@127.0.0.1:zQ7w"}}',
  'sysctls: {net.core.somaxconn: zQ7wVx3K}',
  'volumes: [{type: bind, source: "/nowhere/${HIDDEN}", target: /x}]',
  'devices: ["/dev/${HIDDEN}"]',
  'environment: {"": zQ7wVx3K}',
  'hostname: "${HIDDEN}!"',
  'security_opt: ["${HIDDEN}"]',
];

describe('a value that a parser stumbles over', () => {
  it('is nowhere, in whatever form it stands', async () => {
    const ground = await createGround();
    const { scene } = ground;
    const leaks: string[] = [];
    const look = async (what: string): Promise<void> => {
      await scene.run(['sync', '--wait']);
      leaks.push(...leaksIn(await places(ground)).map((leak) => `${what}: ${leak}`));
    };
    const env = PLANTED.map(envOf).join('');
    await write(scene, { 'web.env': env, '.env': env });
    await look('in env files');
    await write(scene, GOOD);
    for (const [name, form] of Object.entries(FORMS)) {
      await plantEach(scene, form);
      await look(name);
    }
    await rm(join(scene.folder, 'compose', 'compose.d'), { recursive: true });
    for (const lines of PLACES_OF_A_VARIABLE) {
      await scene.compose(composeOf(scene, lines));
      await look(lines);
    }
    expect(leaks).toEqual([]);
  }, 600_000);

  it('is nowhere, although the engine refuses it', async () => {
    const ground = await createGround();
    const { scene } = ground;
    const leaks: string[] = [];
    for (const lines of REFUSED) {
      await scene.compose(composeOf(scene, lines));
      await scene.run(['sync', '--wait', '--timeout', '20s']);
      leaks.push(...leaksIn(await places(ground)).map((leak) => `${lines}: ${leak}`));
    }
    expect(leaks).toEqual([]);
  }, 600_000);

  it('is nowhere, where one bit of the ledger has flipped beside it', async () => {
    const ground = await createGround();
    const { scene, agent } = ground;
    await scene.compose(composeOf(scene, 'environment: {PASSWORD: zQ7wVx3K}'));
    await eventually(
      async () => (await readFile(join(scene.stateDir, 'ledger.json'), 'utf8')).includes('zQ7wVx3K'),
      {
        describe: async () => told(await scene.run(['status'])),
      },
    );
    await agent.kill();
    const path = join(scene.stateDir, 'ledger.json');
    const whole = await readFile(path);
    const at = whole.indexOf('zQ7wVx3K');
    const leaks: string[] = [];
    for (const offset of [-1, -2, 3, 8]) {
      const flipped = Buffer.from(whole);
      flipped[at + offset] = (flipped[at + offset] ?? 0) ^ 0x02;
      await writeFile(path, flipped);
      leaks.push(...leaksIn(await places(ground)).map((leak) => `${String(offset)}: ${leak}`));
    }
    expect(leaks).toEqual([]);
  }, 300_000);
});
