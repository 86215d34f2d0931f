import { createImagePusher, type PushedImage } from '../../test/support/images.ts';
import { flavours } from '../../test/support/flavours.ts';
import type { TestHost } from '../../test/support/host.ts';
import { FOREIGN_LABEL } from '../../test/support/leftovers.ts';
import { freePort } from '../../test/support/ports.ts';
import { startsOf, timed, untilServes } from './answering.ts';
import { apiNetwork, apiService } from './by-api.ts';
import { spreadOf, type Row } from './figures.ts';
import type { Setting } from './setting.ts';
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
    const { push } = createImagePusher();
    const ssh = await startSsh();
    const api = await apiService(setting.docker, host, await apiNetwork(setting.docker, host));
    try {
      const sides = {
        agent: await byAgent(setting, host),
        api: api.deploy,
        ssh: await byOldTool(ssh, setting, host),
      };
      const times: Record<keyof typeof sides, number[]> = { agent: [], api: [], ssh: [] };
      for (let round = 0; round <= setting.rounds; round += 1) {
        const version = `1.${String(round)}.0`;
        for (const side of ['api', 'ssh', 'agent'] as const) {
          const image = await push(setting.registry, `org/${side}`, version, flavours.web);
          const tookMs = await timed(() => sides[side](image, version));
          // The first deploy on each side replaces nothing.
          if (round > 0) times[side].push(tookMs);
        }
        // What follows the answer (health gate, clean-up) is no part of the next round.
        await api.tidy();
        await host.run(['sync', '--wait']);
      }
      return rowsOf(times);
    } finally {
      await api.end();
      await ssh.remove();
    }
  });

const rowsOf = (times: Readonly<Record<'agent' | 'api' | 'ssh', readonly number[]>>): readonly Row[] => {
  const name = 'new tag desired → answering, one service';
  const [ours, api, ssh] = [spreadOf(times.agent), spreadOf(times.api), spreadOf(times.ssh)];
  return [
    {
      name,
      unit: 'ms',
      ours,
      yardstick: { name: 'the same calls at the Docker API', spread: api },
      goal: '≤ 1.15 × (1.25 at most)',
      isMet: ours.median <= 1.15 * api.median,
    },
    {
      name,
      unit: 'ms',
      ours,
      yardstick: { name: 'docker pull, rm, run over SSH', spread: ssh },
      goal: '≤ 0.6 ×',
      isMet: ours.median <= 0.6 * ssh.median,
    },
  ];
};
