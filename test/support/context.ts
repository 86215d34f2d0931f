import type Docker from 'dockerode';
import { inject } from 'vitest';
import { type HostOptions, type TestHost, createTestHost } from './host.ts';
import { dockerAt } from './private-engine.ts';

/** The engine that the whole run shares. */
export const sharedDocker = (): Docker => dockerAt(inject('dockerHost').replace('unix://', ''));

/** A host on the shared engine. The test, or its afterEach, calls `cleanup`. */
export const sharedHost = async (options: Partial<HostOptions> = {}): Promise<TestHost> =>
  createTestHost({ dockerHost: inject('dockerHost'), docker: sharedDocker(), ...options });
