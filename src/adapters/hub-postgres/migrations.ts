/**
 * A step of the schema. It only adds: hubs of the version before go on working beside it. A column that they
 * do not write has a default.
 */
export interface Migration {
  readonly version: number;
  /** The oldest version of the schema whose hubs still work afterwards. */
  readonly leastVersion: number;
  /** Statements, in one transaction. */
  readonly sql: string;
}

/**
 * Times are milliseconds since 1970 of the database's clock. A `mark` is new with each write, so that a
 * revision that a restored backup counts again is not taken for the one that was read.
 *
 * Reports are unlogged: they are written some thousand times a second, and each is sent again within a
 * minute. After a crash or a failover those tables are empty. `heard`, which is logged, tells that from an
 * environment without hosts.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    leastVersion: 1,
    sql: `
create schema if not exists supercargo;

create table supercargo.migrations (
  version integer primary key,
  least_version integer not null,
  applied_at timestamptz not null default clock_timestamp()
);

create table supercargo.manifests (
  environment text collate "C" primary key,
  revision bigint not null,
  serial bigint not null,
  epoch bigint not null,
  document bytea not null,
  mark uuid not null
);

create table supercargo.history (
  environment text collate "C" not null,
  serial bigint not null,
  document bytea not null,
  primary key (environment, serial)
);

create unlogged table supercargo.probes (
  environment text collate "C" primary key,
  document bytea not null
);

create table supercargo.turns (
  environment text collate "C" primary key,
  revision bigint not null,
  state text not null,
  mark uuid not null
);

create table supercargo.heard (environment text collate "C" primary key);

create unlogged table supercargo.fleets (
  environment text collate "C" primary key,
  life uuid not null default gen_random_uuid(),
  revision bigint not null default 0,
  hosts integer not null default 0,
  heard_ms bigint not null default 0,
  at_ms bigint not null default 0,
  reported_ms bigint not null default 0,
  run integer not null default 0,
  run_began_ms bigint not null default 0,
  before_run_ms bigint not null default 0,
  is_forgotten boolean not null default false,
  pruned_revision bigint not null default 0
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create unlogged table supercargo.reports (
  environment text collate "C" not null,
  host text collate "C" not null,
  revision bigint not null,
  report_revision bigint not null,
  received_ms bigint not null,
  heard_ms bigint not null,
  run integer not null,
  seq bigint,
  life text,
  replaced_lives text not null,
  tag text not null,
  summary text not null,
  summary_version integer not null,
  document bytea not null,
  is_removed boolean not null,
  primary key (environment, host)
) with (
  fillfactor = 70,
  toast_tuple_target = 256,
  autovacuum_vacuum_scale_factor = 0.1,
  autovacuum_vacuum_cost_delay = 1,
  autovacuum_analyze_scale_factor = 0.5
);

-- Half the work of pglz; servers that were built without it keep that.
do $$
begin
  alter table supercargo.reports alter document set compression lz4, alter summary set compression lz4;
exception when feature_not_supported or invalid_parameter_value then null;
end
$$;

create index reports_by_revision on supercargo.reports (environment, revision);
create index reports_removed on supercargo.reports (environment, received_ms) where is_removed;
`,
  },
  {
    version: 2,
    leastVersion: 1,
    sql: `
create table supercargo.set_aside (
  id bigint generated always as identity primary key,
  environment text collate "C" not null,
  path text not null,
  document bytea not null
);
`,
  },
];
