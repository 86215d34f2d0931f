import type { Manifest, ManifestService } from '../../../src/core/manifest/manifest.ts';
import type { Pace } from '../../../src/core/manifest/pace.ts';
import type { RolloutCommand } from '../../../src/core/turns/rollout-command.ts';
import type { RolloutStatus } from '../../../src/core/turns/rollout-status.ts';
import type { Change } from '../../../src/core/turns/turn-state.ts';
import { createHostService, type HostService } from './host-service.ts';
import { createRandom, type Random } from './random.ts';
import type { Happening, Scenario } from './scenario.ts';
import { createSimulatedHost, type SimulatedHost, type StoreOfHost } from './simulated-host.ts';
import { createSimulatedStore, ENVIRONMENT, type SimulatedStore } from './simulated-store.ts';
import { createTimeline, type Timeline } from './timeline.ts';
import { releaseOf, type Behaviour } from './versions.ts';
import { createWatch, type Violations } from './watch.ts';

export const START_MS = Date.parse('2026-11-23T12:00:00Z');

const ENTRIES = ['web', 'api', 'cache'] as const;

/** The services of a host by its number: two of them take their version from one entry. */
const SERVICES = [
  { name: 'web', entry: 'web', isStartFirst: false, isOn: () => true },
  { name: 'api', entry: 'api', isStartFirst: true, isOn: (n: number) => n % 2 === 0 },
  { name: 'api-worker', entry: 'api', isStartFirst: false, isOn: (n: number) => n % 3 === 0 },
  { name: 'cache', entry: 'cache', isStartFirst: false, isOn: (n: number) => n % 2 === 1 },
  { name: 'proxy', entry: null, isStartFirst: false, isOn: (n: number) => n % 4 === 1 },
] as const;

const servicesOf = (number: number, isFresh: boolean): HostService[] =>
  SERVICES.filter(({ isOn }) => isOn(number)).map(({ name, entry, isStartFirst }) =>
    createHostService(
      name,
      { entry, isStartFirst },
      isFresh ? undefined : releaseOf(entry === null ? 'pinned-files-0' : `${entry}-0`, 'files-0'),
    ),
  );

export interface SimulatedFleet {
  readonly timeline: Timeline;
  readonly hosts: SimulatedHost[];
  readonly store: SimulatedStore;
  readonly violations: Violations;
  readonly happen: (what: Happening) => void;
  /** Ends all faults but machines that are gone, and everything that closes a gate. */
  readonly calm: () => void;
  /** Runs until nothing has changed for longer than anything takes. False if it never rests. */
  readonly rest: (withinMs: number) => boolean;
  readonly read: () => RolloutStatus;
  /** Every change that was ever halted by the rules, with the reason. */
  readonly halts: () => readonly string[];
}

export interface FleetOptions extends Omit<Scenario, 'happenings'> {
  readonly switchMs?: readonly [number, number];
  readonly beginMs?: readonly [number, number];
  readonly askAgainMs?: readonly [number, number];
  /** False leaves out the checks of every step, which take longer than the steps. */
  readonly isWatched?: boolean;
}

interface Published {
  serial: number;
  entries: Record<string, { digest: string; attempt: number }>;
  before: Record<string, string>;
  pace: Pace;
}

const manifestOf = ({ serial, entries, pace }: Published, urgent: boolean, atMs: number): Manifest => ({
  environment: ENVIRONMENT,
  serial,
  issuedAtMs: atMs,
  expiresAtMs: undefined,
  services: Object.fromEntries(
    Object.entries(entries).map(([name, { digest, attempt }]) => [
      name,
      {
        image: { repository: `registry.example.com/${name}`, tag: digest, digest },
        imageIds: {},
        attempt,
      } as unknown as ManifestService,
    ]),
  ),
  rollout: undefined,
  freeze: undefined,
  publisher: undefined,
  pace,
  urgent: urgent ? { reason: 'way back' } : undefined,
});

