import type { MountSettings } from 'dockerode';
import type { Mount } from '../../core/compose/project-model.ts';
import type { CreateContainer } from '../../core/plan/action.ts';
import { defined } from './defined.ts';

const flags = (...parts: readonly (string | false | undefined)[]): string => {
  const set = parts.filter((p) => typeof p === 'string');
  return set.length === 0 ? '' : `:${set.join(',')}`;
};

/** Short forms become binds, because only binds create a missing folder; the rest are typed mounts. */
export const mountsOf = (
  action: CreateContainer,
): { binds: readonly string[]; mounts: readonly MountSettings[] } => {
  const binds: string[] = [];
  const mounts: MountSettings[] = [];
  const targets = new Set<string>();
  for (const mount of action.release.spec.container.mounts) {
    targets.add(mount.target);
    const bind = bindOf(action, mount);
    if (bind !== undefined) binds.push(bind);
    const typed = bind === undefined ? typedMount(action, mount) : undefined;
    if (typed) mounts.push(typed);
  }
  for (const [target, name] of Object.entries(action.carried)) {
    if (!targets.has(target)) binds.push(`${name}:${target}`);
  }
  return { binds, mounts };
};

const mountMode = (mount: { readonly readOnly: boolean }): string => (mount.readOnly ? 'ro' : 'rw');

const bindOf = (action: CreateContainer, mount: Mount): string | undefined => {
  if (mount.kind === 'anonymous') {
    const carried = action.carried[mount.target];
    return carried === undefined ? undefined : `${carried}:${mount.target}${flags(mountMode(mount))}`;
  }
  if (mount.kind === 'volume' && mount.subpath === undefined) {
    const name = action.volumes[mount.name] ?? mount.name;
    return `${name}:${mount.target}${flags(mountMode(mount), mount.selinux, mount.noCopy === true && 'nocopy')}`;
  }
  if (mount.kind === 'bind' && (mount.createSource || mount.selinux !== undefined)) {
    return `${mount.source}:${mount.target}${flags(mountMode(mount), mount.selinux, mount.propagation)}`;
  }
  return undefined;
};

const typedMount = (action: CreateContainer, mount: Mount): MountSettings | undefined => {
  switch (mount.kind) {
    case 'anonymous':
      return undefined;
    case 'volume':
      return {
        Type: 'volume',
        Source: action.volumes[mount.name] ?? mount.name,
        Target: mount.target,
        ReadOnly: mount.readOnly,
        VolumeOptions: { NoCopy: mount.noCopy === true, Subpath: mount.subpath },
      } as unknown as MountSettings;
    case 'bind':
      return defined({
        Type: 'bind' as const,
        Source: mount.source,
        Target: mount.target,
        ReadOnly: mount.readOnly,
        BindOptions: mount.propagation === undefined ? undefined : { Propagation: mount.propagation },
      }) as MountSettings;
    case 'tmpfs':
      return {
        Type: 'tmpfs',
        Source: '',
        Target: mount.target,
        TmpfsOptions: defined({ SizeBytes: mount.sizeBytes, Mode: mount.mode }),
      };
  }
};
