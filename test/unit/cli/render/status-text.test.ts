import { describe, expect, it } from 'vitest';
import { renderStatus } from '../../../../src/cli/render/status-text.ts';
import { createPalette } from '../../../../src/cli/terminal/colour.ts';
import type { Status } from '../../../../src/core/status/status-document.ts';
import { hostStatus, NOW_MS, serviceStatus } from '../../../support/status.ts';

const plain = { columns: undefined, colour: false, palette: createPalette({ colour: false }) };
const render = (change: Partial<Status> = {}): string => renderStatus(hostStatus(change), plain, NOW_MS);

describe('status for people', () => {
  it('is a few lines when all is well', () => {
    expect(render()).toBe(
      [
        'staging on web-1: converged · agent 0.1.0, started 1 h ago · engine 20.10.24',
        'manifest 418 by jenkins 1234, accepted 3 min ago · source read 10 s ago',
        '',
        'SERVICE  OUTCOME    DESIRED  RUNS   CONTAINER               STATE            SINCE',
        'web      converged  1.1.0    1.1.0  staging-web-1-ab12cd34  running healthy  1 min ago',
        '',
      ].join('\n'),
    );
  });

  it('says why something is not as it should be, what to do, and what the container said last', () => {
    const failure = {
      version: '1.1.0',
      release: 'ab12cd34'.repeat(8),
      attempt: 0,
      reason: 'crashed',
      message: 'it crashed 3 times',
      at: '2026-11-23T09:59:00Z',
      log: ['cannot start: no configuration'],
    };
    const text = render({
      outcome: 'rolled-back',
      services: [
        serviceStatus({
          outcome: 'rolled-back',
          message: '1.1.0 failed here: it crashed 3 times',
          advice: 'publish another version',
          failure,
        }),
      ],
    });
    expect(text).toContain(
      'web: 1.1.0 failed here: it crashed 3 times\n  → publish another version\n  │ cannot start: no configuration\n',
    );
  });

  it.each([
    ['that they go', { sentAt: '2026-11-23T09:59:57Z', message: null }, 'last report sent 3 s ago\n'],
    ['that none went yet', { sentAt: null, message: null }, 'no report sent yet to https://hub/r.json\n'],
    [
      'that they do not arrive',
      { sentAt: '2026-11-23T09:00:00Z', message: 'the hub is away' },
      'reports do not arrive, the last one did 1 h ago: the hub is away\n',
    ],
  ])('says of reports %s', (_what, report, line) => {
    expect(render({ report: { url: 'https://hub/r.json', ...report } })).toContain(line);
  });

  it('shows the labels of the host, where it has some', () => {
    expect(render({ labels: { zone: 'a', canary: 'true' } }).split('\n')[1]).toBe(
      'labels: zone=a,canary=true',
    );
    expect(render({ labels: {} })).toBe(render());
  });

  it('says nothing of reports that only a daemon would send', () => {
    const report = { url: 'https://hub/r.json', sentAt: null, message: null };
    expect(render({ report, agent: { ...hostStatus().agent, running: false } })).not.toContain('report');
  });

  it('follows a pull by layers and bytes', () => {
    const progress = { layersDone: 1, layersTotal: 4, bytesDone: 2_000_000, bytesTotal: 80_000_000 };
    const service = serviceStatus({ outcome: 'progressing', message: 'fetching 1.2.0', progress });
    expect(render({ outcome: 'progressing', services: [service] })).toContain(
      'web: fetching 1.2.0, 1 of 4 layers, 2 MB of 80 MB',
    );
  });

  it.each([
    [
      { until: null, done: true },
      'drained by ops since 2026-11-23T09:58:00Z (2 min ago): kernel; back with `supercargo undrain`',
    ],
    [
      { until: '2026-11-23T12:00:00Z', done: false },
      'going out of service, drained by ops since 2026-11-23T09:58:00Z (2 min ago): kernel; until 2026-11-23T12:00:00Z, then back by itself',
    ],
  ])('says of a drain %j first who, why and how the host comes back', (drain, line) => {
    const hold = { reason: 'migration', owner: 'ann', since: '', until: null, all: false };
    const text = render({
      hold,
      draining: { reason: 'kernel', owner: 'ops', since: '2026-11-23T09:58:00Z', ...drain },
    });
    expect(text.split('\n').slice(2, 4)).toEqual([line, 'held by ann, until resumed: migration']);
  });

  it('says who lets it begin without a turn', () => {
    const switchNow = { reason: 'the hub is gone', owner: 'ann', since: '2026-11-23T09:58:00Z' };
    const text = render({ switchNow });
    expect(text).toContain('\nbegins without a turn, by ann: the hub is gone\n');
  });

  it('tells a hold, a refused manifest, an engine that is away, a missing daemon and ignored entries', () => {
    const { manifest, agent, engine } = hostStatus();
    const since = '2026-11-23T09:59:30Z';
    const text = render({
      hold: { reason: 'migration', owner: 'ann', since, until: null, all: true },
      agent: { ...agent, running: false },
      engine: { ...engine, online: false, message: 'cannot reach the Docker engine', advice: 'start it' },
      manifest: {
        ...manifest,
        state: 'rejected',
        rejection: {
          reason: 'older',
          serial: 4,
          message: 'serial 4 is older than 418',
          advice: 'publish again',
          since,
        },
        ignored: [{ service: 'cron', why: 'no service of this name' }],
      },
      services: [],
    });
    expect(text).toContain('no agent runs · engine offline');
    expect(text).toContain('held by ann, repairs too, until resumed: migration');
    expect(text).toContain('engine: cannot reach the Docker engine\n  → start it');
    expect(text).toContain(
      'manifest refused: serial 4 is older than 418 (older, 30 s ago)\n  → publish again',
    );
    expect(text).toContain("cron: the manifest's entry is ignored: no service of this name");
    expect(text).toContain('no services');
  });
});
