/**
 * Static checks: format, types, lint, dead code. Import directions are a unit test
 * (test/unit/import-directions.test.ts).
 */
import { runTool } from './run-tool.ts';

export interface Check {
  readonly name: string;
  readonly tool: string;
  readonly args: readonly string[];
  /** What to run when it fails. */
  readonly advice: string;
}

const checks: readonly Check[] = [
  {
    name: 'format',
    tool: 'prettier',
    args: ['--check', '--log-level=warn', '.'],
    advice: 'npx prettier --write .',
  },
  { name: 'types', tool: 'tsc', args: [], advice: 'npx tsc' },
  {
    name: 'types of the page',
    tool: 'tsc',
    args: ['-p', 'src/hub/page/client'],
    advice: 'npx tsc -p src/hub/page/client',
  },
  {
    name: 'lint',
    tool: 'oxlint',
    args: ['--type-aware', '--deny-warnings'],
    advice: 'npx oxlint --type-aware',
  },
  {
    name: 'dead code',
    tool: 'knip',
    args: ['--no-progress', '--treat-config-hints-as-errors'],
    advice: 'npx knip',
  },
];

export interface Count {
  readonly passed: number;
  readonly failed: number;
}

/** Runs every check, prints a line for each and the output of those that fail. */
export const runChecks = async (): Promise<Count> => {
  let failed = 0;
  for (const { name, tool, args, advice } of checks) {
    const started = performance.now();
    const { code, output } = await runTool(tool, args);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(
      `${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${code === 0 ? '' : `: see "${advice}"`}`,
    );
    if (code === 0) continue;
    failed += 1;
    console.log(output.trimEnd());
  }
  return { passed: checks.length - failed, failed };
};

if (import.meta.main) {
  const { failed } = await runChecks();
  process.exitCode = failed === 0 ? 0 : 1;
}
