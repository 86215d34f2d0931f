/**
 * npm run demo               one host's day: deploy, new version under load, repair, rollback; leaves nothing
 * npm run demo -- --keep     leaves everything up and says how to look at it
 * npm run demo -- --stop     ends a kept demo
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Agent } from '../test/support/agent.ts';
import { tryAnswer, untilAnswers } from '../test/support/answer.ts';
import { buildEdgeImage } from '../test/support/edge-image.ts';
import { addUser, ensureEngine } from '../test/support/engine.ts';
import { flavours } from '../test/support/flavours.ts';
import { type TestHost, createTestHost } from '../test/support/host.ts';
import { type PushedImage, createImagePusher, loadImage } from '../test/support/images.ts';
import { loadApp } from '../test/support/load-app.ts';
import { type LoadReport, percentile, startLoadProcess } from '../test/support/load.ts';
import { eventually } from '../test/support/poll.ts';
import { freePort } from '../test/support/ports.ts';
import { startRegistry } from '../test/support/registry.ts';
import { buildBundle } from './build.ts';
import {
  addToDemoState,
  demoEdgeImage,
  demoEnvironment,
  demoFolder,
  endDemo,
  readDemoState,
} from './demo-state.ts';
import { type Narrator, createNarrator } from './narrate.ts';
import { root } from './run-tool.ts';

interface Scene {
  readonly host: TestHost;
  readonly agent: Agent;
  readonly port: number;
  readonly images: Readonly<Record<'old' | 'new' | 'broken', PushedImage>>;
  readonly narrator: Narrator;
}

const setUp = async (narrator: Narrator, isKept: boolean): Promise<Scene> => {
  const { chapter, say, shell } = narrator;
  chapter('Set-up');
  const { bytes } = await buildBundle();
  say(`built dist/supercargo.mjs (${String(Math.round(bytes / 1024))} KiB)`);
  const engine = await ensureEngine({ say });
  if (engine.isPrivate && isKept) await addUser('keep');
  const socketPath = engine.dockerHost.replace('unix://', '');
  await addToDemoState({ socketPath });
  const registry = await startRegistry({ survives: isKept, folder: join(demoFolder, 'registry') });
  const registryPid = registry.pid();
  await addToDemoState({
    registryAddress: registry.address,
    ...(registryPid === undefined ? {} : { registryPid }),
  });
  say(`started a registry at ${registry.address}`);
  const { push } = createImagePusher();
  const images = {
    old: await push(registry, 'org/web', '1.0.0', loadApp),
    new: await push(registry, 'org/web', '1.1.0', loadApp),
    broken: await push(registry, 'org/web', '1.2.0', flavours.crash),
  };
  for (const { ref, digest } of Object.values(images)) say(`pushed ${ref} (${digest.slice(0, 19)}…)`);
  await loadImage(engine.docker, [demoEdgeImage], await buildEdgeImage());
  say(`built ${demoEdgeImage}: HAProxy from Debian's package`);
  const port = await freePort(8080);
  const host = await createTestHost({
    dockerHost: engine.dockerHost,
    docker: engine.docker,
    environment: demoEnvironment,
    folder: demoFolder,
    survives: isKept,
    env: {
      SUPERCARGO_HOST: 'demo-host',
      SUPERCARGO_LOG_LEVEL: 'info',
      SUPERCARGO_EDGE_IMAGE: demoEdgeImage,
    },
  });
  const example = await readFile(join(root, 'examples', 'demo', 'compose.yaml'), 'utf8');
  await host.compose(example.replaceAll('REGISTRY', registry.address).replaceAll('PORT', String(port)));
  shell(
    `grep -v '^#' ${host.composeFile}`,
    (await readFile(host.composeFile, 'utf8')).replace(/^#.*\n/gm, ''),
  );
  await host.publish({});
  chapter('The agent starts on a host where nothing runs yet');
  const agent = await host.agent();
  await addToDemoState({ agentPid: agent.pid });
  say(
    `supercargo run: pid ${String(agent.pid)}, looks for a new manifest every second, log in ${agent.logFile}`,
  );
  return { host, agent, port, images, narrator };
};

const show = async ({ host, narrator }: Scene, ...args: string[]): Promise<void> => {
  const { stdout, stderr, code } = await host.run(args);
  narrator.shell(`supercargo ${args.join(' ')}`, stdout + stderr);
  if (code !== 0) narrator.say(`(exit code ${String(code)})`);
};

const showAnswer = async ({ port, narrator }: Scene): Promise<void> =>
  narrator.shell(`curl http://127.0.0.1:${String(port)}/`, (await tryAnswer(port)) ?? '(no answer)');

const publish = async ({ host, narrator }: Scene, image: PushedImage): Promise<void> => {
  const serial = await host.publish({ web: image.pinned });
  narrator.say(`manifest: serial ${String(serial)}, web is ${image.ref}`);
};

const until = async ({ host }: Scene, codes: readonly (number | null)[]): Promise<void> => {
  await eventually(async () => codes.includes((await host.run(['status'])).code), {
    deadlineMs: 30_000,
    describe: async () =>
      `status ends with ${codes.join(' or ')}; it says\n${(await host.run(['status'])).stdout}`,
  });
};

const timed = async (narrator: Narrator, what: string, step: () => Promise<void>): Promise<void> => {
  const started = performance.now();
  await step();
  narrator.say(`${what} after ${((performance.now() - started) / 1000).toFixed(1)} s`);
};

const firstDeploy = async (scene: Scene): Promise<void> => {
  scene.narrator.chapter('1.0.0 becomes desired');
  await publish(scene, scene.images.old);
  await timed(scene.narrator, 'it answers', async () => untilAnswers(scene.port, '1.0.0'));
  await showAnswer(scene);
  await until(scene, [0]);
};

const reportLoad = ({ say }: Narrator, report: LoadReport): void => {
  const sorted = report.samples.map(([, tookMs]) => tookMs).toSorted((a, b) => a - b);
  const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
  say(`${String(report.requests)} requests, ${String(report.failed.length)} failed`);
  say(
    `latency: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, slowest ${report.slowestMs.toFixed(0)} ms`,
  );
  const answers = Object.entries(report.answers).map(([version, count]) => `${String(count)} by ${version}`);
  say(`answered: ${answers.join(', ')}`);
  const streams = String(report.cuts.length);
  if (report.cuts.length > 0)
    say(`${streams} streams were still open when the drain time was over: cut, and opened again`);
  for (const failure of report.failed.slice(0, 5)) say(failure);
};

const underLoad = async ({ narrator, port }: Scene, work: () => Promise<void>): Promise<void> => {
  narrator.say('load: GET and POST, kept and single connections, slow answers, a WebSocket, an event stream');
  const load = await startLoadProcess({ port });
  await work();
  reportLoad(narrator, await load.stop());
};

const newVersion = async (scene: Scene): Promise<void> => {
  scene.narrator.chapter('1.1.0 becomes desired, under load');
  await underLoad(scene, async () => {
    await publish(scene, scene.images.new);
    await timed(scene.narrator, 'the new version answers', async () => untilAnswers(scene.port, '1.1.0'));
    await timed(scene.narrator, 'the old one is gone', async () => until(scene, [0]));
  });
  await show(scene, 'status');
};

const repair = async (scene: Scene): Promise<void> => {
  scene.narrator.chapter('Somebody removes a container by hand');
  const { docker } = scene.host;
  const label = [`io.supercargo.environment=${demoEnvironment}`, 'io.supercargo.service=web'];
  const running = async () => docker.listContainers({ filters: { label } });
  const [found] = await running();
  if (found === undefined) throw new Error('no container of service web is there');
  await docker.getContainer(found.Id).remove({ force: true });
  scene.narrator.shell(`docker rm --force ${found.Names[0]?.slice(1) ?? found.Id}`, '');
  await showAnswer(scene);
  await timed(scene.narrator, 'both are there again', async () => {
    await eventually(async () => (await running()).length === 2, {
      deadlineMs: 30_000,
      describe: () => 'two containers of service web run',
    });
    await until(scene, [0]);
  });
};

const rollback = async (scene: Scene): Promise<void> => {
  scene.narrator.chapter('1.2.0 becomes desired, under load, and it is broken: it ends at once');
  await underLoad(scene, async () => {
    await publish(scene, scene.images.broken);
    await timed(scene.narrator, 'given up', async () => until(scene, [3]));
  });
  await show(scene, 'status');
  scene.narrator.chapter('What happened here');
  await show(scene, 'history', '-n', '25');
};

const explainKept = async ({ host, narrator, port, agent }: Scene): Promise<void> => {
  const file = join(demoFolder, 'agent.env');
  const lines = Object.entries(host.env).map(([name, value]) => `${name}='${value}'`);
  await writeFile(file, `${lines.join('\n')}\n`);
  narrator.chapter('It stays up (--keep)');
  narrator.say(`set -a; . ${file}; set +a     # in a shell of its own: it replaces HOME and PATH
${join(root, 'bin', 'supercargo')} status
curl http://127.0.0.1:${String(port)}/
tail -f ${agent.logFile}
${host.manifestFile}: raise "serial" and change the image to deploy
npm run demo -- --stop      # ends it`);
};

const play = async (narrator: Narrator, isKept: boolean): Promise<void> => {
  const started = performance.now();
  const scene = await setUp(narrator, isKept);
  await firstDeploy(scene);
  await newVersion(scene);
  await repair(scene);
  await rollback(scene);
  if (isKept) await explainKept(scene);
  narrator.say(`\nThe whole demo took ${((performance.now() - started) / 1000).toFixed(0)} s.`);
};

const interruption = (): AbortSignal => {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Not once: a second Ctrl-C must not cut the clean-up short.
    process.on(signal, () => controller.abort(new Error(`interrupted by ${signal}`)));
  }
  // The reader of a pipe went away.
  process.stdout.on('error', (error) => controller.abort(error));
  return controller.signal;
};

const untilAborted = async (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

const readOptions = (): { keep?: boolean; stop?: boolean } | undefined => {
  try {
    return parseArgs({ options: { keep: { type: 'boolean' }, stop: { type: 'boolean' } } }).values;
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    console.error('usage: npm run demo [-- --keep | --stop]');
    return undefined;
  }
};

const end = async (reason: string): Promise<void> => {
  console.log(`\n» ${reason}`);
  await endDemo((await readDemoState()) ?? {});
};

const main = async (): Promise<void> => {
  const values = readOptions();
  if (values === undefined) {
    process.exitCode = 1;
    return;
  }
  if (values.stop === true) {
    if ((await readDemoState()) === undefined) console.log('no demo is running');
    else await end('ending the demo: agent, containers, images, registry, engine');
    return;
  }
  if (await readDemoState()) await end('an earlier demo is still there: ending it first');
  const isKept = values.keep === true;
  const signal = interruption();
  let isComplete = false;
  try {
    await Promise.race([play(createNarrator(signal), isKept), untilAborted(signal)]);
    isComplete = true;
  } catch (error) {
    console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    if (!(isComplete && isKept)) await end('cleaning up: agent, containers, images, registry, engine');
  }
  // After an interruption the story is still waiting somewhere: it has nothing left to talk to.
  process.exit();
};

await main();
