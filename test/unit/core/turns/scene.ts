import { parseImage } from '../../../../src/core/image/reference.ts';
import { DEFAULT_PACE, type Pace } from '../../../../src/core/manifest/pace.ts';
import type { HostWord, ServiceWord } from '../../../../src/core/turns/host-word.ts';
import type { RolloutCommand } from '../../../../src/core/turns/rollout-command.ts';
import type { RolloutStatus } from '../../../../src/core/turns/rollout-status.ts';
import {
  askTurn,
  followManifest,
  newTurnState,
  obey,
  review,
  rolloutStatus,
  type FleetView,
  type TurnState,
} from '../../../../src/core/turns/rules.ts';
import type { TurnAnswer, TurnWish } from '../../../../src/core/turns/turn-request.ts';

export const digestOf = (version: string): string => `sha256:${version.padStart(64, '0')}`;

type Said = Partial<ServiceWord>;

const wishOf = (s: ServiceWord): TurnWish => ({
  service: s.service,
  entry: s.entry,
  release: s.release,
  digest: s.digest,
  attempt: s.attempt,
  kind: s.kind,
  serves: s.serves === true,
});

/** A store and the words of its hosts, which change only when a test says so. */
export const createScene = (
  hosts: readonly string[],
  { pace = {}, services = ['web'] }: { pace?: Partial<Pace>; services?: readonly string[] } = {},
) => {
  const standing: Pace = { ...DEFAULT_PACE, ...pace };
  let state: TurnState = newTurnState('staging');
  let nowMs = 1_000_000;
  let starting: FleetView['starting'] = null;
  let serial = 0;
  let versions: Record<string, { version: string; attempt: number }> = {};
  const words = new Map<string, HostWord>();
  let seq = 1;
  const nextSeq = (): number => {
    seq += 1;
    return seq;
  };

  const view = (): FleetView => ({ nowMs, words: [...words.values()], starting });
  const reviewed = (): void => {
    state = review(state, view());
  };
  const wordOf = (host: string): HostWord => {
    const word = words.get(host);
    if (!word) throw new Error(`no host ${host}`);
    return word;
  };
  const tell = (host: string, change: Partial<HostWord>): void => {
    const word = wordOf(host);
    const turns = word.turns && { ...word.turns, seq: nextSeq() };
    words.set(host, { ...word, turns, silentMs: 0, isSilent: false, ...change });
    reviewed();
  };
  /** What a host says about one service, in its next report. */
  const says = (host: string, said: Said, service = services[0] ?? ''): void =>
    tell(host, {
      services: wordOf(host).services.map((s) => (s.service === service ? { ...s, ...said } : s)),
    });
  const desire = (service: string): Said => {
    const { version, attempt } = versions[service] ?? { version: '0', attempt: 0 };
    return { release: `${service}-${version}`, digest: digestOf(version), attempt };
  };
  const join = (host: string, said: Said = {}): void => {
    words.set(host, {
      host,
      labels: {},
      silentMs: 0,
      isSilent: false,
      isRunning: true,
      turns: { life: `life-${host}`, seq: 1, asked: [], jobs: [], revision: null },
      serial,
      refuses: false,
      isHeld: false,
      isDrained: false,
      services: services.map((service) => ({
        service,
        entry: service,
        release: '',
        digest: null,
        attempt: 0,
        ...desire(service),
        state: 'good',
        kind: 'version',
        isUnsettled: false,
        hasServed: true,
        serves: true,
        outcome: 'converged',
        reason: null,
        message: null,
        failure: null,
        ...said,
      })),
    });
  };
  const publish = (
    changed: Readonly<Record<string, string>>,
    options: { urgent?: string; pace?: Partial<Pace> | null; retry?: boolean } = {},
  ): void => {
    serial += 1;
    for (const [service, version] of Object.entries(changed))
      versions = {
        ...versions,
        [service]: {
          version,
          attempt: (versions[service]?.attempt ?? 0) + (options.retry === true ? 1 : 0),
        },
      };
    const entries = Object.entries(versions).map(([service, { version, attempt }]) => [
      service,
      {
        image: parseImage(`registry.example.com/${service}:${version}@${digestOf(version)}`),
        imageIds: {},
        attempt,
      },
    ]);
    const manifest = {
      environment: 'staging',
      serial,
      issuedAtMs: nowMs,
      expiresAtMs: undefined,
      services: Object.fromEntries(entries),
      rollout: undefined,
      freeze: undefined,
      publisher: undefined,
      pace: options.pace === null ? undefined : { ...standing, ...options.pace },
      ...(options.urgent !== undefined && { urgent: { reason: options.urgent } }),
    };
    state = followManifest(state, manifest, nowMs);
    reviewed();
  };
  /** All hosts, or these, have read the newest manifest and want a turn. */
  const read = (which: readonly string[] = hosts): void => {
    for (const host of which)
      tell(host, {
        serial,
        services: wordOf(host).services.map((s) => {
          const wanted = desire(s.service);
          return wanted.digest === s.digest && wanted.attempt === s.attempt
            ? s
            : { ...s, ...wanted, state: 'none', kind: 'version', outcome: 'waiting', reason: 'turn' };
        }),
      });
  };
  const request = (
    host: string,
    wishes?: readonly Partial<TurnWish>[],
    engine = `engine-${host}`,
    number = nextSeq(),
  ) => {
    const word = wordOf(host);
    const open = word.services.filter((s) => s.state === 'none').map(wishOf);
    return askTurn(state, view(), host, {
      life: word.turns?.life ?? '',
      seq: number,
      serial,
      engine,
      mostSeconds: 60,
      services: wishes?.map((w) => ({ ...wishOf(word.services[0] as ServiceWord), ...w })) ?? open,
    });
  };
  const ask = (host: string, wishes?: readonly Partial<TurnWish>[]): TurnAnswer => {
    const asked = request(host, wishes);
    if (asked.kind === 'refused') throw new Error(asked.refusal.message);
    ({ state } = asked);
    return asked.answer;
  };

  publish(Object.fromEntries(services.map((s) => [s, '1'])));
  for (const host of hosts) join(host);
  reviewed();

  return {
    state: () => state,
    view,
    publish,
    read,
    join,
    says,
    tell,
    ask,
    request,
    /** The host asks, and begins. */
    begin: (host: string, service = services[0] ?? ''): void => {
      const { answer } = ask(host);
      if (answer !== 'granted') throw new Error(`${host}: ${answer}`);
      says(host, { state: 'begun', outcome: 'progressing', reason: 'create' }, service);
    },
    good: (host: string, service = services[0] ?? ''): void =>
      says(
        host,
        {
          state: 'good',
          outcome: 'converged',
          reason: null,
          serves: true,
          isUnsettled: false,
          hasServed: true,
        },
        service,
      ),
    fail: (host: string, service = services[0] ?? ''): void =>
      says(
        host,
        {
          state: 'failed',
          outcome: 'rolled-back',
          reason: 'quarantined',
          serves: true,
          failure: { version: '2', message: 'exit code 1', log: ['boom'] },
        },
        service,
      ),
    /** It falls silent for this time, in which other hosts report. */
    silent: (host: string, ms: number): void => {
      words.set(host, { ...wordOf(host), silentMs: ms, isSilent: ms > 180_000 });
      reviewed();
    },
    remove: (host: string): void => {
      words.delete(host);
      reviewed();
    },
    obey: (command: RolloutCommand): void => {
      const done = obey(state, view(), command);
      if (done.kind === 'refused') throw new Error(done.refusal.message);
      ({ state } = done);
    },
    nextSeq,
    /** The agent there starts anew. */
    restart: (host: string, life: string): void =>
      tell(host, { turns: { life, seq: 1, asked: [], jobs: [], revision: null } }),
    start: (which: readonly string[] | null): void => {
      starting = which && { hosts: which, untilMs: nowMs + 180_000 };
      reviewed();
    },
    tick: (ms: number): void => {
      nowMs += ms;
      reviewed();
    },
    status: (): RolloutStatus => rolloutStatus(state, view()),
    change: () => state.changes.find((c) => c.serial === serial),
  };
};

export type Scene = ReturnType<typeof createScene>;

/** `web-1` to `web-N` */
export const named = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `web-${String(index + 1)}`);
