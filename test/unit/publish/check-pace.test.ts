import { describe, expect, it } from 'vitest';
import type { HostReport } from '../../../src/core/fleet/host-report.ts';
import type { Manifest } from '../../../src/core/manifest/manifest.ts';
import { DEFAULT_PACE } from '../../../src/core/manifest/pace.ts';
import { renderManifest } from '../../../src/core/publish/render-manifest.ts';
import { isoSeconds } from '../../../src/core/time.ts';
import type { Status, TurnsStatus } from '../../../src/core/status/status-document.ts';
import type { ReportedRollout } from '../../../src/core/turns/read-rollout.ts';
import { checkPace } from '../../../src/publish/check-pace.ts';
import { createEnvironmentStore } from '../../../src/publish/environment-store.ts';
import { fleetOfReports } from '../../support/fleet-of-reports.ts';
import { createMemoryStore } from '../../support/memory-store.ts';
import { changeStatus, rolloutStatus, ROLLOUT_AT, waveStatus } from '../../support/rollout.ts';
import { scriptedRollouts } from '../../support/scripted-rollouts.ts';
import { hostStatus, serviceStatus } from '../../support/status.ts';
import { ENVIRONMENT, manifest, START_MS } from '../../support/world.ts';

const { signal } = new AbortController();

const turns = (store: TurnsStatus['store'], mode: TurnsStatus['mode'] = 'manifest'): TurnsStatus => ({
  mode,
  life: 'a',
  seq: 1,
  asked: [],
  store,
  message: null,
  revision: null,
});

const serial = (number: number, version: string, change: Partial<Manifest> = {}): Manifest => ({
  ...manifest({ web: `org/web:${version}` }, { serial: number }),
  pace: DEFAULT_PACE,
  ...change,
});

const unpaced = (m: Manifest): Manifest => ({ ...m, pace: undefined });

interface Scene {
  readonly hosts?: readonly Partial<Status>[];
  readonly rollout?: ReportedRollout | 'no-turns';
  readonly history?: readonly Manifest[];
  readonly isForced?: boolean;
}

const check = async (
  before: Manifest | undefined,
  after: Manifest,
  { hosts = [], rollout = rolloutStatus(), history = [], isForced = false }: Scene = {},
) => {
  const store = createMemoryStore();
  const reports = hosts.map((host, at): HostReport => {
    const name = `web-${String(at + 1)}`;
    const status = hostStatus({
      environment: ENVIRONMENT,
      host: name,
      at: new Date(START_MS).toISOString(),
      ...host,
    });
    return { host: name, seenAtMs: Date.parse(status.at), status };
  });
  for (const m of history)
    store.documents.set(`manifests/${ENVIRONMENT}/${String(m.serial)}.json`, renderManifest(m));
  const view = createEnvironmentStore(store, ENVIRONMENT, undefined);
  const rollouts = scriptedRollouts(() => rollout);
  const options = { view, rollouts, isForced, now: () => START_MS };
  const fleet = fleetOfReports(
    () => reports,
    () => START_MS,
  );
  const { totals } = await fleet({ target: undefined }, signal);
  return checkPace(options, { before, manifest: after, lostPace: undefined, fleet: totals }, signal);
};

const NOTHING = { overtaken: [], remarks: [] };

describe('a publish with a pace', () => {
  it('passes where the store hands out turns and all hosts take them', async () => {
    const hosts = [{ turns: turns('answers') }, { turns: turns('unknown') }];
    expect(await check(unpaced(serial(1, 'a')), serial(2, 'a'), { hosts })).toEqual(NOTHING);
  });

  it('asks nothing where there was none and is none', async () => {
    const [before, after] = [serial(1, 'a'), serial(2, 'b')].map(unpaced);
    expect(after && (await check(before, after, { rollout: 'no-turns' }))).toEqual(NOTHING);
  });

  it('is refused by a store without turns, which may still end the pace', async () => {
    const scene = { rollout: 'no-turns' } as const;
    await expect(check(unpaced(serial(1, 'a')), serial(2, 'a'), scene)).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringMatching(/^memory hands out no turns/) as string,
      advice: expect.stringMatching(/--rollout 1h:5%/) as string,
    });
    await expect(check(serial(1, 'a'), serial(2, 'b'), scene)).rejects.toMatchObject({
      advice: expect.stringMatching(/supercargo pace test --none/) as string,
    });
    expect(await check(serial(1, 'a'), unpaced(serial(2, 'a')), scene)).toEqual(NOTHING);
  });

  it.each<[string, Partial<Status>, RegExp]>([
    ['an agent that is too old', {}, /the agent of 1 host \(web-2 with 0\.1\.0\) is too old for a pace/],
    ['no hub that hands out turns', { turns: turns('none') }, /1 host \(web-2\) would never get a turn/],
  ])('is refused the first time where a host has %s, and warns later', async (_, host, message) => {
    const hosts = [{ turns: turns('answers') }, host];
    await expect(check(unpaced(serial(1, 'a')), serial(2, 'a'), { hosts })).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringMatching(message) as string,
      advice: expect.stringMatching(/before the first pace; or add --anyway/) as string,
    });
    const warned = { overtaken: [], remarks: [expect.stringMatching(message) as string] };
    expect(await check(unpaced(serial(1, 'a')), serial(2, 'a'), { hosts, isForced: true })).toEqual(warned);
    expect(await check(serial(1, 'a'), serial(2, 'b'), { hosts })).toEqual(warned);
  });

  it('warns of hosts that always wait for a turn, also where there is no pace', async () => {
    const hosts = [{ turns: turns('none', 'always') }, { turns: turns('none') }, {}];
    const [before, after] = [unpaced(serial(1, 'a')), unpaced(serial(2, 'b'))];
    expect(await check(before, after, { hosts, rollout: 'no-turns' })).toEqual({
      overtaken: [],
      remarks: [
        expect.stringMatching(/^1 host \(web-1\) would never get a turn.*SUPERCARGO_TURNS=always out$/),
      ],
    });
  });

  it('says so where a person has halted, unless it is urgent', async () => {
    const at = new Date(START_MS).toISOString();
    const rollout = rolloutStatus({ halt: { reason: 'a sale', by: 'anna', at, until: null } });
    const { remarks } = await check(serial(1, 'a'), serial(2, 'b'), { rollout });
    expect(remarks).toMatchObject([
      expect.stringMatching(/^[a-z]+ is halted by anna: a sale; no host begins this/),
    ]);
    const urgent = serial(2, 'b', { urgent: { reason: 'a hole' } });
    expect(await check(serial(1, 'a'), urgent, { rollout })).toEqual(NOTHING);
    expect(await check(serial(1, 'a'), serial(2, 'a'), { rollout })).toEqual(NOTHING);
  });

  it('passes over hosts that are silent or stopped', async () => {
    const hosts = [
      { at: new Date(START_MS - 181_000).toISOString() },
      { agent: { running: false, version: '0.1.0', pid: null, since: null } },
    ];
    expect(await check(undefined, serial(1, 'a'), { hosts })).toEqual(NOTHING);
  });
});

