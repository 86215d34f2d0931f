/**
 * npm run bench               what deploys, idle looks, memory and the start of the agent cost, in one table:
 *                             each figure beside its yardstick
 * npm run bench -- --json     the same as JSON
 * npm run bench -- --rounds 9 --only idle,memory
 * Everything in one run on one engine; medians over the rounds (at least 5), with the extremes.
 * docs/BENCHMARKS.md keeps the last one.
 */
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { buildEdgeImage } from '../test/support/edge-image.ts';
import { ensureEngine } from '../test/support/engine.ts';
import { createTestHost, type TestHost } from '../test/support/host.ts';
import { loadImage, removeImagesOf } from '../test/support/images.ts';
import { startRegistry } from '../test/support/registry.ts';
import { buildBundle } from '../scripts/build.ts';
import { measureDeploys } from './deploy-one.ts';
import { measureTwenty } from './deploy-twenty.ts';
import { ratioOf, tableOf, type Row } from './figures.ts';
import { measureGap } from './gap.ts';
import { measureHeap } from './heap.ts';
import { measureIdle } from './idle.ts';
import type { Setting } from './setting.ts';

const PARTS: Readonly<Record<string, (setting: Setting) => Promise<readonly Row[]>>> = {
  deploy: measureDeploys,
  twenty: measureTwenty,
  gap: measureGap,
  idle: measureIdle,
  heap: measureHeap,
};

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
  },
});
const rounds = Math.max(5, Number(values.rounds));
const chosen = values.only.split(',').map((name) => {
  const part = PARTS[name];
  if (part) return { name, part };
  throw new Error(`--only knows ${Object.keys(PARTS).join(', ')}, not ${name}`);
});
const say = (line: string): void => {
  if (!values.json) console.log(line);
};

const measure = async (): Promise<{ rows: readonly Row[]; engineVersion: string }> => {
  await buildBundle();
  const engine = await ensureEngine({ say });
  const { docker, dockerHost } = engine;
  const registry = await startRegistry();
  const edgeImage = 'supercargo-edge-bench:local';
  const onHost: Setting['onHost'] = async (work, options) => {
    const env = { SUPERCARGO_LOG_LEVEL: 'info', SUPERCARGO_EDGE_IMAGE: edgeImage, ...options?.env };
    const host: TestHost = await createTestHost({ dockerHost, docker, ...options, env });
    try {
      return await work(host);
    } finally {
      await host.cleanup();
    }
  };
  try {
    await loadImage(docker, [edgeImage], await buildEdgeImage());
    const setting: Setting = { docker, dockerHost, registry, rounds, onHost };
    const rows: Row[] = [];
    for (const { name, part } of chosen) {
      say(`» ${name}`);
      rows.push(...(await part(setting)));
    }
    return { rows, engineVersion: (await docker.version()).Version };
  } finally {
    await docker.getImage(edgeImage).remove({ force: true });
    await removeImagesOf(docker, registry);
    await registry.remove();
    await engine.release();
  }
};

const loadBefore = loadavg()[0] ?? 0;
const { rows, engineVersion } = await measure();
const machine = {
  cpu: cpus()[0]?.model.trim() ?? '',
  cores: cpus().length,
  kernel: release(),
  engine: engineVersion,
  node: process.version,
  loadBefore,
};
if (values.json)
  console.log(
    JSON.stringify({ machine, rounds, rows: rows.map((row) => ({ ...row, ratio: ratioOf(row) })) }),
  );
else {
  console.log(`\n${tableOf(rows)}\n`);
  console.log(
    `${String(machine.cores)} cores of ${machine.cpu}, Linux ${machine.kernel}, engine ${machine.engine}, Node ${machine.node}; ` +
      `medians of ${String(rounds)} (extremes in brackets), load average before ${loadBefore.toFixed(1)}`,
  );
}
