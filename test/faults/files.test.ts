import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createJournal } from '../../src/adapters/state-dir/journal-file.ts';
import { createLedgerStore } from '../../src/adapters/state-dir/ledger-store.ts';
import { createAgent, type Agent } from '../../src/agent/agent.ts';
import { createSurroundings, type Surroundings } from '../support/agent-ports.ts';
import { edgeSetting, ENVIRONMENT } from '../support/world.ts';
import { exitCodeOf } from '../../src/core/status/exit-code.ts';
import { createHostFiles } from '../../src/cli/wiring/host-files.ts';
import { BROKEN } from './broken-file.ts';
import { isWhole, pick } from './moments.ts';

const { signal } = new AbortController();
const options = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };

const agentOn = async (host: Surroundings): Promise<Agent> => {
  const agent = createAgent(host, options, { running: true, version: '0', pid: 1 }, false);
  await agent.open(signal);
  return agent;
};

const settle = async (host: Surroundings, agent: Agent): Promise<void> => {
  await agent.intake.fetch(signal);
  for (let pass = 0; pass < 60; pass += 1) {
    await agent.pass(signal);
    await agent.reconciler.close(1_000);
    host.engine.advance(500);
  }
};

const folderOfTest = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-faults-'));
  onTestFinished(async () => rm(folder, { recursive: true }));
  return folder;
};

/** Every length of a file that was cut off; some of them in `npm test`. */
const cutsOf = (bytes: Buffer): readonly Buffer[] =>
  Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length)).filter(
    (_, length) => isWhole || length % 50 === 0 || length > bytes.length - 5,
  );

describe('ledger-cut', () => {
  it('at every byte: nothing that runs is touched, nothing starts, and it is told as blocked', async () => {
    const host = createSurroundings('services: { web: { image: org/web, restart: always } }');
    for (const version of ['1', '2']) host.engine.registry.push(`org/web:${version}`);
    const path = join(await folderOfTest(), 'ledger.json');
    const store = createLedgerStore(path, ENVIRONMENT);
    const onDisk: Surroundings = { ...host, ledger: store };
    const first = await agentOn(onDisk);
    host.publish(1, { web: 'org/web:1' });
    await first.settleLedger(signal);
    await settle(onDisk, first);
    const before = JSON.stringify(host.engine.actual().containers);
    host.publish(2, { web: 'org/web:2' });
    const whole = await readFile(path);
    const cuts = cutsOf(whole);
    const wrong: unknown[] = [];
    for (const cut of cuts) {
      await writeFile(path, cut);
      const agent = await agentOn(onDisk);
      await agent.intake.fetch(signal);
      await agent.pass(signal);
      const { outcome, services } = agent.status();
      const isUntouched =
        JSON.stringify(host.engine.actual().containers) === before && (await readFile(path)).equals(cut);
      // All but the last line end: that is still every word of it.
      const isTold = outcome === 'blocked' && services[0]?.reason === 'ledger';
      const isLastByte = cut.length === whole.length - 1;
      if (!isLastByte && !(isUntouched && isTold))
        wrong.push({ length: cut.length, outcome, reason: services[0]?.reason });
    }
    expect(wrong).toEqual([]);
    expect(cuts.length).toBeGreaterThan(20);
  });
});

/** An agent whose compose files are real ones, and whose engine is simulated. */
const agentOnFiles = async () => {
  const folder = await folderOfTest();
  const compose = 'services: { web: { image: org/web, restart: always, env_file: [web.env] } }';
  await writeFile(join(folder, 'compose.yaml'), compose);
  const env = join(folder, 'web.env');
  await writeFile(env, 'A=1\n');
  const host = createSurroundings(compose);
  for (const version of ['1', '2']) host.engine.registry.push(`org/web:${version}`);
  const { files } = createHostFiles(folder, undefined);
  const onDisk: Surroundings = { ...host, files };
  const agent = await agentOn(onDisk);
  host.publish(1, { web: 'org/web:1' });
  await agent.settleLedger(signal);
  await settle(onDisk, agent);
  host.publish(2, { web: 'org/web:2' });
  await agent.intake.fetch(signal);
  return { host, agent, env };
};

