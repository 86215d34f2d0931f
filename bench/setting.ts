import type Docker from 'dockerode';
import type { HostOptions, TestHost } from '../test/support/host.ts';
import type { Registry } from '../test/support/registry.ts';

/** What all measurements of one run share. */
export interface Setting {
  readonly docker: Docker;
  readonly dockerHost: string;
  readonly registry: Registry;
  readonly rounds: number;
  /** A host of its own for a measurement, gone afterwards. */
  readonly onHost: <T>(
    work: (host: TestHost) => Promise<T>,
    options?: Partial<Pick<HostOptions, 'dockerHost' | 'env'>>,
  ) => Promise<T>;
}
