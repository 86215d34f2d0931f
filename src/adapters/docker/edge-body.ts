import { join } from 'node:path';
import type { ContainerCreateOptions } from 'dockerode';
import {
  EDGE_CAPABILITIES,
  EDGE_CONFIG_MOUNT,
  EDGE_RUN_MOUNT,
  edgeCommand,
} from '../../core/edge/edge-container.ts';
import type { CreateEdge } from '../../core/plan/action.ts';
import { blankedLabels, edgeLabels, type Labels } from './labels.ts';

/** The host's folder for the files of this environment's edges, and the user and group of their sockets. */
export interface EdgeHome {
  readonly folder: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The edge's container runs as root with only the capabilities to bind ports and to change its user. Only the
 * folder of its sockets is writable. Its root enters the folders through the agent's group.
 */
export const edgeBody = (
  action: CreateEdge,
  environment: string,
  { folder, uid, gid }: EdgeHome,
  imageLabels: Labels = {},
): ContainerCreateOptions => {
  const { instance, predecessor } = action;
  const [program, ...args] = edgeCommand({
    agentUid: uid,
    instance,
    ...(predecessor === undefined ? {} : { predecessor }),
  });
  const keys = action.ports.map((p) => `${String(p.containerPort)}/tcp`);
  return {
    name: action.name,
    Image: action.imageId,
    Entrypoint: [program],
    Cmd: args,
    User: `0:${String(gid)}`,
    // The signal of `leave-edge`. An engine that shuts down does not wait for sessions to end.
    StopSignal: 'SIGUSR1',
    StopTimeout: 1,
    Labels: { ...blankedLabels(imageLabels), ...edgeLabels(action, environment) },
    ...(keys.length > 0 && { ExposedPorts: Object.fromEntries(keys.map((k) => [k, {}])) }),
    HostConfig: {
      NetworkMode: action.mode === 'host' ? 'host' : action.network,
      CapDrop: ['ALL'],
      CapAdd: [...EDGE_CAPABILITIES],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      RestartPolicy: { Name: 'always' },
      Binds: [
        `${join(folder, 'config', instance)}:${EDGE_CONFIG_MOUNT}:ro`,
        `${join(folder, 'run')}:${EDGE_RUN_MOUNT}`,
      ],
      ...(keys.length > 0 && {
        PortBindings: Object.fromEntries(
          action.ports.map((p) => [
            `${String(p.containerPort)}/tcp`,
            [{ HostIp: p.hostAddress, HostPort: String(p.hostPort) }],
          ]),
        ),
      }),
    },
  };
};
