import type Docker from 'dockerode';

export interface Recreated {
  /** Another image; absent: the same. */
  readonly image?: string;
  /** Variables that it has more, `NAME=value`. */
  readonly environment?: readonly string[];
}

/**
 * As watchtower updates a container, and Portainer's "Recreate": everything is taken from `inspect`; the old one is stopped and removed,
 * and one with its name, labels, networks and addresses created and started.
 */
export const recreate = async (
  docker: Docker,
  id: string,
  { image, environment = ['RECREATED=1'] }: Recreated = {},
): Promise<Docker.Container> => {
  const container = docker.getContainer(id);
  const { Name, Config, HostConfig, NetworkSettings } = await container.inspect();
  await container.stop({ t: 1 }).catch(() => undefined);
  await container.remove({ force: true });
  const [first, ...others] = Object.entries(NetworkSettings.Networks);
  const made = await docker.createContainer({
    ...Config,
    name: Name.slice(1),
    Image: image ?? Config.Image,
    Env: [...((Config.Env as string[] | undefined) ?? []), ...environment],
    HostConfig,
    NetworkingConfig: { EndpointsConfig: Object.fromEntries(first ? [first] : []) },
  });
  for (const [network, EndpointConfig] of others)
    await docker.getNetwork(network).connect({ Container: made.id, EndpointConfig });
  await made.start();
  return made;
};
