import type Docker from 'dockerode';

/** A container that a test runs beside the agent's: removed with the environment. */
export const FOREIGN_LABEL = 'supercargo-test.environment';

const filterBy = (label: string, environment: string): { label: string[] } => ({
  label: [`${label}=${environment}`],
});
const OWN_LABEL = 'io.supercargo.environment';

const removeContainers = async (docker: Docker, environment: string): Promise<void> => {
  for (const label of [OWN_LABEL, FOREIGN_LABEL]) {
    const found = await docker.listContainers({ all: true, filters: filterBy(label, environment) });
    await Promise.allSettled(
      found.map(async ({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })),
    );
  }
};

/** Everything that an environment of a test left in the engine: containers, networks, volumes and the tags that keep images. */
export const removeEnvironment = async (docker: Docker, environment: string): Promise<void> => {
  await removeContainers(docker, environment);
  const isOurs = (name: string): boolean => name.startsWith(`${environment}_`);
  const networks = (await docker.listNetworks()).filter(({ Name }) => isOurs(Name));
  const volumes = (await docker.listVolumes()).Volumes.filter(({ Name }) => isOurs(Name));
  const tags = (await docker.listImages())
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((tag) => tag.startsWith(`supercargo-${environment}:`));
  await Promise.allSettled([
    ...networks.map(async ({ Id }) => docker.getNetwork(Id).remove()),
    ...volumes.map(async ({ Name }) => docker.getVolume(Name).remove({ force: true })),
    ...tags.map(async (tag) => docker.getImage(tag).remove()),
  ]);
};
