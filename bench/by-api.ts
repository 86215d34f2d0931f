import type Docker from 'dockerode';
import { type PushedImage, pullImage } from '../test/support/images.ts';
import type { TestHost } from '../test/support/host.ts';
import { FOREIGN_LABEL } from '../test/support/leftovers.ts';
import { untilServes } from './answering.ts';

/**
 * One service, as a script would deploy it that knows the API: pull, create, stop the old one, start the new
 * one. Its containers and its network go with the host.
 */
export interface ApiService {
  /** Ends with the first answer of the new one. The old one is left for `tidy`. */
  readonly deploy: (image: PushedImage, version: string) => Promise<void>;
  readonly tidy: () => Promise<void>;
}

export const apiNetwork = async (docker: Docker, host: TestHost): Promise<string> =>
  (await docker.createNetwork({ Name: `${host.environment}_bench` })).id;

export const apiService = (docker: Docker, host: TestHost, network: string, port: number): ApiService => {
  const state: { old: Docker.Container | undefined; now: Docker.Container | undefined } = {
    old: undefined,
    now: undefined,
  };
  return {
    deploy: async (image, version) => {
      await pullImage(docker, image.ref);
      const created = await docker.createContainer({
        Image: image.ref,
        Env: ['NODE_ENV=bench'],
        Labels: { [FOREIGN_LABEL]: host.environment },
        ExposedPorts: { '8888/tcp': {} },
        HostConfig: {
          NetworkMode: network,
          PortBindings: { '8888/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
          RestartPolicy: { Name: 'always' },
        },
      });
      await state.now?.stop({ t: 5 });
      await created.start();
      await untilServes(port, version);
      state.old = state.now;
      state.now = created;
    },
    tidy: async () => {
      await state.old?.remove();
      state.old = undefined;
    },
  };
};
