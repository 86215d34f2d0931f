import type { Command } from 'commander';
import { dryRun } from '../../core/plan/dry-run.ts';
import { exitCodeOf, worstOf, EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { Cli } from '../cli.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';
import { lookLocally } from '../wiring/look-locally.ts';
import { planDocument, planlessDocument, renderPlan } from '../render/plan-text.ts';
import { renderStatus } from '../render/status-text.ts';

const HELP = `
Examples:
  supercargo plan           what would be done now, why, and what clients would notice
  supercargo plan --json    the same as a document (supercargo/plan/v1)

It asks the manifest source and the engine, and writes nothing anywhere. Exit codes: 0 nothing to do (or it only waits),
2 changes to make, 3 something is blocked, rolled back or refused, 4 engine offline.`;

const runPlan = async (io: Io, options: { json?: boolean }, signal: AbortSignal): Promise<ExitCode> => {
  const looked = await lookLocally(io, { fetch: true, strict: true }, signal);
  const status = looked.agent.status();
  if (!looked.input) {
    if (options.json === true) writeJson(io, planlessDocument(status));
    else io.stdout.write(renderStatus(status, terminalOf(io), Date.now()));
    return exitCodeOf(status, false);
  }
  const foresight = dryRun(looked.input);
  const document = planDocument(looked.environment, looked.input.manifest?.serial, looked.input, foresight);
  if (options.json === true) writeJson(io, document);
  else io.stdout.write(renderPlan(document, terminalOf(io)) + refusal(looked.agent.intake.state().rejection));
  const failed =
    exitCodeOf(status, false) === EXIT.failed || document.services.some((s) => s.obstacle !== null);
  return worstOf([failed ? EXIT.failed : EXIT.ok, foresight.steps.length > 0 ? EXIT.pending : EXIT.ok]);
};

const refusal = (rejection: { message: string; advice: string } | undefined): string =>
  rejection ? `the offered manifest is refused: ${rejection.message}\n  → ${rejection.advice}\n` : '';

export const addPlan = (program: Command, { io, run }: Cli): void => {
  program
    .command('plan')
    .description('what would be done now, and why; writes nothing')
    .option('--json', 'print the plan document')
    .addHelpText('after', HELP)
    .action((options: { json?: boolean }) => run((signal) => runPlan(io, options, signal), options));
};