/** What hosts and store send each other takes time, is lost, arrives twice or late. */
const createNetwork = (
  timeline: Timeline,
  random: Random,
  { loss, repeated, slow }: Scenario['network'],
): { readonly send: (deliver: () => void, lost?: () => void) => void; readonly calm: () => void } => {
  let isCalm = false;
  const delay = (): number =>
    !isCalm && random.chance(slow) ? random.between(1_000, 30_000) : random.between(5, 300);
  return {
    send: (deliver, lost) => {
      if (!isCalm && random.chance(loss)) {
        lost?.();
        return;
      }
      timeline.after(delay(), deliver);
      if (!isCalm && random.chance(repeated)) timeline.after(delay(), deliver);
    },
    calm: () => {
      isCalm = true;
    },
  };
};

const isSwitching = ({ isAlive, services }: SimulatedHost): boolean =>
  isAlive && services.some(({ candidate }) => candidate !== null);

/** The machine is new: another engine, and an empty ledger. */
const reinstall = (host: SimulatedHost): void => {
  host.kill(20_000);
  host.engine = `${host.engine}+`;
  host.accepted = undefined;
  for (const service of host.services) {
    const fresh = createHostService(service.name, service, undefined);
    Object.assign(service, { ...fresh, files: service.files, goodAtMs: service.goodAtMs });
  }
};

