/**
 * npm test                static checks, unit tests, fuzzing, engine tests, faults, one host; ends with a line "N passed, N failed"
 * npm run test:unit       only the unit tests
 * npm run test:fuzz       only the fuzzing: a few hundred cases of each kind, with `-- --nightly` a hundred thousand
 * npm run test:engine     only the engine tests
 * npm run test:faults     only the faults, each at every moment, and their table; with `-- --quick` the share that npm test tries
 * npm run test:host       only the hosts, all of them
 * More arguments go to vitest: npm run test:engine -- test/engine/once.test.ts
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sweepHosts } from '../test/host/support/host-files.ts';
import { sweepEngine } from '../test/support/engine.ts';
import { type Count, runChecks } from './check.ts';
import { faultsTable, type ReportedTest } from './faults-table.ts';
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

const nothingRan: Count = { passed: 0, failed: 1 };

/** A file that fails as a whole (does not load, a hook throws) has no failed test in it: it counts as one. */
const countReport = ({ numPassedTests, numFailedTests, testResults }: Report): Count => {
  const isBroken = ({ status, assertionResults }: Report['testResults'][number]): boolean =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
  return { passed: numPassedTests, failed: numFailedTests + testResults.filter(isBroken).length };
};

/** The tests' temporary folders are inside ours: a killed run leaves none. */
const runProject = async (
  project: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  tell: (tests: readonly ReportedTest[]) => void = () => undefined,
): Promise<Count> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-run-'));
  const file = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  try {
    const flags = ['run', '--project', project, '--allowOnly=false', ...reporters, ...args];
    const { code } = await runTool('vitest', flags, { inherit: true, env: { TMPDIR: folder, ...variables } });
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) return nothingRan;
    const report = JSON.parse(text) as Report;
    tell(report.testResults.flatMap(({ assertionResults }) => assertionResults));
    const count = countReport(report);
    // An error outside every test, or no test at all, fails the run too.
    return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const NIGHTLY_CASES = '100000';

const runFuzzing = async (args: readonly string[]): Promise<Count> => {
  const others = args.filter((word) => word !== '--nightly');
  return runProject('fuzz', others, others.length < args.length ? { FUZZ_CASES: NIGHTLY_CASES } : {});
};

/** Of every so many moments on the simulated host one is tried; on the real one few rows are. */
const QUICK_EVERY = '15';

const runFaults = async (args: readonly string[]): Promise<Count> => {
  const others = args.filter((word) => word !== '--quick');
  const variables = others.length < args.length ? { FAULTS_EVERY: QUICK_EVERY } : {};
  return withEngineSwept(() =>
    runProject('faults', others, variables, (tests) => console.log(`\n${faultsTable(tests)}`)),
  );
};

const withEngineSwept = async (run: () => Promise<Count>): Promise<Count> => {
  try {
    return await run();
  } finally {
    // Vitest's own teardown has done it, unless it was killed.
    if (await sweepEngine()) console.log('» stopped the private engine that the run left behind');
  }
};

/** Of Debian's stable release, whose engine is between the oldest and the newest: the engine tests have the oldest. */
const HOST_OF_ALL = 'test/host/trixie.test.ts';

const runHostTests = async (args: readonly string[]): Promise<Count> => {
  try {
    return await runProject('host', args);
  } finally {
    // The hosts ended with vitest, however that did; their folders did not.
    await sweepHosts();
  }
};

const heading = (text: string): void => console.log(`\n» ${text}`);

const [selection = 'all', ...args] = process.argv.slice(2);
const steps: Readonly<Record<string, readonly [string, () => Promise<Count>]>> = {
  checks: ['static checks', runChecks],
  unit: ['unit tests', async () => runProject('unit', args)],
  fuzz: ['fuzzing', async () => runFuzzing(args)],
  engine: ['engine tests', async () => withEngineSwept(() => runProject('engine', args))],
  faults: ['faults', async () => runFaults(selection === 'all' ? [...args, '--quick'] : args)],
  host: ['host tests', async () => runHostTests(selection === 'all' ? [HOST_OF_ALL] : args)],
};
const selected = selection === 'all' ? Object.keys(steps) : [selection];

// Ctrl-C ends vitest, which cleans up; we stay to sweep after it.
process.on('SIGINT', () => undefined);
const total = { passed: 0, failed: 0 };
for (const name of selected) {
  const step = steps[name];
  if (step === undefined)
    throw new Error(`unknown selection "${name}": all, ${Object.keys(steps).join(', ')}`);
  heading(step[0]);
  const count = await step[1]();
  total.passed += count.passed;
  total.failed += count.failed;
}
console.log(`\n${String(total.passed)} passed, ${String(total.failed)} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
