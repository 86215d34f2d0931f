import type { AgentPorts } from '../../src/agent/agent-ports.ts';
import { AgentError } from '../../src/core/errors.ts';
import type { Trust } from '../../src/core/manifest/manifest.ts';
import type { JournalEntry } from '../../src/core/ports/journal.ts';
import type { LedgerRead } from '../../src/core/ports/ledger-store.ts';
import type { Fetched } from '../../src/core/ports/manifest-source.ts';
import type { Ledger } from '../../src/core/state/ledger.ts';
import { createSimulatedEngine, type SimulatedEngine } from './simulated-engine.ts';
import { digestOf, ENVIRONMENT, project } from './world.ts';

export const diskFull = (): AgentError =>
  new AgentError('STATE_DIR', 'cannot write ledger.json: no space left on device', { advice: 'free space' });

/** An agent's surroundings in memory, each with a handle to turn. */
export interface Surroundings extends AgentPorts {
  readonly engine: SimulatedEngine;
  readonly events: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[];
  readonly entries: JournalEntry[];
  readonly set: {
    compose: string;
    /** What is wrong with the compose files; undefined: nothing. */
    composeProblem: string | undefined;
    trust: Trust | undefined;
    fetched: Fetched;
    stored: LedgerRead;
    isDiskFull: boolean;
    writes: number;
  };
  readonly publish: (serial: number, versions: Readonly<Record<string, string>>, extra?: object) => void;
}

export const bareManifest = (
  serial: number,
  versions: Readonly<Record<string, string>>,
  extra: object = {},
): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      apiVersion: 'supercargo/v1',
      environment: ENVIRONMENT,
      serial,
      issuedAt: '1970-01-01T00:00:00Z',
      services: Object.fromEntries(
        Object.entries(versions).map(([name, image]) => [name, { image: `${image}@${digestOf(image)}` }]),
      ),
      ...extra,
    }),
  );

export const createSurroundings = (compose: string): Surroundings => {
  const engine = createSimulatedEngine();
  const events: Surroundings['events'] = [];
  const entries: JournalEntry[] = [];
  const set: Surroundings['set'] = {
    compose,
    composeProblem: undefined,
    trust: undefined,
    fetched: { kind: 'unchanged' },
    stored: { kind: 'missing' },
    isDiskFull: false,
    writes: 0,
  };
  return {
    engine,
    edges: engine.edges,
    events,
    entries,
    set,
    publish: (serial, versions, extra) => {
      set.fetched = { kind: 'document', bytes: bareManifest(serial, versions, extra) };
    },
    source: { fetch: async () => Promise.resolve(set.fetched) },
    files: {
      project: async () =>
        Promise.resolve(
          set.composeProblem === undefined
            ? { kind: 'ok', project: project(set.compose) }
            : { kind: 'problems', problems: [{ message: set.composeProblem, advice: 'correct it' }] },
        ),
      trust: async () =>
        Promise.resolve(set.trust ? { kind: 'trust', trust: set.trust } : { kind: 'unsigned' }),
    },
    ledger: {
      path: '/state/ledger.json',
      read: async () => Promise.resolve(set.stored),
      write: async (ledger: Ledger) => {
        // A real write takes a while: what comes meanwhile has to share the next one.
        await Promise.resolve();
        if (set.isDiskFull) throw diskFull();
        set.writes += 1;
        set.stored = { kind: 'ok', ledger: JSON.parse(JSON.stringify(ledger)) as Ledger };
      },
      setAside: async () => Promise.resolve('/state/ledger.json.lost'),
    },
    journal: {
      append: async (entry) => {
        entries.push(entry);
        return Promise.resolve(set.isDiskFull ? { ok: false, error: diskFull() } : { ok: true });
      },
      read: async () => Promise.resolve(entries),
    },
    probe: {
      tcp: async () => Promise.resolve({ ok: true }),
      http: async () => Promise.resolve({ ok: true }),
    },
    log: {
      write: (_level, event, fields = {}) => {
        events.push({ event, fields });
      },
    },
    now: engine.now,
    random: () => 0.5,
  };
};
