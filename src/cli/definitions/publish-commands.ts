import type { Command } from 'commander';
import type { ActionOf } from '../call.ts';

const collect = (value: string, list: readonly string[]): readonly string[] => [...list, value];

/** Where the store is, and what it is shown. */
export const addAddressFlags = (command: Command): Command =>
  command
    .option(
      '--to <base>',
      'the store: a hub or another server (URL), or a folder; SUPERCARGO_STORE otherwise',
    )
    .option('--ca <file>', 'certificate authority of the store (PEM)')
    .option('--client-cert <file>', 'certificate to show to the store (PEM)')
    .option('--client-key <file>', 'its private key (PEM)');

const addStoreFlags = (command: Command): Command =>
  addAddressFlags(command).option(
    '--trust <file>',
    'the trust.json of the hosts: whose manifests are built upon',
  );

const addPublishFlags = (command: Command): Command =>
  addStoreFlags(command)
    .option(
      '--key <file>',
      'sign with this private key, - is standard input; several for a threshold (SUPERCARGO_SIGNING_KEY)',
      collect,
      [],
    )
    .option(
      '--insecure-unsigned',
      'publish without a signature, for hosts with SUPERCARGO_ALLOW_UNSIGNED=true',
    )
    .option(
      '--wait',
      'end when the hosts run it, or do not; with a pace, when the change is finished or halted',
    )
    .option(
      '--timeout <duration>',
      'how long to wait: 10m, or as long as the rollout and 10m more; with a pace, as long as it may take',
    )
    .option('--hosts <file>', 'wait for these hosts: one a line, or a JSON list (those that the store knows)')
    .option(
      '--wait-where <labels>',
      'wait for hosts with these labels alone: zone=a,canary=true',
      collect,
      [],
    )
    .option('--max-failed <n>', 'as many hosts may fail (0); not with a pace, which has a limit of its own')
    .option(
      '--on-failure <what>',
      'when the wait fails: rollback, freeze or none; not with a pace, which halts by itself',
      'none',
    )
    .option(
      '--rollout <duration:share>',
      'hosts follow one after the other: 1h:5% begins with 5 % at once; not with a pace',
    )
    .option('--expires <duration>', 'hosts start nothing of it after that: 30d')
    .option('--serial <n>', 'this serial, or fail where it is not free')
    .option(
      '--base <serial>',
      'build upon the versions of this serial, or upon none (the newest that is signed)',
    )
    .option('--adopt-unverified', 'take over versions that no known key has signed, and show each')
    .option('--single-writer', 'the store ignores If-Match, and nobody else ever publishes there')
    .option('--anyway', 'although hosts cannot follow a pace yet, or a change would go on without one')
    .option('--dry-run', 'show what would change, and write nothing')
    .option('--json', 'the outcome as JSON (supercargo/publish/v1)');

const addForwardFlags = (command: Command): Command =>
  addCreateFlag(command)
    .option('--urgent <reason>', 'with a pace: without its waves and soak')
    .option('--after', 'with a pace: first wait for the end of a change that this would overtake');

const addCreateFlag = (command: Command): Command =>
  command.option('--create', 'the environment may be a new one in this store');

const addPaceCommand = (program: Command, actionOf: ActionOf): void => {
  addStoreFlags(
    program
      .command('pace')
      .argument('<environment>', 'whose hosts go by it')
      .description('how fast hosts may switch: how many at a time, in which waves; shows it without options'),
  )
    .option('--max-parallel <n>', 'hosts that may switch a service at the same time: 2, or 10% (1)')
    .option(
      '--waves <list>',
      'who begins, and who follows: canary=true,10%,100% (100%); several labels as zone=a+canary=true',
    )
    .option('--soak <duration>', 'how long a good wave is watched before the next one: 5m (0)')
    .option('--halt-after <n>', 'failed or lost hosts of a service that are tolerated: 1, or 5% (0)')
    .option('--turn-time <duration>', 'a host with a turn is lost after so long a silence (15m)')
    .option('--none', 'end the pace: each host switches when it is ready')
    .option('--key <file>', 'sign with this private key, as publish does', collect, [])
    .option(
      '--insecure-unsigned',
      'publish without a signature, for hosts with SUPERCARGO_ALLOW_UNSIGNED=true',
    )
    .option('--anyway', 'although hosts cannot follow it yet, or with --none although a change is unfinished')
    .option('--serial <n>', 'this serial, or fail where it is not free')
    .option('--adopt-unverified', 'take over versions that no known key has signed, and show each')
    .option('--single-writer', 'the store ignores If-Match, and nobody else ever publishes there')
    .option('--dry-run', 'show what would change, and write nothing')
    .option('--json', 'as JSON (supercargo/publish/v1, without options supercargo/pace/v1)')
    .addHelpText(
      'after',
      `
Examples:
  supercargo pace production --to https://deploy.example.com                     what it is now
  supercargo pace production --max-parallel 1 --to … --key …                     one host after the other
  supercargo pace production --waves canary=true,10%,100% --soak 5m --to … --key …
  supercargo pace production --none --to … --key …                               each host by itself again

Publishes the same versions with that pace; options that are not given keep their value. Every later publish
keeps the pace. Needs a hub, which gives hosts their turns. Upgrade the hub, all hosts and every publisher
before the first one: an older host refuses a manifest with a pace.

Exit codes: 0 published, or shown · 1 nothing was published`,
    )
    .action(actionOf(() => import('../commands/pace.ts')));
};

