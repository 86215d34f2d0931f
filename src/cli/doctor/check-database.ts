import type { DatabaseAddress } from '../../adapters/hub-postgres/database-address.ts';
import {
  examineDatabase,
  type DatabaseFacts,
  type ExaminedHost,
} from '../../adapters/hub-postgres/examine-database.ts';
import { isLoopback } from '../../core/hub/listen-address.ts';
import { count, formatDuration } from '../terminal/units.ts';
import { bad, hint, ok, type Check } from './check.ts';

/** A hub translates the times of the database beyond that. */
const CLOCK_MS = 5000;
/** A failover needs a second hub, and its upgrade a third. */
const HUBS = 3;
const SCHEMA = 'as the owner of the database run: supercargo hub schema --store … --role ROLE';

const primariesCheck = (hosts: readonly ExaminedHost[]): readonly Check[] => {
  const primaries = hosts.filter(({ kind }) => kind === 'primary').map(({ host }) => host);
  if (primaries.length > 1)
    return [
      bad(
        'database',
        `${primaries.join(' and ')} both take writes`,
        'stop the wrong one at once (patronictl list), and keep its data: it may have writes that the other lacks',
      ),
    ];
  const isOneFound = primaries.length > 0 || hosts.some(({ kind }) => kind === 'failed');
  return isOneFound
    ? []
    : [
        bad(
          'database',
          'none of the hosts is the primary',
          'a failover may be under way: look again in a minute, and at patronictl list; name all hosts in --store',
        ),
      ];
};

/** A line for each host, and one if they have no primary or several. */
export const hostChecks = (hosts: readonly ExaminedHost[]): readonly Check[] => {
  const hasPrimary = hosts.some(({ kind }) => kind === 'primary');
  const each = hosts.map((host): Check => {
    if (host.kind !== 'failed')
      return ok('database', `${host.host} is ${host.kind === 'primary' ? 'the primary' : 'a standby'}`);
    return hasPrimary
      ? hint('database', host.message, `look at this host: a failover cannot go to it (${host.advice})`)
      : bad('database', host.message, host.advice);
  });
  return [...each, ...primariesCheck(hosts)];
};

const tableCheck = ({ tables, leastTables, ownTables, mayMigrate }: DatabaseFacts): Check => {
  if (leastTables > ownTables)
    return bad(
      'tables',
      `they have version ${String(tables)}, which this version of the hub no longer understands`,
      'update this hub to the version of the hubs that made them',
    );
  if (tables >= ownTables) return ok('tables', `version ${String(tables)}`);
  const message =
    tables === 0 ? 'there are none' : `version ${String(tables)}, this hub needs ${String(ownTables)}`;
  return mayMigrate
    ? hint('tables', message, 'the next hub that starts makes them')
    : bad('tables', `${message}, and its role may not change them`, SCHEMA);
};

const rightsCheck = ({ forbiddenTables, isSuperuser, tables }: DatabaseFacts): Check => {
  if (forbiddenTables.length > 0)
    return bad('role', `it may not read and write ${forbiddenTables.join(', ')}`, SCHEMA);
  return isSuperuser
    ? hint(
        'role',
        'it is a superuser',
        'give the hub a role of its own: its password opens all of the server',
      )
    : ok('role', tables === 0 ? 'no superuser' : 'it may read and write all tables of the hub');
};

const LOSS = 'a publish that was acknowledged can be lost when the primary dies';

const standbyCheck = ({ standbys, synchronousStandbys, waitsForStandbys }: DatabaseFacts): Check => {
  if (!waitsForStandbys)
    return hint(
      'standbys',
      `${count(standbys, 'standby')} connected, none of them synchronous: ${LOSS}`,
      'set synchronous_mode of Patroni, or synchronous_standby_names; a managed database whose disks are ' +
        'replicated before a commit returns needs none',
    );
  if (synchronousStandbys === undefined)
    return hint(
      'standbys',
      `${String(standbys)} connected; the role may not see which of them are synchronous`,
      'grant pg_read_all_stats to the role of the hub',
    );
  return synchronousStandbys > 0
    ? ok('standbys', `${String(standbys)} connected, ${String(synchronousStandbys)} of them synchronous`)
    : bad(
        'standbys',
        `${String(standbys)} connected, none of them synchronous: every write waits for one`,
        'start a standby, or take it out of synchronous_standby_names (Patroni does so by itself)',
      );
};

const durabilityChecks = ({ fsync, synchronousCommit }: DatabaseFacts): readonly Check[] => [
  ...(fsync ? [] : [bad('fsync', 'it is off: a power cut destroys the database', 'set fsync = on')]),
  ['off', 'local', 'remote_write'].includes(synchronousCommit)
    ? hint(
        'synchronous_commit',
        `it is ${synchronousCommit} for this role; hubs set it to on for themselves`,
        'take the setting away: alter role … reset synchronous_commit',
      )
    : ok('synchronous_commit', synchronousCommit),
];

const connectionCheck = (facts: DatabaseFacts): Check => {
  const { maxConnections, reservedConnections, otherConnections, connectionsOfHub } = facts;
  // This look is one of the others.
  const free = maxConnections - reservedConnections - Math.max(0, otherConnections - 1);
  const hubs = Math.max(0, Math.floor(free / connectionsOfHub));
  const message = `max_connections ${String(maxConnections)} is enough for ${count(hubs, 'hub')} of ${String(connectionsOfHub)}`;
  if (hubs >= HUBS) return ok('connections', message);
  const advice = `raise max_connections by ${String(connectionsOfHub)} for each hub, or end other clients`;
  return hubs === 0 ? bad('connections', message, advice) : hint('connections', message, advice);
};

const clockCheck = ({ clockAheadMs }: DatabaseFacts): Check => {
  const distance = Math.abs(clockAheadMs);
  if (distance < CLOCK_MS) return ok('clock', 'that of the database is the same');
  return hint(
    'clock',
    `that of the database is ${formatDuration(distance)} ${clockAheadMs > 0 ? 'ahead' : 'behind'}`,
    'set both clocks (chrony, timedatectl): texts of two hubs name other times',
  );
};

/** The lines of what the primary told. */
export const factChecks = (facts: DatabaseFacts, isRemote: boolean): readonly Check[] => [
  facts.isEncrypted || !isRemote
    ? ok('database', `PostgreSQL ${facts.version}${facts.isEncrypted ? ', by TLS' : ''}`)
    : hint(
        'database',
        `PostgreSQL ${facts.version}, without TLS: reports travel in clear text`,
        'leave sslmode=disable out of the address, and name the authority with ?sslrootcert=FILE',
      ),
  rightsCheck(facts),
  tableCheck(facts),
  standbyCheck(facts),
  ...durabilityChecks(facts),
  connectionCheck(facts),
  clockCheck(facts),
];

export const checkDatabase = async (
  address: DatabaseAddress,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const { hosts, facts } = await examineDatabase(address, Date.now, signal);
  const isRemote = address.hosts.some(({ host }) => !host.startsWith('/') && !isLoopback(host));
  return [...hostChecks(hosts), ...(facts ? factChecks(facts, isRemote) : [])];
};
