import { AgentError } from '../../core/errors.ts';
import type { TurnStore } from '../../core/ports/turn-store.ts';
import { readTurnState } from '../../core/turns/turn-state-schema.ts';
import type { TurnState } from '../../core/turns/turn-state.ts';
import type { Run } from './pool.ts';

interface Known {
  readonly state: TurnState;
  /** Of the write that stored it. */
  readonly mark: string;
}

const damaged = (environment: string, message: string): AgentError =>
  new AgentError(
    'STORE',
    `the turns of ${environment} are damaged, so that no turns are handed out: ${message}`,
    {
      advice:
        'restore them from a backup; or remove their row from supercargo.turns, which forgets halts, left-out hosts ' +
        'and open turns, and lets the changes since the last manifest without a pace begin anew',
    },
  );

/**
 * Turns in a database. What was read or written last stays in memory: the state of a large fleet has
 * megabytes.
 */
export const createTurnTable = (run: Run): TurnStore => {
  const known = new Map<string, Known>();
  return {
    read: async (environment) => {
      const before = known.get(environment);
      const [row] = await run(
        (sql) => sql<{ mark: string; state: string | null }[]>`
          select mark, case when mark = ${before?.mark ?? null}::uuid then null else state end as state
          from supercargo.turns where environment = ${environment}`,
      );
      if (row === undefined) return undefined;
      if (row.state === null) return before?.state;
      const read = readTurnState(Buffer.from(row.state), environment);
      if (read.kind === 'damaged') throw damaged(environment, read.message);
      known.set(environment, { state: read.state, mark: row.mark });
      return read.state;
    },
    write: async (environment, state, expectedRevision) => {
      const next = { ...state, revision: expectedRevision + 1 };
      const [row] = await run(
        (sql) => sql<{ mark: string }[]>`
          with written as (
            insert into supercargo.turns as t (environment, revision, state, mark)
            select ${environment}, ${next.revision}, ${JSON.stringify(next)}, gen_random_uuid()
            where ${expectedRevision}::bigint = 0
              or exists (select from supercargo.turns where environment = ${environment})
            on conflict (environment) do update
              set revision = excluded.revision, state = excluded.state, mark = excluded.mark
              where t.revision = ${expectedRevision}
            returning mark
          )
          select mark, pg_notify('supercargo', ${`turns ${environment}`}) from written`,
      );
      if (row === undefined) return 'changed';
      known.set(environment, { state: next, mark: row.mark });
      return 'written';
    },
    environments: async () => {
      const rows = await run(
        (sql) => sql<{ environment: string }[]>`
          select environment from supercargo.turns order by environment`,
      );
      return rows.map(({ environment }) => environment);
    },
  };
};