/** A fleet whose hosts all serve the first version of everything, beside those that are fresh. */
export const createSimulatedFleet = (options: FleetOptions): SimulatedFleet => {
  const timeline = createTimeline(START_MS);
  const random = createRandom(options.seed);
  const network = createNetwork(timeline, random, options.network);
  const hosts: SimulatedHost[] = [];
  const onTheirWay = new Map<string, number>();
  const byTurn = new Map<string, boolean>();
  const waived = new Set<string>();
  const halts = new Set<string>();
  const copies = new Map<string, () => void>();
  let waivedAtMs = -1;
  let hasClockSteps = false;
  let people = 0;

  const watch = createWatch({
    hosts: () => hosts,
    startMs: START_MS,
    nowMs: timeline.nowMs,
    isGrantOnItsWay: (host, service) => {
      const seq = onTheirWay.get(`${host.name} ${service}`);
      return seq !== undefined && host.requestSeq() === seq;
    },
    isWaived: (host) => waived.has(host),
    isBoundWaived: (change: Change) => waivedAtMs >= change.madeAtMs || (hasClockSteps && waivedAtMs >= 0),
    hasClockSteps: () => hasClockSteps,
  });

  const store = createSimulatedStore({
    timeline,
    random,
    // Longer than a hub says: most of a run would be hosts that ask again.
    askAgainMs: options.askAgainMs ?? [15_000, 45_000],
    watch: {
      written: (before, after, view, step) => {
        if (options.isWatched !== false) watch.store.written(before, after, view, step);
        for (const { serial, halted } of after.changes)
          if (halted) halts.add(`serial ${String(serial)}: ${halted.reason}`);
      },
      granted: (host, request, services, written) => {
        if (options.isWatched !== false) watch.store.granted(host, request, services, written);
        waived.delete(host);
        for (const service of services) {
          const key = `${host} ${service}`;
          const isTurn = written.state.turns[host]?.services[service] !== undefined;
          byTurn.set(key, isTurn);
          if (isTurn) onTheirWay.set(key, request.seq);
        }
      },
    },
  });

  const storeOf = (find: () => SimulatedHost | undefined): StoreOfHost => ({
    manifest: () => store.manifest(),
    report: (report) => {
      network.send(() => {
        if (find()?.isCutOff === false) store.take(report);
      });
    },
    ask: (name, request, respond) => {
      network.send(() => {
        if (find()?.isCutOff !== false) return;
        store.ask(name, request, (got) => {
          network.send(() => {
            if (find()?.isCutOff === false) respond(got);
          });
        });
      });
    },
  });

  const addHost = (
    number: number,
    isFresh: boolean,
    old?: SimulatedHost,
    name = `host-${String(number)}`,
  ): SimulatedHost => {
    const made = createSimulatedHost({
      name,
      labels: number % 5 === 0 ? { canary: 'true' } : {},
      services: old ? old.services.splice(0) : servicesOf(number, isFresh),
      timeline,
      random,
      store: storeOf(() => hosts.find((h) => h.name === name)),
      watch: { begun: watch.begun },
      hasTurn: (service) => byTurn.get(`${name} ${service}`) === true,
      leadMs: options.leadMs,
      switchMs: options.switchMs ?? [3_000, 40_000],
      beginMs: options.beginMs ?? [100, 10_000],
    });
    if (old) made.engine = old.engine;
    hosts.push(made);
    return made;
  };

  const published: Published = {
    serial: 0,
    entries: Object.fromEntries(ENTRIES.map((name) => [name, { digest: `${name}-0`, attempt: 1 }])),
    before: Object.fromEntries(ENTRIES.map((name) => [name, `${name}-0`])),
    pace: options.pace,
  };

  const publish = (isUrgent: boolean): void => {
    published.serial += 1;
    const manifest = manifestOf(published, isUrgent, timeline.nowMs());
    store.publish(manifest);
    // Hosts that hold a poll learn of it at once, the others later.
    for (const host of hosts)
      if (random.chance(0.5) && !host.isCutOff && store.isUp())
        timeline.after(random.between(10, 3_000), () => {
          if (!host.isAgentUp || !host.isAlive || host.isCutOff) return;
          if (manifest.serial > (host.accepted?.serial ?? 0)) host.accepted = manifest;
          host.step();
        });
  };

  const give = (entry: string, digest: string): void => {
    const now = published.entries[entry];
    if (!now || now.digest === digest) return;
    published.before[entry] = now.digest;
    published.entries[entry] = { digest, attempt: 1 };
  };

  const person = (command: RolloutCommand): void => {
    if (!store.isUp()) return;
    if (command.kind === 'resume' || command.kind === 'free' || command.kind === 'leave-out')
      waivedAtMs = Infinity;
    if (command.kind === 'free') waived.add(command.host);
    if (command.kind === 'leave-out') waived.add(command.host);
    store.command(command);
  };

  const by = (): { reason: string; by: string } => {
    people += 1;
    return { reason: 'because', by: `person-${String(people)}` };
  };

  const entryOf = (number: number): string => ENTRIES[number % ENTRIES.length] ?? 'web';
  const hostOf = (number: number): SimulatedHost | undefined => hosts[number % hosts.length];

  const changeFiles = (service: string, share: number, behaviour: Behaviour): void => {
    const files = `files-${String(timeline.nowMs())}:${behaviour}`;
    for (const host of hosts)
      for (const found of host.services)
        if (found.name === service && random.chance(share))
          timeline.after(random.between(0, 600_000), () => {
            found.files = files;
            host.step();
          });
  };

  const close = (
    host: SimulatedHost,
    what: Extract<Happening, { kind: 'hold' | 'drain' | 'window' | 'obstacle' | 'no-image' }>,
  ): void => {
    const set = (isClosed: boolean): void => {
      if (what.kind === 'hold') host.isHeld = isClosed;
      if (what.kind === 'drain') host.isDrained = isClosed;
      if (what.kind === 'window') host.isInWindow = !isClosed;
      if (what.kind === 'obstacle') host.hasObstacle = isClosed;
      if (what.kind === 'no-image') host.canPull = !isClosed;
      host.step();
    };
    set(true);
    timeline.after(what.seconds * 1000, () => set(false));
  };

  const rename = (host: SimulatedHost): void => {
    host.isAlive = false;
    host.isAgentUp = false;
    const number = hosts.indexOf(host);
    const next = addHost(number, false, host, `host-${String(number)}-renamed-${String(hosts.length)}`);
    next.accepted = host.accepted;
    timeline.after(5_000, next.start);
  };

  const happen = (what: Happening): void => {
    const host = 'host' in what ? hostOf(what.host) : undefined;
    switch (what.kind) {
      case 'publish':
        for (const number of what.entries)
          give(entryOf(number), `${entryOf(number)}-${String(published.serial + 1)}:${what.behaviour}`);
        publish(what.isUrgent);
        return;
      case 'retry': {
        const entry = published.entries[entryOf(what.entry)];
        if (entry) entry.attempt += 1;
        publish(false);
        return;
      }
      case 'rollback':
        give(entryOf(what.entry), published.before[entryOf(what.entry)] ?? '');
        publish(true);
        return;
      case 'pace':
        published.pace = {
          ...published.pace,
          maxParallel: what.maxParallel,
          soakSeconds: what.soakSeconds ?? published.pace.soakSeconds,
        };
        publish(false);
        return;
      case 'files':
        changeFiles(SERVICES[what.service % SERVICES.length]?.name ?? 'web', what.share, what.behaviour);
        return;
      case 'kill':
      case 'stop':
      case 'reboot':
        if (host?.isAlive) host[what.kind](what.seconds * 1000);
        return;
      case 'partition':
        if (!host) return;
        host.isCutOff = true;
        timeline.after(what.seconds * 1000, () => {
          host.isCutOff = false;
        });
        return;
      case 'die':
        if (host) host.isAlive = false;
        return;
      case 'rename':
        if (host?.isAlive) rename(host);
        return;
      case 'reinstall':
        if (host?.isAlive) reinstall(host);
        return;
      case 'ledger-copy':
        if (host) copies.set(host.name, host.remember());
        return;
      case 'ledger-restore':
        if (!host?.isAlive) return;
        host.kill(5_000);
        copies.get(host.name)?.();
        return;
      case 'join':
        addHost(hosts.length, true).start();
        return;
      case 'remove-report':
        if (!host || host.isAlive) return;
        store.removeReport(host.name);
        waived.add(host.name);
        waivedAtMs = Infinity;
        return;
      case 'hold':
      case 'drain':
      case 'window':
      case 'obstacle':
      case 'no-image':
        if (host) close(host, what);
        return;
      case 'broken': {
        const service = host?.services[what.service % host.services.length];
        if (!service || !host) return;
        service.brokenUntilMs = timeline.nowMs() + what.seconds * 1000;
        timeline.after(what.seconds * 1000, host.step);
        host.step();
        return;
      }
      case 'hang':
        if (host) host.nextSwitchMs = what.seconds * 1000;
        return;
      case 'wall-clock':
        if (host) host.wallOffsetMs += what.seconds * 1000;
        return;
      case 'hub-kill':
        store.kill(what.seconds * 1000);
        return;
      case 'hub-restore':
        store.restore(what.seconds * 1000);
        return;
      case 'hub-copy':
        store.backUp();
        return;
      case 'hub-clock':
        hasClockSteps = true;
        store.stepClock(what.seconds * 1000);
        return;
      case 'halt':
        person({ kind: 'halt', ...by(), forSeconds: what.seconds });
        return;
      case 'resume':
        person({ kind: 'resume', jobElsewhere: false, ...by() });
        return;
      case 'free':
        if (host) person({ kind: 'free', host: host.name, ...by() });
        return;
      case 'leave-out':
      case 'undo':
        if (host) person({ kind: 'leave-out', host: host.name, undo: what.kind === 'undo', ...by() });
    }
  };

  for (let number = 0; number < options.hosts; number += 1)
    addHost(number, number >= options.hosts - options.fresh);
  publish(false);
  for (const host of hosts) host.start();

  const longestMs = (): number =>
    Math.max(4 * options.pace.turnSeconds, 600) * 1000 + options.pace.soakSeconds * 1000 + 600_000;

  return {
    timeline,
    hosts,
    store,
    violations: watch.violations,
    happen,
    calm: () => {
      network.calm();
      for (const host of hosts) {
        host.isHeld = false;
        host.isDrained = false;
        host.isInWindow = true;
        host.hasObstacle = false;
        host.canPull = true;
        host.isCutOff = false;
        for (const service of host.services)
          service.brokenUntilMs = Math.min(service.brokenUntilMs, timeline.nowMs());
        host.step();
      }
    },
    rest: (withinMs) => {
      const untilMs = timeline.nowMs() + withinMs;
      let { revision } = store.state();
      let sinceMs = timeline.nowMs();
      while (timeline.nowMs() < untilMs) {
        timeline.runUntil(timeline.nowMs() + 60_000);
        const now = store.state();
        if (now.revision !== revision || hosts.some(isSwitching)) sinceMs = timeline.nowMs();
        ({ revision } = now);
        if (timeline.nowMs() - sinceMs > longestMs()) return true;
      }
      return false;
    },
    read: store.read,
    halts: () => [...halts],
  };
};
