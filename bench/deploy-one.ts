import { createImagePusher, type PushedImage } from '../test/support/images.ts';
import { flavours } from '../test/support/flavours.ts';
import type { TestHost } from '../test/support/host.ts';
import { FOREIGN_LABEL } from '../test/support/leftovers.ts';
import { freePort } from '../test/support/ports.ts';
import { startsOf, untilServes } from './answering.ts';
import { apiNetwork, apiService } from './by-api.ts';
import { relativeRow, spreadOf, type Row } from './figures.ts';
import type { Setting } from './setting.ts';
import { takeTurns } from './sides.ts';
import { startSsh, type Ssh } from './ssh.ts';

type Deploy = (image: PushedImage, version: string) => Promise<void>;

/** What the old tool did. */
const byOldTool = async (ssh: Ssh, { dockerHost }: Setting, host: TestHost): Promise<Deploy> => {
  const port = await freePort();
  const name = `${host.environment}-old-tool`;
  const docker = `docker --host ${dockerHost}`;
  return async (image, version) => {
    await ssh.run([
      `${docker} pull ${image.ref}`,
      `${docker} rm --force ${name} || true`,
      `${docker} run --detach --name ${name} --label ${FOREIGN_LABEL}=${host.environment} --restart always ` +
        `--env NODE_ENV=bench --publish 127.0.0.1:${String(port)}:8888 ${image.ref}`,
    ]);
    await untilServes(port, version);
  };
};

const byAgent = async ({ docker, registry }: Setting, host: TestHost): Promise<Deploy> => {
  const port = await freePort();
  await host.compose(`
services:
  web:
    image: ${registry.address}/org/agent
    ports: ['127.0.0.1:${String(port)}:8888']
    environment: { NODE_ENV: bench }
    restart: always
    stop_grace_period: 5s
    deploy: { update_config: { monitor: 1s } }
`);
  await host.publish({});
  await host.agent();
  return async (image, version) => {
    const { started } = await startsOf(docker, host.environment);
    await host.publish({ web: image.ref });
    await started;
    await untilServes(port, version);
  };
};

/** From the moment that a new tag is wanted until the new container answers; all sides take turns. */
export const measureDeploys = (setting: Setting): Promise<readonly Row[]> =>
  setting.onHost(async (host) => {
    const { docker, registry, rounds } = setting;
    const { push } = createImagePusher();
    const ssh = await startSsh();
    try {
      const api = apiService(docker, host, await apiNetwork(docker, host), await freePort());
      const times = await takeTurns(
        rounds,
        { api: api.deploy, ssh: await byOldTool(ssh, setting, host), agent: await byAgent(setting, host) },
        async (side, version) => push(registry, `org/${side}`, version, flavours.web),
        async () => {
          await api.tidy();
          await host.run(['sync', '--wait']);
        },
      );
      const of = {
        name: 'new tag desired → answering, one service',
        unit: 'ms',
        ours: spreadOf(times.agent),
      } as const;
      const yardstick = { name: 'the same calls at the Docker API', spread: spreadOf(times.api) };
      const oldTool = { name: 'docker pull, rm, run over SSH', spread: spreadOf(times.ssh) };
      return [
        relativeRow(1.15, { ...of, yardstick }, '≤ 1.15 × (1.25 at most)'),
        relativeRow(0.6, { ...of, yardstick: oldTool }),
      ];
    } finally {
      await ssh.remove();
    }
  });
