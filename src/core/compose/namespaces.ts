import type { ComposeProject, ContainerSpec } from './project-model.ts';

export type Namespace = 'network' | 'ipc' | 'pid';

/** A namespace of another container, the donor: `network_mode`, `ipc` or `pid` with `container:NAME`. */
export interface JoinedNamespace {
  readonly namespace: Namespace;
  /** The donor's name or id, as written. */
  readonly donor: string;
}

const PREFIX = 'container:';

/** Returns the name in `container:NAME`, or undefined for any other mode. */
export const donorIn = (mode: string | undefined): string | undefined =>
  mode?.startsWith(PREFIX) === true ? mode.slice(PREFIX.length) : undefined;

export const joinedNamespaces = (
  spec: Pick<ContainerSpec, 'networkMode' | 'ipc' | 'pid'>,
): readonly JoinedNamespace[] => {
  const { networkMode, ipc, pid } = spec;
  const modes = { network: networkMode.kind === 'mode' ? networkMode.mode : undefined, ipc, pid };
  return (['network', 'ipc', 'pid'] as const).flatMap((namespace) => {
    const donor = donorIn(modes[namespace]);
    return donor === undefined ? [] : [{ namespace, donor }];
  });
};

export const donorsIn = ({ services }: ComposeProject): readonly string[] =>
  Object.values(services).flatMap((s) => joinedNamespaces(s.container).map(({ donor }) => donor));
