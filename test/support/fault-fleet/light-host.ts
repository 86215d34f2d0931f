import { setTimeout as sleep } from 'node:timers/promises';
import { createManifestSource } from '../../../src/adapters/manifest-source/manifest-source.ts';
import { createReportStore } from '../../../src/adapters/report-store/report-store.ts';
import { manifestPath, reportPath, turnPath } from '../../../src/core/fleet/store-layout.ts';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import type { Held } from '../../../src/core/ports/manifest-source.ts';
import type { SwitchStatus } from '../../../src/core/status/status-document.ts';
import { createConnections } from '../../../src/io/connections.ts';
import { createHubs } from '../../../src/io/hub-failover.ts';
import { hostStatus } from '../status.ts';
import { createTurnHost, type TurnHost } from '../turn-host.ts';
import type { Evidence } from './evidence.ts';

/** A version that a manifest gives to `web`, as a number. */
export interface Wanted {
  readonly serial: number;
  readonly version: number;
}

export interface LightHostOptions {
  readonly environment: string;
  readonly name: string;
  /** Of each hub that it knows, or of the balancer. */
  readonly hubs: readonly [string, ...string[]];
  readonly secret: string;
  readonly heartbeatMs: number;
  readonly evidence: Evidence;
}

/** The network side of an agent with its real clients: it follows the manifest, and reports. */
export interface LightHost {
  readonly name: string;
  /** It needs no balancer. */
  readonly knowsHubs: boolean;
  readonly words: TurnHost;
  readonly wanted: () => Wanted | undefined;
  /** Settles at the next manifest, or when it ends. */
  readonly news: () => Promise<void>;
  /** Says how far a switch is from now on, once at once; true when that is acknowledged. */
  readonly say: (version: number, state: SwitchStatus['state']) => Promise<boolean>;
  /** The address of its turns at each hub. */
  readonly turnAddresses: readonly [string, ...string[]];
  readonly signal: AbortSignal;
  /** No report from now on. Returns what ends the silence. */
  readonly silence: () => () => void;
  readonly end: () => Promise<void>;
}

interface Document {
  readonly serial: number;
  readonly services: { readonly web: { readonly image: string } };
}

/** Of `registry.example.com/org/web:123@sha256:…`. */
const wantedIn = (bytes: Uint8Array): Wanted => {
  const { serial, services } = JSON.parse(Buffer.from(bytes).toString()) as Document;
  return { serial, version: Number(/:(\d+)@/.exec(services.web.image)?.[1]) };
};

const LONGEST_PAUSE_MS = 1_000;

/** After a failure, shorter than an agent waits: a test has less time. It ends with the signal. */
export const pause = async (signal: AbortSignal, ms = Math.random() * LONGEST_PAUSE_MS): Promise<void> => {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};

/** They follow and report until they are ended. */
export const startLightHost = (options: LightHostOptions): LightHost => {
  const { environment, name, secret, heartbeatMs, evidence } = options;
  const ended = new AbortController();
  const { signal } = ended;
  const connections = createConnections();
  const list = createHubs({ host: name }).list;
  const at = (path: string) => options.hubs.map((hub) => `${hub}/${path}`) as [string, ...string[]];
  const source = createManifestSource({ hubs: list('manifest', at(manifestPath(environment))), connections });
  const reports = createReportStore({
    hubs: list('reports', at(reportPath(environment, name))),
    token: { kind: 'value', value: hostToken(secret, environment, name) },
    readTls: async () => Promise.resolve({}),
    connections,
  });
  const words = createTurnHost(name, environment);
  const state: {
    wanted?: Wanted;
    said: readonly [number, SwitchStatus['state']];
    isSilent: boolean;
    news: PromiseWithResolvers<void>;
  } = { said: [1, 'good'], isSilent: false, news: Promise.withResolvers() };

  const follow = async (): Promise<void> => {
    let isReady = false;
    while (!signal.aborted) {
      const fetched: Held = isReady && source.hold ? await source.hold(signal) : await source.fetch(signal);
      isReady = fetched.kind === 'document' || fetched.kind === 'unchanged';
      if (fetched.kind === 'failed') await pause(signal);
      if (fetched.kind !== 'document') continue;
      const wanted = wantedIn(fetched.bytes);
      evidence.reads.push({ environment, host: name, serial: wanted.serial, atMs: performance.now() });
      // An agent refuses a serial below the one that it has.
      if (wanted.serial < (state.wanted?.serial ?? 0)) continue;
      state.wanted = wanted;
      state.news.resolve();
      state.news = Promise.withResolvers();
    }
  };

  const sendNow = async (): Promise<boolean> => {
    if (state.isSilent) return false;
    const [version, progress] = state.said;
    const manifest = { ...hostStatus().manifest, serial: state.wanted?.serial ?? 0 };
    const status = words.report(version, progress, { manifest });
    const seq = status.turns?.seq ?? 0;
    let isWhole = false;
    const text = (): string => {
      isWhole = true;
      return JSON.stringify(status);
    };
    const substance = JSON.stringify([state.said, manifest.serial, words.asked]);
    const { kind } = await reports.send({ text, substance, seq }, signal);
    if (kind !== 'delivered') return false;
    evidence.reports.push({ environment, host: name, seq, isWhole, atMs: performance.now() });
    return true;
  };
  let last: Promise<boolean> = Promise.resolve(true);
  /** One after the other, as an agent sends them. */
  const send = async (): Promise<boolean> => {
    last = last.then(sendNow);
    return last;
  };
  const beat = async (): Promise<void> => {
    while (!signal.aborted) await pause(signal, (await send()) ? heartbeatMs : undefined);
  };

  const untilEnd = async (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  const lives = Promise.all([untilEnd(follow()), untilEnd(beat())]);
  return {
    name,
    knowsHubs: options.hubs.length > 1,
    words,
    wanted: () => state.wanted,
    news: async () => state.news.promise,
    say: async (...said) => {
      state.said = said;
      return send();
    },
    turnAddresses: at(turnPath(environment, name)),
    signal,
    silence: () => {
      state.isSilent = true;
      return () => {
        state.isSilent = false;
      };
    },
    end: async () => {
      ended.abort();
      state.news.resolve();
      await lives;
      connections.close();
    },
  };
};
