import { createHttpStore } from '../../../src/adapters/document-store/http-store.ts';
import { createPatience } from '../../../src/adapters/document-store/store-patience.ts';
import { headerOfToken } from '../../../src/core/hub/tokens.ts';
import type { Pace } from '../../../src/core/manifest/pace.ts';
import { parseImage } from '../../../src/core/image/reference.ts';
import { createEnvironmentStore } from '../../../src/publish/environment-store.ts';
import { createPublisher } from '../../../src/publish/publisher.ts';
import { digestOf } from '../turn-host.ts';
import type { Evidence } from './evidence.ts';

export interface SteadyPublisherOptions {
  readonly name: string;
  readonly environment: string;
  readonly url: string;
  readonly token: string;
  readonly pace?: Pace;
  /** Another number for each publish. */
  readonly nextVersion: () => number;
  /** What a publish waits for. */
  readonly before: (signal: AbortSignal) => Promise<void>;
  readonly evidence: Evidence;
}

export interface SteadyPublisher {
  readonly isBusy: () => boolean;
  /** Publishes that ended with an error: what it said. */
  readonly failures: readonly string[];
  readonly end: () => Promise<void>;
}

/** Publishes one version after the other with what `supercargo publish` consists of. */
export const startSteadyPublisher = (options: SteadyPublisherOptions): SteadyPublisher => {
  const { name, environment, url, token, pace, nextVersion, before, evidence } = options;
  const ended = new AbortController();
  const { signal } = ended;
  const authorization = headerOfToken(token);
  const access = { base: new URL(url), authorization, readAuthorization: authorization, tls: {} };
  const store = createHttpStore({ ...access, patience: createPatience() });
  const view = createEnvironmentStore(store, environment, undefined);
  const terms = { expiresInMs: undefined, rollout: undefined, freeze: undefined, publisher: undefined };
  const state = { isBusy: false };
  const failures: string[] = [];

  const publishOne = async (): Promise<void> => {
    const version = nextVersion();
    const image = `registry.example.com/org/web:${String(version)}@${digestOf(version)}`;
    const web = { image: parseImage(image), imageIds: {}, attempt: 0 };
    // As each run of the command.
    const publisher = createPublisher({
      store,
      environment,
      view,
      keys: [],
      isSingleWriter: false,
      isHostsTrust: false,
    });
    const { manifest } = await publisher.publish(
      {
        services: async () => Promise.resolve({ web }),
        named: ['web'],
        creates: true,
        terms: { ...terms, nowMs: Date.now() },
        ...(pace && { speed: () => ({ pace, urgent: undefined }) }),
        serial: undefined,
        isDryRun: false,
      },
      signal,
    );
    const { serial } = manifest;
    evidence.publishes.push({ publisher: name, environment, serial, image, atMs: performance.now() });
  };
  const live = async (): Promise<void> => {
    while (!signal.aborted) {
      await before(signal);
      state.isBusy = true;
      await publishOne().catch((error: unknown) => {
        if (signal.aborted) return;
        failures.push(String(error));
      });
      state.isBusy = false;
    }
  };
  const life = live();
  return {
    isBusy: () => state.isBusy,
    failures,
    end: async () => {
      ended.abort();
      await life;
    },
  };
};
