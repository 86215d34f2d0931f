import type { Status } from '../../src/core/status/status-document.ts';
import { hostStatus, serviceStatus } from './status.ts';

/** The wanted serial of `fleetOfAll`, whose `web` is 1.1.0. */
export const WANTED_SERIAL = 418;

const healthy = hostStatus();
const manifest = (change: Partial<Status['manifest']>): Partial<Status> => ({
  manifest: { ...healthy.manifest, ...change },
});
const source = (message: string): Partial<Status['manifest']> => ({
  source: {
    ...healthy.manifest.source,
    reachable: false,
    message,
    advice: 'look at the server of the manifest',
  },
});
const old = { services: [serviceStatus({ desired: { version: '1.0.0', release: 'x' } })] };
const problem = (code: string, message: string): Partial<Status> => ({
  outcome: 'blocked',
  problems: [{ code, message, advice: 'mend it' }],
});
const service = (change: Parameters<typeof serviceStatus>[0]): Partial<Status> => ({
  outcome: change?.outcome ?? 'converged',
  services: [serviceStatus(change)],
});

export interface ReportedHost {
  readonly host: string;
  /** The word of its verdict. */
  readonly word: string;
  readonly kind: string;
  /** What the verdict has to say. */
  readonly says: RegExp;
  readonly status: Partial<Status>;
}

/** A host for each word of a verdict that does not need time to pass, and for words of a newer agent. */
export const fleetOfAll: readonly ReportedHost[] = [
  { host: 'web-1', word: 'converged', kind: 'converged', says: /^converged$/, status: {} },
  {
    host: 'web-2',
    word: 'behind',
    kind: 'pending',
    says: /at serial 417/,
    status: { ...manifest({ serial: 417 }), ...old },
  },
  {
    host: 'web-3',
    word: 'unreachable',
    kind: 'pending',
    says: /at serial 417; cannot read https:\/\/hub/,
    status: {
      ...manifest({ serial: 417, ...source('cannot read https://hub/manifests/staging.json') }),
      ...old,
    },
  },
  {
    host: 'web-4',
    word: 'unreachable',
    kind: 'converged',
    says: /^converged; cannot read/,
    status: manifest(source('cannot read https://hub/manifests/staging.json')),
  },
  {
    host: 'web-5',
    word: 'refused',
    kind: 'failed',
    says: /refuses serial 418: too few good signatures/,
    status: {
      outcome: 'blocked',
      ...manifest({
        serial: 417,
        state: 'rejected',
        rejection: {
          reason: 'signature',
          serial: WANTED_SERIAL,
          message: 'too few good signatures',
          advice: 'sign it with the key of trust.json',
          since: healthy.at,
        },
      }),
    },
  },
  {
    host: 'web-6',
    word: 'no-ledger',
    kind: 'failed',
    says: /the ledger is lost/,
    status: {
      ...problem('LEDGER', 'the ledger is lost'),
      ...manifest({ state: 'none', serial: null }),
      services: [
        serviceStatus({ outcome: 'blocked', reason: 'ledger', message: 'the ledger is lost', desired: null }),
      ],
    },
  },
  {
    host: 'web-7',
    word: 'offline',
    kind: 'pending',
    says: /cannot reach the engine/,
    status: {
      outcome: 'offline',
      engine: {
        ...healthy.engine,
        online: false,
        message: 'cannot reach the engine',
        advice: 'systemctl start docker',
      },
      services: [
        serviceStatus({
          outcome: 'offline',
          message: 'cannot reach the engine',
          desired: null,
          containers: [],
        }),
      ],
    },
  },
  {
    host: 'web-8',
    word: 'rolled-back',
    kind: 'failed',
    says: /web: it crashed/,
    status: service({
      outcome: 'rolled-back',
      reason: 'quarantined',
      message: 'it crashed',
      advice: 'publish another version',
      failure: {
        version: '1.1.0',
        release: 'a',
        attempt: 0,
        reason: 'crashed',
        message: 'it crashed',
        at: healthy.at,
        log: ['cannot start: no configuration'],
      },
    }),
  },
  {
    host: 'web-9',
    word: 'blocked',
    kind: 'failed',
    says: /web: no room/,
    status: service({ outcome: 'blocked', reason: 'disk', message: 'no room', advice: 'free some' }),
  },
  {
    host: 'web-10',
    word: 'blocked',
    kind: 'converged',
    says: /^converged; compose.yaml: line 3/,
    status: problem('COMPOSE', 'compose.yaml: line 3'),
  },
  {
    host: 'web-11',
    word: 'waiting',
    kind: 'pending',
    says: /web: it waits for its window/,
    status: service({ outcome: 'waiting', reason: 'window', message: 'it waits for its window' }),
  },
  {
    host: 'web-12',
    word: 'progressing',
    kind: 'pending',
    says: /web: fetching 1.1.0/,
    status: service({ outcome: 'progressing', reason: 'pull', message: 'fetching 1.1.0' }),
  },
  {
    host: 'web-13',
    word: 'stopped',
    kind: 'converged',
    says: /^converged; its agent has not run/,
    status: { agent: { ...healthy.agent, running: false } },
  },
  {
    host: 'web-14',
    word: 'hibernating',
    kind: 'pending',
    says: /web: asleep until it is asked/,
    status: service({
      outcome: 'hibernating' as 'waiting',
      reason: 'dormant',
      message: 'asleep until it is asked',
    }),
  },
  {
    host: 'web-15',
    word: 'superseded',
    kind: 'superseded',
    says: /serial 419 wants web 2\.0\.0/,
    status: {
      ...manifest({ serial: 419 }),
      services: [serviceStatus({ desired: { version: '2.0.0', release: 'x' } })],
    },
  },
  {
    host: 'web-16',
    word: 'drained',
    kind: 'pending',
    says: /drained by ann: kernel/,
    status: {
      draining: { reason: 'kernel', owner: 'ann', since: healthy.at, until: healthy.at, done: true },
      ...service({ outcome: 'waiting', reason: 'drained', message: 'this host is drained', serves: false }),
    },
  },
];

/** A report of today with words that no version has: of outcomes, reasons, roles, states and healths, and members besides. */
export const strangeStatus = (change: Partial<Status> = {}): Status => {
  const [container] = serviceStatus().containers;
  const strange = {
    outcome: 'hibernating',
    added: { later: [true] },
    manifest: { ...healthy.manifest, state: 'deferred' },
    services: [
      {
        ...serviceStatus({ message: 'asleep until it is asked' }),
        outcome: 'hibernating',
        reason: 'dormant',
        added: 1,
        containers: [{ ...container, role: 'sleeper', state: 'frozen', health: 'drowsy', added: null }],
      },
    ],
    edge: {
      outcome: 'hibernating',
      reason: 'dormant',
      message: null,
      advice: null,
      until: null,
      containers: [{ id: 'a', name: 'a', role: 'spare', state: 'frozen', version: null, sessions: null }],
    },
  };
  return { ...hostStatus(change), ...(strange as unknown as Partial<Status>) };
};
