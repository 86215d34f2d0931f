import type Docker from 'dockerode';
import { FOREIGN_LABEL } from './leftovers.ts';

export interface ForeignOptions {
  readonly name: string;
  /** Local already: `pullImage`, or `load` of the image pusher. */
  readonly image: string;
  /** Host port by container port, such as `{ '8888/tcp': 8080 }`. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly environment?: readonly string[];
  readonly restart?: 'no' | 'always';
}

/** What `docker run --detach --publish --env --restart` of the old deploy tool leaves on a host. */
export const runForeign = async (
  docker: Docker,
  environment: string,
  options: ForeignOptions,
): Promise<Docker.Container> => {
  const bindings = Object.entries(options.ports ?? {}).map(([port, hostPort]) => [
    port,
    [{ HostPort: String(hostPort) }],
  ]);
  const container = await docker.createContainer({
    name: options.name,
    Image: options.image,
    Env: [...(options.environment ?? [])],
    Labels: { [FOREIGN_LABEL]: environment },
    HostConfig: {
      PortBindings: Object.fromEntries(bindings) as Docker.PortMap,
      RestartPolicy: { Name: options.restart ?? 'no' },
    },
  });
  await container.start();
  return container;
};
