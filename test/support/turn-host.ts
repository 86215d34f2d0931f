import type { ServiceStatus, Status, SwitchStatus } from '../../src/core/status/status-document.ts';
import type { TurnRequest, TurnWish } from '../../src/core/turns/turn-request.ts';
import { hostStatus, serviceStatus } from './status.ts';

/** The digest of a version, such as 2 or 3. */
export const digestOf = (version: number): string => `sha256:${String(version).repeat(64).slice(0, 64)}`;
const releaseOf = (version: number): string => `0${String(version)}`.repeat(32);

/** A manifest with a pace; `entries` are versions by names. */
export const pacedManifest = (
  environment: string,
  serial: number,
  entries: Readonly<Record<string, number>>,
  pace: object | null = { maxParallel: 1 },
  more: object = {},
): string =>
  JSON.stringify({
    apiVersion: 'supercargo/v1',
    environment,
    serial,
    issuedAt: '2026-11-23T10:00:00Z',
    services: Object.fromEntries(
      Object.entries(entries).map(([name, version]) => [
        name,
        { image: `registry.example.com/${name}:${String(version)}@${digestOf(version)}` },
      ]),
    ),
    ...(pace && { pace }),
    ...more,
  });

const switchTo = (version: number, state: SwitchStatus['state']): SwitchStatus => ({
  entry: 'web',
  release: releaseOf(version),
  digest: digestOf(version),
  attempt: 0,
  state,
  kind: 'version',
  unsettled: false,
  hasServed: true,
});

/** What an agent sends that has one service, web. */
export interface TurnHost {
  readonly host: string;
  readonly request: (
    version: number,
    serial: number,
    more?: Partial<TurnRequest>,
    wish?: Partial<TurnWish>,
  ) => TurnRequest;
  readonly report: (
    version: number,
    state: SwitchStatus['state'],
    more?: Partial<Status>,
    service?: Partial<ServiceStatus>,
  ) => Status;
  /** Names what is asked for, as the agent does before it asks. */
  asked: readonly string[];
  /** Begins another life. */
  readonly restart: () => void;
}

export const createTurnHost = (host: string, environment = 'staging'): TurnHost => {
  const state = { seq: 0, life: 1 };
  const next = (): { readonly life: string; readonly seq: number } => {
    state.seq += 1;
    return { life: `${host}-life-${String(state.life)}`, seq: state.seq };
  };
  const made: TurnHost = {
    host,
    asked: [],
    request: (version, serial, more = {}, wish = {}) => ({
      ...next(),
      serial,
      engine: `engine-of-${host}`,
      mostSeconds: 300,
      services: [
        {
          service: 'web',
          entry: 'web',
          release: releaseOf(version),
          digest: digestOf(version),
          attempt: 0,
          kind: 'version',
          serves: true,
          ...wish,
        },
      ],
      ...more,
    }),
    report: (version, progress, more = {}, service = {}) =>
      hostStatus({
        host,
        environment,
        turns: {
          mode: 'manifest',
          ...next(),
          asked: made.asked,
          store: 'answers',
          message: null,
          revision: null,
        },
        services: [serviceStatus({ serves: true, switching: switchTo(version, progress), ...service })],
        ...more,
      }),
    restart: () => {
      state.life += 1;
      state.seq = 0;
    },
  };
  return made;
};
