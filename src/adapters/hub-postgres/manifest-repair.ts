import { historyPath, manifestPath } from '../../core/fleet/store-layout.ts';
import type { FleetStore } from '../../core/ports/fleet-store.ts';
import type { ManifestDocument, ManifestRepair, RepairChanges } from '../../core/ports/manifest-repair.ts';
import { bytesArray, numberArray, textArray } from './array-literal.ts';
import type { Run } from './pool.ts';
import type { Sql } from './session.ts';

/** Documents of one answer: a history may have gigabytes. */
const PAGE = 200;

interface CurrentRow {
  readonly mark: string;
  readonly document: Buffer;
}

const readHistory = async (run: Run, environment: string): Promise<readonly ManifestDocument[]> => {
  const found: ManifestDocument[] = [];
  for (;;) {
    const after = found.at(-1)?.serial ?? 0;
    const rows = await run(
      (sql) => sql<{ serial: number; document: Buffer }[]>`
        select serial, document from supercargo.history
        where environment = ${environment} and serial > ${after} order by serial limit ${PAGE}`,
    );
    found.push(
      ...rows.map(({ serial, document }) => ({
        path: historyPath(environment, serial),
        serial,
        bytes: document,
      })),
    );
    if (rows.length < PAGE) return found;
  }
};

const setAside = (sql: Sql, environment: string, { aside }: RepairChanges) => {
  const serials = aside.flatMap(({ serial }) => serial ?? []);
  return sql`
    with kept as (
      insert into supercargo.set_aside (environment, path, document)
      select ${environment}, path, document from unnest(
        ${textArray(aside.map(({ to }) => to))}::text[], ${bytesArray(aside.map(({ bytes }) => bytes))}::bytea[]
      ) as aside (path, document)
    )
    delete from supercargo.history
    where environment = ${environment} and serial = any (${numberArray(serials)}::bigint[])`;
};

const restore = (sql: Sql, environment: string, { restored }: RepairChanges) =>
  restored &&
  sql`
    insert into supercargo.manifests as m (environment, revision, serial, epoch, document, mark)
    values (${environment}, 1, ${restored.serial}, 0, ${restored.bytes}, gen_random_uuid())
    on conflict (environment) do update
      set revision = m.revision + 1, serial = excluded.serial, document = excluded.document,
        mark = excluded.mark`;

/** Repairs manifests in a database, also while hubs run: they take what is current then. */
export const createRepairTables = (run: Run, fleets: Pick<FleetStore, 'changes'>): ManifestRepair => ({
  read: async (environment) => {
    const [current] = await run(
      (sql) => sql<CurrentRow[]>`
        select mark, document from supercargo.manifests where environment = ${environment}`,
    );
    const { changes } = await fleets.changes(environment, undefined);
    return {
      mark: current?.mark ?? '',
      documents: [
        ...(current ? [{ path: manifestPath(environment), serial: undefined, bytes: current.document }] : []),
        ...(await readHistory(run, environment)),
      ],
      acceptedSerials: changes.flatMap((change) =>
        change.kind === 'report' ? [change.summary.serial ?? 0] : [],
      ),
    };
  },
  apply: (environment, changes, mark) =>
    run(async (sql) => {
      await sql`begin`;
      // A publish that inserts the first manifest takes no lock of a row.
      await sql`lock table supercargo.manifests in share row exclusive mode`;
      const [current] = await sql<{ mark: string }[]>`
        select mark from supercargo.manifests where environment = ${environment}`;
      if ((current?.mark ?? '') !== mark) {
        await sql`rollback`;
        return 'changed';
      }
      await setAside(sql, environment, changes);
      await restore(sql, environment, changes);
      await sql`select pg_notify('supercargo', ${`manifests ${environment}`})`;
      await sql`commit`;
      return 'done';
    }),
});
