/**
 * npm run bench:switch              what clients notice of a deploy, and what an idle tick costs
 * npm run bench:switch -- --json    the same as JSON
 * npm run bench:switch -- --deploys 5 --rounds 3 --services 10
 * 1. deploys of two replicas behind the edge under mixed load, from this machine and from another network
 * 2. the gap of one deploy: `docker rm --force` and `docker run`, stop-first, start-first; in turns on one engine
 * 3. many services behind one edge: a deploy of one beside the others, and the CPU time of an idle tick
 */
import { parseArgs } from 'node:util';
import { buildEdgeImage } from '../test/support/edge-image.ts';
import { ensureEngine } from '../test/support/engine.ts';
import { createTestHost, type TestHost } from '../test/support/host.ts';
import { loadImage, removeImagesOf } from '../test/support/images.ts';
import { percentile } from '../test/support/load.ts';
import { startRegistry } from '../test/support/registry.ts';
import { measureGaps, type Gaps } from './switch-gaps.ts';
import { measureLoad, type UnderLoad } from './switch-load.ts';
import { measureMany, type Many } from './switch-many.ts';
import { buildBundle } from '../scripts/build.ts';
import { spreadOf } from './figures.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    deploys: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '7' },
    services: { type: 'string', default: '50' },
  },
});
const say = (line: string): void => {
  if (!values.json) console.log(line);
};

interface Measured {
  readonly load: UnderLoad;
  readonly gaps: Gaps;
  readonly many: Many;
}

const measure = async (): Promise<Measured> => {
  await buildBundle();
  const engine = await ensureEngine({ say });
  const { docker, dockerHost } = engine;
  const registry = await startRegistry();
  const edgeImage = 'supercargo-edge-bench:local';
  await loadImage(docker, [edgeImage], await buildEdgeImage());
  const env = { SUPERCARGO_LOG_LEVEL: 'info', SUPERCARGO_EDGE_IMAGE: edgeImage };
  const onHost = async <T>(work: (host: TestHost) => Promise<T>): Promise<T> => {
    const host = await createTestHost({ dockerHost, docker, env });
    try {
      return await work(host);
    } finally {
      await host.cleanup();
    }
  };
  try {
    const { deploys, rounds, services } = values;
    say(`» ${deploys} deploys under load`);
    const load = await onHost((host) => measureLoad({ host, registry, deploys: Number(deploys) }));
    say(`» ${rounds} deploys of each kind`);
    const gaps = await onHost((host) => measureGaps({ host, registry, rounds: Number(rounds) }));
    say(`» ${services} services of two replicas`);
    const many = await onHost((host) => measureMany({ host, registry, services: Number(services) }));
    return { load, gaps, many };
  } finally {
    await docker.getImage(edgeImage).remove({ force: true });
    await removeImagesOf(docker, registry);
    await registry.remove();
    await engine.release();
  }
};

const ms = (value: number, digits = 0): string => `${value.toFixed(digits)} ms`.padStart(10);

const latencyLine = (name: string, times: readonly number[]): string => {
  const sorted = times.toSorted((a, b) => a - b);
  const columns = [percentile(sorted, 0.5), percentile(sorted, 0.99), sorted.at(-1) ?? 0];
  return `${name.padEnd(46)} ${columns.map((t) => ms(t, 1)).join('')}${String(times.length).padStart(9)}`;
};

const reportLoad = ({
  requests,
  failed,
  streams,
  early,
  quiet,
  during,
  deploys,
  perDeploy,
}: UnderLoad): void => {
  const { median, min, max } = spreadOf(perDeploy);
  console.log(`
${String(deploys)} deploys of two replicas under load, from localhost and from another network
  requests ${String(requests)}, failed ${String(failed.length)}
  streams cut at the drain deadline ${String(streams)}, before it ${String(early)}
  one deploy ${(median / 1000).toFixed(1)} s (${(min / 1000).toFixed(1)}–${(max / 1000).toFixed(1)} s)
${''.padEnd(46)}        p50       p99       max requests`);
  console.log(latencyLine('  answers while nothing is deployed', quiet));
  console.log(latencyLine('  answers while a deploy goes on', during));
  for (const failure of failed.slice(0, 10)) console.log(`  ${failure}`);
};

const reportGaps = (gaps: Gaps): void => {
  const old = spreadOf(gaps.removeAndRun);
  const line = (name: string, times: readonly number[]): void => {
    const { median, min, max } = spreadOf(times);
    const ratio = (median / old.median).toFixed(2);
    console.log(`${name.padEnd(46)} ${ms(median)}${ms(min)}${ms(max)}     × ${ratio}`);
  };
  console.log(
    `\n${'longest time without an answer, in one deploy'.padEnd(46)}     median       min       max`,
  );
  line('  docker rm --force, docker run', gaps.removeAndRun);
  line('  supercargo, stop-first', gaps.stopFirst);
  line('  supercargo, start-first', gaps.startFirst);
};

const reportMany = ({ services, tickMs, touched, serversTouched, deployMs }: Many): void => {
  const { median, min, max } = spreadOf(tickMs);
  console.log(`
${String(services)} services of two replicas behind one edge
  an idle tick: ${ms(median, 1).trim()} of CPU time (${min.toFixed(1)}–${max.toFixed(1)} ms; goal 15 ms)
  a deploy of one: ${(deployMs / 1000).toFixed(1)} s; containers of others touched ${String(touched)}, their servers ${String(serversTouched)}`);
};

const summary = (times: readonly number[]) => ({
  ...spreadOf(times),
  p99: percentile(
    times.toSorted((a, b) => a - b),
    0.99,
  ),
});

const measured = await measure();
if (values.json) {
  const { load, gaps, many } = measured;
  const { quiet, during, ...rest } = load;
  const latency = { quiet: summary(quiet), during: summary(during) };
  const gapMs = Object.fromEntries(Object.entries(gaps).map(([name, times]) => [name, spreadOf(times)]));
  console.log(JSON.stringify({ load: { ...rest, latency }, gapMs, many }));
} else {
  reportLoad(measured.load);
  reportGaps(measured.gaps);
  reportMany(measured.many);
}
process.exitCode = measured.load.failed.length + measured.load.early === 0 ? 0 : 1;
