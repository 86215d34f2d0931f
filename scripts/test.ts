/**
 * npm test                static checks, unit tests, fuzzing, engine tests, faults, one host; the last line is
 *                         "N passed, N failed"
 * npm run test:long       what npm test leaves out: 2000 cases of the properties, long engine tests,
 *                         publishing through three hubs, every fault, all hosts
 * npm run test:unit       only the unit tests
 * npm run test:fuzz       only the fuzzing: a few hundred cases of each kind, with `-- --nightly` 100,000
 * npm run test:engine     only the engine tests, long ones too
 * npm run test:hubs       only the tests that publish through a hub, with three of them on PostgreSQL and HAProxy
 * npm run test:faults     only the faults, each at every moment, and their table
 * npm run test:host       only the hosts, all of them
 * With `-- --quick` only what npm test runs of it. More arguments go to vitest:
 * npm run test:engine -- test/engine/image.test.ts
 */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBase } from '../test/host/support/base.ts';
import { suites } from '../test/host/support/suites.ts';
import type { Share } from '../test/support/share.ts';
import { buildBundle } from './build.ts';
import { type Count, runChecks } from './check.ts';
import { faultsTable, type ReportedTest } from './faults-table.ts';
import { createOwnMachine, type Place } from './own-machine.ts';
import { runTool } from './run-tool.ts';

/** The part of vitest's JSON report that we count. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly ReportedTest[];
  }[];
}

const heading = (text: string): void => console.log(`\n» ${text}`);

const nothingRan: Count = { passed: 0, failed: 1 };

/** A file that fails as a whole (does not load, a hook throws) has no failed test in it: it counts as one. */
const countReport = ({ numPassedTests, numFailedTests, testResults }: Report): Count => {
  const isBroken = ({ status, assertionResults }: Report['testResults'][number]): boolean =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
  return { passed: numPassedTests, failed: numFailedTests + testResults.filter(isBroken).length };
};

interface ProjectOptions {
  readonly place?: () => Promise<Place>;
  readonly env?: Readonly<Record<string, string>>;
  readonly tell?: (tests: readonly ReportedTest[]) => void;
}

/** The tests' temporary folders are inside ours: a killed run leaves none. */
const createPlace = async (): Promise<Place> => {
  const temporary = await mkdtemp(join(tmpdir(), 'supercargo-run-'));
  // PostgreSQL runs as another user and has its folder below.
  await chmod(temporary, 0o711);
  const remove = async (): Promise<void> => rm(temporary, { recursive: true, force: true });
  return { launcher: [], env: { TMPDIR: temporary }, temporary, remove };
};

const runProject = async (
  project: string,
  args: readonly string[],
  { place = createPlace, env = {}, tell = () => undefined }: ProjectOptions = {},
): Promise<Count> => {
  const { temporary, remove, ...own } = await place();
  const file = join(temporary, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  try {
    const flags = ['run', '--project', project, '--allowOnly=false', ...reporters, ...args];
    const { code } = await runTool('vitest', flags, {
      inherit: true,
      launcher: own.launcher,
      env: { ...own.env, ...env },
    });
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) return nothingRan;
    const report = JSON.parse(text) as Report;
    tell(report.testResults.flatMap(({ assertionResults }) => assertionResults));
    const count = countReport(report);
    // An error outside every test, or no test at all, fails the run too.
    return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
  } finally {
    await remove();
  }
};

const showFaults = (tests: readonly ReportedTest[]): void => console.log(`\n${faultsTable(tests)}`);

const [selection = 'all', ...words] = process.argv.slice(2);
const isNightly = words.includes('--nightly');
const ofSelection: Readonly<Record<string, Share>> = { all: 'quick', long: 'long' };
const share: Share = words.includes('--quick') ? 'quick' : (ofSelection[selection] ?? 'all');
const args = words.filter((word) => word !== '--nightly' && word !== '--quick');

/** In namespaces of its own, with a bundle that no other step writes at the same time. */
const runOnOwnMachine = async (
  project: string,
  files: readonly string[],
  options: ProjectOptions = {},
): Promise<Count> => {
  await buildBundle();
  const env = { SUPERCARGO_TESTS: share };
  return runProject(project, files, { ...options, place: createOwnMachine, env });
};

/**
 * Of Debian's stable release, whose engine is between the oldest and the newest: the engine tests have the
 * oldest.
 */
const QUICK_HOST = 'test/host/trixie.test.ts';

const runHostTests = async (): Promise<Count> => {
  const files = share === 'quick' ? [QUICK_HOST] : args;
  const named = Object.values(suites).filter(({ name }) => files.some((file) => file.includes(name)));
  // From the network, which the run's own machine does not reach.
  for (const suite of named.length > 0 ? named : Object.values(suites)) await ensureBase(suite, heading);
  return runOnOwnMachine('host', files);
};

const steps: Readonly<Record<string, readonly [string, () => Promise<Count>]>> = {
  checks: ['static checks', runChecks],
  unit: ['unit tests', async () => runProject('unit', args)],
  properties: [
    'properties of the planner and of turns, 2000 cases each',
    async () =>
      runProject('unit', ['test/unit/core/plan/', 'test/unit/core/turns/'], { env: { RUNS: '2000' } }),
  ],
  fuzz: ['fuzzing', async () => runProject('fuzz', args, { env: isNightly ? { FUZZ_CASES: '100000' } : {} })],
  engine: ['engine tests', async () => runOnOwnMachine('engine', args)],
  hubs: ['tests through three hubs', async () => runOnOwnMachine('hubs', args)],
  faults: ['faults', async () => runOnOwnMachine('faults', args, { tell: showFaults })],
  host: ['host tests', runHostTests],
};
const SELECTIONS: Readonly<Record<string, readonly string[]>> = {
  all: ['checks', 'unit', 'fuzz', 'engine', 'faults', 'host'],
  long: ['properties', 'engine', 'hubs', 'faults', 'host'],
};

// Ctrl-C ends vitest, which cleans up; we stay to sweep after it.
process.on('SIGINT', () => undefined);
const total = { passed: 0, failed: 0 };
for (const name of SELECTIONS[selection] ?? [selection]) {
  const step = steps[name];
  if (step === undefined)
    throw new Error(`unknown selection "${name}": all, long, ${Object.keys(steps).join(', ')}`);
  const startedAt = performance.now();
  heading(step[0]);
  const count = await step[1]();
  console.log(`  ${step[0]}: ${((performance.now() - startedAt) / 60_000).toFixed(1)} min`);
  total.passed += count.passed;
  total.failed += count.failed;
}
console.log(`\n${String(total.passed)} passed, ${String(total.failed)} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
