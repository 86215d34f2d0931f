import type { Command } from 'commander';
import type { ActionOf } from '../call.ts';

/** Arguments, options and help of the commands for one host. */
export const addHostCommands = (program: Command, actionOf: ActionOf): void => {
  program
    .command('run')
    .description('the daemon')
    .addHelpText(
      'after',
      `
Example:
  supercargo run       the daemon; systemd starts it (systemctl start supercargo)

SIGTERM ends it within seconds and leaves every container as it is; SIGHUP reads the configuration (agent.env)
and all files again.`,
    )
    .action(actionOf(() => import('../commands/run.ts')));
  program
    .command('once')
    .description('reconcile this host once, to the end, without a daemon')
    .option('--json', 'print the status document at the end')
    .addHelpText(
      'after',
      `
Example:
  supercargo once            make this host match its manifest, without a daemon
  supercargo once --json     the same; prints the status document at the end

It waits for health checks and jobs, not for rollout phases, holds or back-offs. Exit codes: 0 converged, 2
waiting, 3 rolled back, blocked or refused, 4 engine offline, 1 error (for example an agent that runs
already).`,
    )
    .action(actionOf(() => import('../commands/once.ts')));
  program
    .command('status')
    .description('this host at a glance')
    .option('--json', 'print the status document')
    .option('--watch', 'go on showing it until interrupted')
    .addHelpText(
      'after',
      `
Examples:
  supercargo status            this host at a glance
  supercargo status --watch    the same, redrawn as it changes
  supercargo status --json     the status document (supercargo/status/v1)

Exit codes: 0 converged, 2 progressing or waiting, 3 rolled back, blocked or a manifest was refused, 4 no
daemon or no engine. Without a daemon it looks by itself, and changes nothing.`,
    )
    .action(actionOf(() => import('../commands/status.ts')));
  program
    .command('plan')
    .description('what would be done now, and why; writes nothing')
    .option('--json', 'print the plan document')
    .addHelpText(
      'after',
      `
Examples:
  supercargo plan           what would be done now, why, and what clients would notice
  supercargo plan --json    the same as a document (supercargo/plan/v1)

It asks the manifest source and the engine, and writes nothing anywhere. Exit codes: 0 nothing to do (or it
only waits), 2 changes to make, 3 something is blocked, rolled back or refused, 4 engine offline.`,
    )
    .action(actionOf(() => import('../commands/plan.ts')));
  program
    .command('explain')
    .argument('[service]', 'one service only')
    .description('desired against actual, the next step, and what it waits for')
    .option('--json', 'print the document')
    .addHelpText(
      'after',
      `
Examples:
  supercargo explain         every service
  supercargo explain web     desired against actual field by field, the next steps, what it waits for and
                             until when

Secrets are never shown: of environment variables only that they are set, or that they differ.`,
    )
    .action(actionOf(() => import('../commands/explain.ts')));
  program
    .command('history')
    .argument('[service]', 'one service only')
    .description('what happened on this host')
    .option('-n, --limit <entries>', 'at most so many', '50')
    .option('--json', 'print the document')
    .addHelpText(
      'after',
      `
Examples:
  supercargo history             what happened here, the newest last
  supercargo history -n 200      more of it
  supercargo history web --json  one service's, as a document (supercargo/history/v1)`,
    )
    .action(actionOf(() => import('../commands/history.ts')));
  program
    .command('sync')
    .description('fetch the manifest and reconcile now')
    .option('--wait', 'until nothing is under way any more')
    .option('--timeout <duration>', 'give up waiting after this', '10m')
    .option('--json', 'print the status document')
    .addHelpText(
      'after',
      `
Examples:
  supercargo sync           the agent reads its files and the manifest now, not at the next poll
  supercargo sync --wait    and this returns when nothing is under way any more, with status's exit codes`,
    )
    .action(actionOf(() => import('../commands/sync.ts')));
  program
    .command('pause')
    .description('hold changes on this host for a while')
    .requiredOption('--reason <text>', 'why, for those who look at status')
    .option('--for <duration>', 'ends by itself after this, for example 2h')
    .option('--all', 'stop drift repair and rollbacks too')
    .option('--replace', 'also if the hold in force lasts longer or stops more')
    .addHelpText(
      'after',
      `
Examples:
  supercargo pause --reason "database migration, ask Ann" --for 2h
  supercargo pause --reason "forensics" --all      not even drift is repaired

A hold keeps switches from beginning; rollbacks and repairs go on. With --all nothing is changed. End it with
resume. A second pause may extend a hold; to shorten one it needs --replace.`,
    )
    .action(actionOf(() => import('../commands/pause.ts')));
  program
    .command('resume')
    .description('end a hold')
    .addHelpText('after', '\nExample:\n  supercargo resume')
    .action(actionOf(() => import('../commands/resume.ts')));
  program
    .command('drain')
    .description('take this host out of service')
    .requiredOption('--reason <text>', 'why, for those who look at status')
    .option('--for <duration>', 'back in service by itself after this, for example 2h')
    .option('--no-wait', 'do not wait until every service is stopped')
    .addHelpText(
      'after',
      `
Examples:
  supercargo drain --reason "new disk, ask Ann"             load balancers are told, then services stop
  supercargo drain --reason kernel --for 10m && reboot      back by itself, 10 minutes from now
  supercargo drain --reason "new disk" --for 4h --no-wait   the agent does it; status shows how far it is

What has begun is finished first, and nothing begins. It stays so over restarts of the agent and of the host.
A second drain changes reason and end. End it with undrain. Exit codes: 0 every service is stopped, 2
interrupted (the drain stays in force), 3 it cannot go on by itself, 4 no agent runs, 1 error, or the drain was
ended meanwhile.`,
    )
    .action(actionOf(() => import('../commands/drain.ts')));
  program
    .command('undrain')
    .description('bring this host back into service')
    .option('--no-wait', 'do not wait until it serves')
    .addHelpText(
      'after',
      `
Examples:
  supercargo undrain              services start, load balancers are told; returns when the host serves again
  supercargo undrain --no-wait    the agent does it; status shows how far it is

Exit codes: 0 the host is in service, 2 interrupted, 3 a service cannot come back by itself, 4 no agent runs, 1
error, or the host was drained again.`,
    )
    .action(actionOf(() => import('../commands/undrain.ts')));
  program
    .command('switch-now')
    .description('begin here without a turn')
    .requiredOption('--reason <text>', 'why, for those who look at status')
    .addHelpText(
      'after',
      `
Example:
  supercargo switch-now --reason "the hub is gone, web is broken"

For a host that waits for a turn, or is halted: the switches of the accepted manifest begin without asking the
report store. It holds for this manifest and this host only, and opens no hold, window, drain or freeze. A job
that runs once in the fleet begins here only if the report store does not answer: say it on one host.`,
    )
    .action(actionOf(() => import('../commands/switch-now.ts')));
  program
    .command('retry')
    .argument('<service>', 'the service whose release is quarantined')
    .description('clear a quarantine on this host')
    .addHelpText(
      'after',
      `
Example:
  supercargo retry web       try the quarantined release of web again, on this host

Everywhere at once: supercargo publish --retry.`,
    )
    .action(actionOf(() => import('../commands/retry.ts')));
  program
    .command('recover')
    .description('rebuild a lost ledger')
    .option('--serial <n>', 'the lowest serial to accept from now on')
    .option('--dry-run', 'only show what would be assumed')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Examples:
  supercargo recover --dry-run      show what would be assumed, change nothing
  supercargo recover                rebuild a lost or damaged ledger from what runs here
  supercargo recover --serial 418   the same, and accept manifests from serial 418 on

What runs stays as it is. The old ledger is set aside, never deleted.`,
    )
    .action(actionOf(() => import('../commands/recover.ts')));
  program
    .command('validate')
    .description('check compose, manifest, trust and environment files')
    .option('--compose <path>', 'a compose file, or a folder with compose.yaml and compose.d/')
    .option('--env <file>', 'variables like those in agent.env: checked like the agent that starts with them')
    .option(
      '--as <path>',
      'check the file or folder of --compose, or the folder of --env, as if it were here, beside what is there',
    )
    .option('--manifest <path>', 'a manifest or an envelope')
    .option(
      '--trust <path>',
      'a trust file; the manifest is verified with it (without one, only a bare manifest passes)',
    )
    .option('--environment <name>', 'the environment that the manifest must be for')
    .option('--json', 'print the findings as a document')
    .addHelpText(
      'after',
      `
Examples:
  supercargo validate                                      the compose and trust files that this host uses
  supercargo validate --compose compose.d/web.yaml         one of several: checked with its siblings
  supercargo validate --compose /tmp/new.yaml --as /etc/supercargo/compose.d/web.yaml
                                                           before it replaces that file
  supercargo validate --env /etc/supercargo/agent.env      the agent's variables, and the files that they name
  supercargo validate --compose new --env new/agent.env --as /etc/supercargo
                                                           a folder of new files, before they are put there
  supercargo validate --manifest staging.json --trust trust.json --environment staging

Exit codes: 0 all is well, 1 something is not.`,
    )
    .action(actionOf(() => import('../commands/validate.ts')));
  program
    .command('doctor')
    .description('what on this host is not as it should be')
    .option('--json', 'print the checks as a document')
    .addHelpText(
      'after',
      `
Example:
  supercargo doctor      configuration, engine, registry logins, manifest, trust, edge, clock, disk, reports:
                         each ok, or what to do

Exit codes: 0 all is well, 1 something is not, 4 the engine is offline.`,
    )
    .action(actionOf(() => import('../commands/doctor.ts')));
};