/** Arguments, options and help of the commands for a build server and its store. */
export const addPublishCommands = (program: Command, actionOf: ActionOf): void => {
  const fleet = addStoreFlags(program.command('fleet').argument('<environment>', 'whose hosts are shown'));
  fleet
    .description('what every host of an environment runs, and who is behind')
    .option('--hosts <file>', 'hosts that should be there: one a line, or a JSON list')
    .option('--where <labels>', 'only hosts that report all of these: zone=a,canary=true', collect, [])
    .option('--all', 'each host, also of more than 200')
    .option('--watch', 'again whenever something changes')
    .option('--json', 'as JSON (supercargo/fleet-view/v1)')
    .addHelpText(
      'after',
      `
Examples:
  supercargo fleet staging --to https://deploy.example.com
  supercargo fleet staging --to … --watch         the same, redrawn as it changes
  supercargo fleet staging --to … --json          supercargo/fleet-view/v1
  supercargo fleet staging --to … --where zone=a  only hosts with this label (SUPERCARGO_LABELS)

Exit codes: 0 every host runs what is published · 1 the store has no such environment · 2 not yet, or no host
has reported · 3 rolled back, blocked or refused somewhere · 4 a host is silent, its engine is offline, or no
agent runs there`,
    )
    .action(actionOf(() => import('../commands/fleet.ts')));
  fleet
    .command('forget <environment> <host>')
    .description('removes the report of a host that is gone')
    .addHelpText(
      'after',
      `
Example:
  supercargo fleet forget staging web-9 --to https://deploy.example.com

Needs the publish token. A host that still reports is there again a minute later. A hub can do it by itself:
hub --forget-after.`,
    )
    .action(actionOf(() => import('../commands/fleet-forget.ts')));
  addPublishFlags(
    program
      .command('rollback')
      .argument('<environment>', 'whose versions are taken back')
      .option('--to-serial <n>', 'the versions of this serial')
      .description('publish the versions of before'),
  )
    .addHelpText(
      'after',
      `
Examples:
  supercargo rollback staging --to https://deploy.example.com --key jenkins.key --wait
  supercargo rollback staging --to-serial 417 --to … --key …

Publishes the versions of an older serial under a new one, which is higher: hosts never go back in serials.
Without --to-serial they are the last other ones, without those that were gone back from since. With a pace
it is urgent by itself: no waves, no soak. Options and exit codes are those of publish.`,
    )
    .action(actionOf(() => import('../commands/rollback.ts')));
  addForwardFlags(
    addPublishFlags(
      program
        .command('promote')
        .argument('<from>', 'the environment whose versions are taken')
        .argument('<to>', 'the environment that gets them')
        .argument('[service...]', 'only these (all that are published)')
        .description('give one environment the versions of another'),
    ),
  )
    .addHelpText(
      'after',
      `
Examples:
  supercargo promote staging production --to https://deploy.example.com --key jenkins.key --wait
  supercargo promote staging production web --to … --key …       only this service

The very digests that run in the first environment: nothing is built or looked up again. The pace of the
second one stays. Options and exit codes are those of publish.`,
    )
    .action(actionOf(() => import('../commands/promote.ts')));
  addForwardFlags(
    addPublishFlags(
      program
        .command('publish')
        .argument('<environment>', 'whose hosts are to run it')
        .argument('[version...]', 'SERVICE=TAG, SERVICE=sha256:… or SERVICE=REPOSITORY:TAG')
        .description('say which versions an environment runs'),
    ),
  )
    .option('--retry <service>', 'let hosts try its version again that gave it up', collect, [])
    .option('--platform <platform>', 'the image has to be there for it, like linux/amd64', collect, [])
    .option('--archive', 'put the image beside the manifest, for hosts that cannot reach its registry')
    .addHelpText(
      'after',
      `
Examples:
  supercargo publish staging web=1.2.3 --to https://deploy.example.com --key jenkins.key --wait
  supercargo publish staging web=registry.example.com/org/web:1.2.3 --to … --key … --create     the first time
  supercargo publish production web=1.2.3 --to … --key … --rollout 1h:5% --wait --on-failure rollback
  supercargo publish staging --retry web --to … --key …                     once more, where it was given up
  supercargo publish production web=1.2.3 --to … --key … --wait --wait-where canary=true
  supercargo publish production web=1.2.3 --to … --key … --archive          the image travels along
  supercargo publish production web=1.2.4 --to … --key … --urgent CVE-2026-1   without waves (supercargo pace)

Every version is looked up at its registry, and published with its digest. SUPERCARGO_STORE may stand for
--to, and SUPERCARGO_PUBLISH_TOKEN or SUPERCARGO_PUBLISH_TOKEN_FILE hold the store's token; logins of
registries are docker's.

Exit codes: 0 published (with --wait: every host runs it) · 1 nothing was published · 3 it failed on too many
hosts, it is halted, or the change before it is (--after) · 5 the time is over`,
    )
    .action(actionOf(() => import('../commands/publish.ts')));
  addPaceCommand(program, actionOf);
  program
    .command('keygen')
    .argument('<name>', 'whose key it is, like jenkins')
    .requiredOption('--out <folder>', 'where the files are written')
    .description('make a key pair that signs manifests, and the trust.json for the hosts')
    .addHelpText(
      'after',
      `
Example:
  supercargo keygen jenkins --out keys

Writes keys/jenkins.key (keep it on the build server, and nowhere else), keys/jenkins.pub, and
keys/trust.json, which goes to /etc/supercargo/trust.json on every host. A second key for a threshold or a
rotation: add its public key to trust.json.`,
    )
    .action(actionOf(() => import('../commands/keygen.ts')));
};
