import type { Command } from 'commander';
import type { ActionOf } from '../call.ts';
import { addAddressFlags } from './publish-commands.ts';

const REASON = 'why; the next person reads it in `rollout status`';
const JSON_TEXT = 'the rollout as JSON (supercargo/rollout/v1)';

/** Arguments, options and help of `rollout` and its subcommands. */
export const addRolloutCommands = (program: Command, actionOf: ActionOf): void => {
  const rollout = program
    .command('rollout')
    .description('how far a new version is in an environment with a pace; halt it, resume it')
    .addHelpText(
      'after',
      `
Examples:
  supercargo rollout status production --to https://deploy.example.com
  supercargo rollout halt production --reason "database is being moved" --for 2h --to …
  supercargo rollout resume production --reason "disk replaced on web-7" --to …
  supercargo rollout free production web-9 --reason "host is scrapped" --to …
  supercargo rollout leave-out production web-9 --reason "broken fan" --to …

SUPERCARGO_STORE may stand for --to. docs/FLEET.md explains waves, turns and halts.`,
    );
  const subcommand = (usage: string): Command => addAddressFlags(rollout.command(usage));
  subcommand('status <environment>')
    .description('waves, hosts that switch, failures with their logs, and what to do next')
    .option('--watch', 'again whenever something changes')
    .option('--json', JSON_TEXT)
    .addHelpText(
      'after',
      `
Examples:
  supercargo rollout status production --to https://deploy.example.com
  supercargo rollout status production --to … --watch    the same, redrawn as it changes
  supercargo rollout status production --to … --json     supercargo/rollout/v1

Needs the read token. Exit codes: 0 finished, or nothing to do · 1 the store hands out no turns · 2 under way ·
3 halted · 4 the store does not answer`,
    )
    .action(actionOf(() => import('../commands/rollout-status.ts')));
  subcommand('halt <environment>')
    .description('no host begins anything new; what has begun goes on')
    .requiredOption('--reason <text>', REASON)
    .option('--for <duration>', 'ends by itself after that: 30m, 2h')
    .option('--json', JSON_TEXT)
    .addHelpText(
      'after',
      `
Examples:
  supercargo rollout halt production --reason "database is being moved" --to https://deploy.example.com
  supercargo rollout halt production --reason "night of the sale" --for 12h --to …

Needs the publish token. Hosts keep what runs, repair it and roll it back. A rollback and \`publish --urgent\`
pass the halt.`,
    )
    .action(actionOf(() => import('../commands/rollout-halt.ts')));
  subcommand('resume <environment>')
    .description('end every halt, and count the hosts that failed so far no more')
    .requiredOption('--reason <text>', REASON)
    .option('--job-elsewhere', 'a job of the fleet whose host is lost may run on another one')
    .option('--json', JSON_TEXT)
    .addHelpText(
      'after',
      `
Example:
  supercargo rollout resume production --reason "disk replaced on web-7" --to https://deploy.example.com

Needs the publish token. If the version itself is bad, publish a better one or roll back instead: that needs no
resume. Before --job-elsewhere, make sure that the job has ended on the host that is lost: else it runs twice.`,
    )
    .action(actionOf(() => import('../commands/rollout-resume.ts')));
  subcommand('free <environment> <host>')
    .description('take the turn away from a host that will not report again')
    .requiredOption('--reason <text>', REASON)
    .option('--json', JSON_TEXT)
    .addHelpText(
      'after',
      `
Example:
  supercargo rollout free production web-9 --reason "host is scrapped" --to https://deploy.example.com

Needs the publish token. Make sure first that the host does not switch any more: its place goes to another one.`,
    )
    .action(actionOf(() => import('../commands/rollout-free.ts')));
  subcommand('leave-out <environment> <host>')
    .description('no wave waits for this host, and its failures do not count')
    .option('--reason <text>', REASON)
    .option('--undo', 'the host takes part again')
    .option('--json', JSON_TEXT)
    .addHelpText(
      'after',
      `
Examples:
  supercargo rollout leave-out production web-9 --reason "broken fan" --to https://deploy.example.com
  supercargo rollout leave-out production web-9 --undo --to …

Needs the publish token.`,
    )
    .action(actionOf(() => import('../commands/rollout-leave-out.ts')));
};
