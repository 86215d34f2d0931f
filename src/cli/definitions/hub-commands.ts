import type { Command } from 'commander';
import { DEFAULT_LIMITS } from '../../hub/limits.ts';
import type { ActionOf } from '../call.ts';

const LISTEN = '127.0.0.1:8440';
const DATA = '/var/lib/supercargo-hub';

/** Arguments, options and help of `hub` and its subcommands. */
export const addHubCommands = (program: Command, actionOf: ActionOf): void => {
  const hub = program
    .command('hub')
    .description('keeps manifests and reports for many hosts, and shows them')
    .option('--listen <address>', 'HOST:PORT, or :PORT for all addresses', LISTEN)
    .option('--data <folder>', 'where it keeps everything, or archives alone', DATA)
    .option('--store <address>', 'PostgreSQL for several hubs: postgres://ROLE@HOST,HOST/DATABASE')
    .option('--tls-cert <file>', 'certificate chain (PEM)')
    .option('--tls-key <file>', 'its private key (PEM)')
    .option('--trust <file>', 'take only manifests that this trust.json verifies (trust.json in that folder)')
    .option('--max-hosts <n>', 'in each environment', String(DEFAULT_LIMITS.hosts))
    .option('--max-services <n>', 'in the report of one host', String(DEFAULT_LIMITS.services))
    .option('--max-environments <n>', 'in all', String(DEFAULT_LIMITS.environments))
    .option('--max-connections <n>', 'open at once', String(DEFAULT_LIMITS.connections))
    .option('--max-archive <size>', 'of one archived image', '16G')
    .option('--forget-after <duration>', 'a host that is silent for so long leaves the reports: 30d (never)')
    .addHelpText(
      'after',
      `
Examples:
  supercargo hub --listen 127.0.0.1:8440 --data /var/lib/supercargo-hub
  supercargo hub --listen :8443 --data /var/lib/supercargo-hub --tls-cert hub.crt --tls-key hub.key
                 --trust trust.json
  supercargo hub --store postgres://hub@db1,db2,db3/supercargo
  supercargo hub token staging web-1        the token with which that host reports
  supercargo hub repair staging --dry-run   what is wrong with its manifests, and what would be done

Secrets come from the environment or from files: SUPERCARGO_PUBLISH_TOKEN, SUPERCARGO_REPORT_SECRET and
SUPERCARGO_READ_TOKEN, or the same names with _FILE. SUPERCARGO_PUBLISH_TOKENS_FILE has a publish token for each
environment, SUPERCARGO_REVOKED_HOSTS_FILE the hosts whose tokens are refused. The password of --store comes from
SUPERCARGO_HUB_STORE_PASSWORD, or that name with _FILE. SIGTERM ends it, SIGHUP reads
certificate and secrets again.`,
    )
    .action(actionOf(() => import('../commands/hub.ts')));
  hub
    .command('token <environment> <host>')
    .description('prints the token with which a host reports')
    .option('--generation <n>', 'a later one than the tokens that the hub refuses', '0')
    .addHelpText(
      'after',
      `
Examples:
  supercargo hub token staging web-1
  supercargo hub token staging web-1 --generation 1   after its first token was stolen

Needs SUPERCARGO_REPORT_SECRET or SUPERCARGO_REPORT_SECRET_FILE, as the hub has it (of two lines it takes the
first). Goes into the host's SUPERCARGO_REPORT_TOKEN. Which tokens of a host the hub refuses is in the file that
SUPERCARGO_REVOKED_HOSTS_FILE names on the hub.`,
    )
    .action(actionOf(() => import('../commands/hub-token.ts')));
  hub
    .command('schema')
    .description('makes or updates the tables of hubs in PostgreSQL, as their owner')
    .option('--store <address>', 'the database, with the role that is to own the tables')
    .option('--role <name>', 'the role of the hubs: gets the rights that it needs')
    .option('--print', 'print the SQL for a database without tables, and connect to none')
    .addHelpText(
      'after',
      `
Examples:
  supercargo hub schema --store postgres://owner@db1,db2,db3/supercargo --role hub
  supercargo hub schema --role hub --print > schema.sql

Needed only where the role of the hubs may not create tables: a hub whose role may does it at its start. What is there
stays. The password comes from SUPERCARGO_HUB_STORE_PASSWORD, or that name with _FILE.`,
    )
    .action(actionOf(() => import('../commands/hub-schema.ts')));
  hub
    .command('repair <environment>')
    .description('puts the manifests of an environment in order')
    .option('--data <folder>', 'the folder of the hub', DATA)
    .option('--store <address>', 'the database of the hubs, where they have one: postgres://…')
    .option('--trust <file>', 'the trust.json of the hosts (trust.json in that folder)')
    .option('--dry-run', 'show what would change, and write nothing')
    .option('--json', 'the outcome as JSON (supercargo/hub-repair/v1)')
    .addHelpText(
      'after',
      `
Examples:
  supercargo hub repair staging --dry-run     what it would do, also while the hub runs
  supercargo hub repair staging               with the hub stopped
  supercargo hub repair staging --store postgres://hub@db1,db2,db3/supercargo     while the hubs run

Makes the newest good manifest of the history current again. What no host can use (damaged documents, unsigned
ones where keys are used, serials that leave no room) is set aside in manifests/ENVIRONMENT/set-aside/ of the
folder, or in the table supercargo.set_aside of the database, never deleted.`,
    )
    .action(actionOf(() => import('../commands/hub-repair.ts')));
  hub
    .command('migrate')
    .description('copies the folder of a stopped hub into a database for several hubs')
    .option('--data <folder>', 'the folder of the hub', DATA)
    .option('--store <address>', 'the database: postgres://ROLE@HOST[,HOST…]/DATABASE')
    .option('--dry-run', 'compare the two, and write nothing; also while the hub runs')
    .option('--json', 'the outcome as JSON (supercargo/hub-migrate/v1)')
    .addHelpText(
      'after',
      `
Examples:
  supercargo hub migrate --store postgres://hub@db1,db2,db3/supercargo --dry-run
  supercargo hub migrate --store postgres://hub@db1,db2,db3/supercargo      with the hub stopped

Copies manifests with their history and turns, and reads all of it back. Reports are not copied: every host sends
its own within a minute. Archives stay in the folder, which is left as it is. A migration that was stopped goes on
when it is started again. It refuses a database that has anything else of an environment.`,
    )
    .action(actionOf(() => import('../commands/hub-migrate.ts')));
  hub
    .command('doctor')
    .description('checks what a hub needs: secrets, certificate, folder, database, limits, the running hub')
    .option('--listen <address>', 'as the hub has it', LISTEN)
    .option('--data <folder>', 'as the hub has it', DATA)
    .option('--store <address>', 'as the hub has it')
    .option('--tls-cert <file>', 'as the hub has it')
    .option('--tls-key <file>', 'as the hub has it')
    .option('--trust <file>', 'as the hub has it (trust.json in that folder)')
    .option('--max-connections <n>', 'as the hub has it', String(DEFAULT_LIMITS.connections))
    .option('--json', 'the checks as JSON (supercargo/doctor/v1)')
    .addHelpText(
      'after',
      `
Examples:
  supercargo hub doctor --data /var/lib/supercargo-hub
  supercargo hub doctor --listen :8443 --tls-cert hub.crt --tls-key hub.key --store postgres://hub@db1,db2/supercargo

Give it the options and variables of the hub, as a user who may read what the hub reads. It changes nothing. A hint
does not keep the hub from its work; a problem ends it with 1. Each line has its advice.`,
    )
    .action(actionOf(() => import('../commands/hub-doctor.ts')));
};