/** A host that runs this version and would take turns. */
const running = (version: string): Partial<Status> => {
  const [container] = serviceStatus().containers;
  const switching = {
    entry: 'web',
    release: 'r',
    digest: null,
    attempt: 0,
    state: 'none',
    kind: 'version',
    unsettled: false,
    hasServed: true,
  } as const;
  const containers = container ? [{ ...container, version }] : [];
  return { turns: turns('answers'), services: [serviceStatus({ switching, containers })] };
};

describe('a publish over an unfinished change', () => {
  const waves = [
    waveStatus({ name: 'canary=true', openedAt: ROLLOUT_AT, hosts: 2, good: 2 }),
    waveStatus({ name: '10%', openedAt: ROLLOUT_AT, hosts: 5, good: 3, failed: ['web-9'] }),
    waveStatus({ hosts: 40 }),
  ];
  const change = changeStatus({ serial: 3, entries: [{ entry: 'web', version: 'c' }], waves });
  it('says how far it is, and how old the version of the last hosts is', async () => {
    const day = 24 * 3600 * 1000;
    const history = [
      serial(1, 'a', { issuedAtMs: START_MS - 26 * day }),
      serial(2, 'b', { issuedAtMs: START_MS - day }),
      serial(3, 'c'),
    ];
    const hosts = [running('a'), running('b'), running('a'), running('c')];
    const rollout = rolloutStatus({ changes: [change] });
    const { overtaken, remarks } = await check(serial(3, 'c'), serial(4, 'd'), { hosts, history, rollout });
    expect(overtaken).toEqual([change]);
    expect(remarks).toEqual([
      'serial 3 (web c) is overtaken before its end: wave canary=true is good, ' +
        'in wave 10% 3 of 5 hosts are good, 1 failed, wave 100% has not begun; ' +
        `2 hosts still run web a, published 26 days ago (${isoSeconds(START_MS - 26 * day)}); ` +
        'with --after a publish waits for the end of the change before it',
    ]);
  });

  it('is none where the change is finished, has other entries, or the version stays', async () => {
    const before = serial(3, 'c');
    const finished = rolloutStatus({ changes: [{ ...change, state: 'finished' }] });
    expect(await check(before, serial(4, 'd'), { rollout: finished })).toEqual(NOTHING);
    const rollout = rolloutStatus({ changes: [{ ...change, entries: [{ entry: 'api', version: '7' }] }] });
    expect(await check(before, serial(4, 'd'), { rollout })).toEqual(NOTHING);
    const paced = { ...serial(4, 'c'), pace: { ...DEFAULT_PACE, soakSeconds: 60 } };
    expect(await check(before, paced, { rollout: rolloutStatus({ changes: [change] }) })).toEqual(NOTHING);
  });

  it('gives no advice to wait where it is urgent', async () => {
    const urgent = serial(4, 'b', { urgent: { reason: 'rollback to serial 2' } });
    const { remarks } = await check(serial(3, 'c'), urgent, {
      rollout: rolloutStatus({ changes: [change] }),
    });
    expect(remarks).toEqual([expect.stringMatching(/^serial 3 \(web c\) is overtaken.*has not begun$/)]);
  });

  it('is refused without a pace, unless it is to go on without one', async () => {
    const after = unpaced(serial(4, 'd'));
    const rollout = rolloutStatus({ changes: [change] });
    await expect(check(serial(3, 'c'), after, { rollout })).rejects.toMatchObject({
      code: 'STORE',
      message: 'this manifest has no pace, and a change is unfinished: serial 3 (web c)',
      advice: expect.stringMatching(/--anyway/) as string,
    });
    expect((await check(serial(3, 'c'), after, { rollout, isForced: true })).remarks).toEqual([
      'without a pace nothing holds back the hosts that have not switched yet to serial 3 (web c)',
    ]);
  });
});
