import type Dockerode from 'dockerode';
import type { CreateFacts, ProcessFacts } from '../../core/state/actual.ts';

/** The part of a container's or image's `Config` that we compare. */
export interface ProcessConfig {
  readonly Entrypoint?: readonly string[] | string | null | undefined;
  readonly Cmd?: readonly string[] | string | null | undefined;
  readonly Env?: readonly string[] | null | undefined;
}

/** Old images have text where others have a list. */
export const listOf = (value: readonly string[] | string | null | undefined): readonly string[] =>
  typeof value === 'string' ? [value] : (value ?? []);

const processOf = (config: ProcessConfig): ProcessFacts => ({
  entrypoint: listOf(config.Entrypoint),
  command: listOf(config.Cmd),
  environment: Object.fromEntries(
    (config.Env ?? []).map((pair) => {
      const at = pair.indexOf('=');
      return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  ),
});

/** What a container was created with. `image` is what its image declares; undefined if the image is gone. */
export const createFactsOf = (
  inspected: Dockerode.ContainerInspectInfo,
  image: ProcessConfig | undefined,
): CreateFacts => ({
  process: processOf(inspected.Config),
  networkMode: inspected.HostConfig.NetworkMode ?? '',
  mounts: inspected.Mounts.map((m) => ({ kind: m.Type ?? '', target: m.Destination })),
  image: image && processOf(image),
});