const passes = async ({ host, agent }: Awaited<ReturnType<typeof agentOnFiles>>, count: number) => {
  for (let pass = 0; pass < count; pass += 1) {
    await agent.pass(signal);
    await agent.reconciler.close(1_000);
    host.engine.advance(500);
  }
};

/** A deploy takes so many looks, and a few more. */
const PASSES = 20;
const forms = Object.entries(BROKEN).filter(([name]) => name !== 'a mount that hangs');

describe('files-unreadable', () => {
  it.each(forms)(
    'at every look of a deploy, by %s: it ends as without, it is told, and mended it is read again',
    async (_, make) => {
      for (const moment of pick(Array.from({ length: PASSES }, (__, index) => index))) {
        const scene = await agentOnFiles();
        const { host, agent, env } = scene;
        await passes(scene, moment);
        await rm(env);
        await make(env);
        await agent.intake.readFiles(signal);
        await passes(scene, PASSES * 2);
        const during = agent.status();
        expect(during.services.map((s) => [s.outcome, s.desired?.version])).toEqual([['converged', '2']]);
        expect(during.problems[0]).toMatchObject({
          code: 'COMPOSE',
          message: expect.stringMatching(/web\.env/) as string,
        });
        expect(exitCodeOf(during, true)).toBe(3);
        expect(host.events.map(({ event }) => event)).toContain('compose.refused');
        await rm(env, { recursive: true });
        await writeFile(env, 'A=2\n');
        await agent.intake.readFiles(signal);
        await passes(scene, PASSES * 2);
        expect(agent.status()).toMatchObject({ outcome: 'converged', problems: [] });
        const [container] = host.engine.actual().containers.filter((c) => c.state === 'running');
        expect(agent.intake.state().project?.services['web']?.container.environment).toEqual({ A: '2' });
        expect(container?.owner?.version).toBe('2');
      }
    },
    120_000,
  );

  it('at every look, by a reader that throws: it is told, and the next read counts again', async () => {
    const host = createSurroundings('services: { web: { image: org/web, restart: always } }');
    let isBroken = true;
    const project: Surroundings['files']['project'] = (end) =>
      isBroken ? Promise.reject(new RangeError('Invalid string length')) : host.files.project(end);
    const agent = await agentOn({ ...host, files: { ...host.files, project } });
    expect(agent.status().problems).toMatchObject([{ code: 'COMPOSE', message: 'Invalid string length' }]);
    expect(host.events.map(({ event }) => event)).toContain('compose.refused');
    isBroken = false;
    await agent.intake.readFiles(signal);
    expect(agent.status().problems).toEqual([]);
  });
});

describe('history-cut', () => {
  it('at every byte: whole lines stay, and the next one is a line of its own', async () => {
    const path = join(await folderOfTest(), 'history.jsonl');
    const written = createJournal({ path });
    for (const event of ['one', 'two', 'three'])
      await written.append({ at: '2026-11-23T10:00:00.000Z', event });
    const whole = await readFile(path);
    const wrong: unknown[] = [];
    for (const cut of cutsOf(whole)) {
      await writeFile(path, cut);
      const journal = createJournal({ path });
      await journal.append({ at: '2026-11-24T10:00:00.000Z', event: 'next' });
      const events = (await journal.read()).map(({ event }) => event);
      const ends = [...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([index]) => index);
      // A line without its end is whole too.
      const expected = ['one', 'two', 'three'].filter((_, index) => (ends[index] ?? 0) <= cut.length);
      if (JSON.stringify(events) !== JSON.stringify([...expected, 'next'])) wrong.push([cut.length, events]);
    }
    expect(wrong).toEqual([]);
  });
});
