import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../test/support/command.ts';
import { createImagePusher, type PushedImage } from '../../test/support/images.ts';
import { flavours } from '../../test/support/flavours.ts';
import type { TestHost } from '../../test/support/host.ts';
import { FOREIGN_LABEL } from '../../test/support/leftovers.ts';
import { freePort } from '../../test/support/ports.ts';
import { startsOf, timed, untilServes } from './answering.ts';
import { apiNetwork, apiService } from './by-api.ts';
import { spreadOf, type Row } from './figures.ts';
import type { Setting } from './setting.ts';

const NAMES = Array.from({ length: 20 }, (_, n) => `s${String(n + 1)}`);

const freePorts = async (): Promise<ReadonlyMap<string, number>> => {
  const ports = new Set<number>();
  while (ports.size < NAMES.length) ports.add(await freePort());
  return new Map([...ports].map((port, n) => [NAMES[n] ?? '', port]));
};

const services = (image: (name: string) => string, ports: ReadonlyMap<string, number>, more = ''): string =>
  NAMES.map(
    (name) => `
  ${name}:
    image: ${image(name)}
    ports: ['127.0.0.1:${String(ports.get(name))}:8888']
    environment: { NODE_ENV: bench }
    restart: always
    stop_grace_period: 5s${more}`,
  ).join('');

const untilAllServe = async (ports: ReadonlyMap<string, number>, version: string): Promise<void> => {
  await Promise.all([...ports.values()].map((port) => untilServes(port, version)));
};

const compose = async (setting: Setting, host: TestHost, ...words: string[]): Promise<void> => {
  const env = {
    ...process.env,
    DOCKER_HOST: setting.dockerHost,
    COMPOSE_PROJECT_NAME: `${host.environment}_compose`,
  };
  const cwd = join(host.folder, 'docker-compose');
  const { code, stderr } = await runCommand('/usr/bin/docker-compose', words, {
    env,
    cwd,
    timeoutMs: 300_000,
  });
  if (code !== 0) throw new Error(`docker-compose ${words.join(' ')}: exit code ${String(code)}\n${stderr}`);
};

/** Twenty images change at once, each of its own: from there until every new container answers; all sides take turns. */
export const measureTwenty = (setting: Setting): Promise<readonly Row[]> =>
  setting.onHost(async (host) => {
    const { docker, registry, rounds } = setting;
    const { push } = createImagePusher();
    const ports = { agent: await freePorts(), compose: await freePorts() };
    await mkdir(join(host.folder, 'docker-compose'));
    const at = (side: string) => (name: string) => `${registry.address}/${side}/${name}`;
    const more = '\n    deploy: { update_config: { monitor: 1s } }';
    await host.compose(`services:${services(at('agent'), ports.agent, more)}\n`);
    await host.publish({});
    await host.agent();
    const network = await apiNetwork(docker, host);
    const api = await Promise.all(NAMES.map(async () => apiService(docker, host, network)));
    const sides: Readonly<Record<Side, Deploy>> = {
      compose: async (_, version) => {
        const image = (name: string): string => `${at('compose')(name)}:${version}`;
        // With the label they go when the host does.
        const label = `\n    labels: ['${FOREIGN_LABEL}=${host.environment}']`;
        const file = `version: '3.7'\nservices:${services(image, ports.compose, label)}\n`;
        await writeFile(join(host.folder, 'docker-compose', 'docker-compose.yml'), file);
        await compose(setting, host, 'pull', '--quiet');
        await compose(setting, host, 'up', '-d');
        await untilAllServe(ports.compose, version);
      },
      api: async (images, version) => {
        await Promise.all(api.map(async (service, n) => service.deploy(images[n] as PushedImage, version)));
      },
      agent: async (images, version) => {
        const { started } = await startsOf(docker, host.environment, NAMES.length);
        await host.publish(Object.fromEntries(NAMES.map((name, n) => [name, images[n]?.pinned ?? ''])));
        await started;
        await untilAllServe(ports.agent, version);
      },
    };
    const times: Record<Side, number[]> = { agent: [], compose: [], api: [] };
    for (let round = 0; round <= rounds; round += 1) {
      const version = `1.${String(round)}.0`;
      for (const side of ['compose', 'api', 'agent'] as const) {
        const pushed = NAMES.map(async (name) =>
          push(registry, `${side}/${name}`, version, { ...flavours.web, environment: { NAME: name } }),
        );
        const images = await Promise.all(pushed);
        const tookMs = await timed(() => sides[side](images, version));
        // The first on each side replaces nothing.
        if (round > 0) times[side].push(tookMs / 1000);
      }
      await Promise.all(api.map(async (service) => service.tidy()));
      await host.run(['sync', '--wait']);
    }
    await Promise.all(api.map(async (service) => service.end()));
    return rowsOf(times);
  });

type Side = 'agent' | 'compose' | 'api';
type Deploy = (images: readonly PushedImage[], version: string) => Promise<void>;

const rowsOf = (times: Readonly<Record<Side, readonly number[]>>): readonly Row[] => {
  const name = 'the same, 20 services changed at once';
  const [ours, theirs, api] = [spreadOf(times.agent), spreadOf(times.compose), spreadOf(times.api)];
  return [
    {
      name,
      unit: 's',
      ours,
      yardstick: { name: 'docker-compose pull, up -d', spread: theirs },
      goal: '≤ 0.6 ×',
      isMet: ours.median <= 0.6 * theirs.median,
    },
    {
      name,
      unit: 's',
      ours,
      yardstick: { name: 'the same calls at the Docker API, side by side', spread: api },
      goal: '≤ 1.25 ×',
      isMet: ours.median <= 1.25 * api.median,
    },
  ];
};
