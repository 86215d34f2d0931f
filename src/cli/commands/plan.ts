import { dryRun } from '../../core/plan/dry-run.ts';
import { exitCodeOf, worstOf, EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { oneLine } from '../../core/printable-text.ts';
import type { Call } from '../call.ts';
import { terminalOf, writeJson } from '../streams.ts';
import { observeLocally } from '../wiring/observe-locally.ts';
import { planDocument, planlessDocument, renderPlan } from '../render/plan-text.ts';
import { renderStatus } from '../render/status-text.ts';

export const run = async ({ io, signal }: Call, options: { json?: boolean }): Promise<ExitCode> => {
  const observed = await observeLocally(io, { fetch: true, strict: true }, signal);
  const status = observed.agent.status();
  if (!observed.input) {
    if (options.json === true) writeJson(io, planlessDocument(status));
    else io.stdout.write(renderStatus(status, terminalOf(io), Date.now()));
    return exitCodeOf(status, false);
  }
  const simulation = dryRun(observed.input);
  const document = planDocument(
    observed.environment,
    observed.input.manifest?.serial,
    observed.input,
    simulation,
  );
  if (options.json === true) writeJson(io, document);
  else
    io.stdout.write(renderPlan(document, terminalOf(io)) + refusal(observed.agent.intake.state().rejection));
  const failed =
    exitCodeOf(status, false) === EXIT.failed || document.services.some((s) => s.obstacle !== null);
  return worstOf([failed ? EXIT.failed : EXIT.ok, simulation.steps.length > 0 ? EXIT.pending : EXIT.ok]);
};

const refusal = (rejection: { message: string; advice: string } | undefined): string =>
  rejection
    ? `the offered manifest is refused: ${oneLine(rejection.message)}\n  → ${oneLine(rejection.advice)}\n`
    : '';
