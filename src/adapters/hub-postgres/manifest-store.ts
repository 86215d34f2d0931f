import { FIRST_SPENT } from '../../core/manifest/serial.ts';
import { HISTORY_LIMIT, type ManifestStore, type StoredManifests } from '../../core/ports/manifest-store.ts';
import type { Run } from './pool.ts';

interface Row {
  readonly revision: number | null;
  readonly document: Buffer | null;
  readonly mark: string | null;
  readonly epoch: number | null;
  readonly highest: number | null;
}

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;

/** Manifests in a database. Each write is one statement, and so one transaction. */
export const createManifestTable = (run: Run): ManifestStore => {
  /** The mark of each answer: a revision that a restored backup counts again is another one. */
  const marks = new WeakMap<StoredManifests, string>();

  const read = async (environment: string, known?: StoredManifests): Promise<StoredManifests> => {
    const knownMark = known === undefined ? null : (marks.get(known) ?? null);
    const [row] = await run(
      (sql) => sql<Row[]>`
        select m.revision, m.epoch, m.mark,
          case when m.mark = ${knownMark}::uuid then null else m.document end as document,
          greatest(
            (select max(serial) from supercargo.history
              where environment = asked.environment and serial < ${FIRST_SPENT}),
            case when m.serial < ${FIRST_SPENT} then m.serial end
          ) as highest
        from (select ${environment}::text as environment) as asked
        left join supercargo.manifests m on m.environment = asked.environment`,
    );
    const [revision, mark] = [row?.revision ?? 0, row?.mark ?? null];
    const isKnown = known?.revision === revision && knownMark === mark;
    const [highest, epoch] = [row?.highest ?? 0, row?.epoch ?? 0];
    if (isKnown && known.highest === highest) return known;
    const document = isKnown ? known.document : (row?.document ?? undefined);
    const found = { revision, document, highest, epoch };
    if (mark !== null) marks.set(found, mark);
    return found;
  };

  const changeProbe: ManifestStore['changeProbe'] = async (environment, document, mayReplace) => {
    const before = await probe(environment);
    if (!mayReplace(before)) return 'refused';
    if (isSame(before, document)) return { before };
    const [old, next] = [before ?? null, document ?? null];
    const { count } = await run((sql) =>
      next === null
        ? sql`delete from supercargo.probes where environment = ${environment} and document = ${old}`
        : old === null
          ? sql`insert into supercargo.probes (environment, document) values (${environment}, ${next})
              on conflict do nothing`
          : sql`update supercargo.probes set document = ${next}
              where environment = ${environment} and document = ${old}`,
    );
    // Another one was faster: it is asked about that one.
    return count === 1 ? { before } : changeProbe(environment, document, mayReplace);
  };
  const probe = async (environment: string): Promise<Uint8Array | undefined> => {
    const [row] = await run(
      (sql) => sql<{ document: Buffer }[]>`
        select document from supercargo.probes where environment = ${environment}`,
    );
    return row?.document;
  };

  return {
    environments: async () => {
      const rows = await run(
        (sql) => sql<{ environment: string }[]>`
          select environment from supercargo.manifests order by environment`,
      );
      return rows.map(({ environment }) => environment);
    },
    read,
    publish: async (environment, { serial, document, epoch }, expectedRevision) => {
      const [row] = await run(
        (sql) => sql<{ revision: number; epoch: number; mark: string; highest: number | null }[]>`
          with published as (
            insert into supercargo.manifests as m (environment, revision, serial, epoch, document, mark)
            select ${environment}, ${expectedRevision}::bigint + 1, ${serial}, ${epoch}, ${document},
              gen_random_uuid()
            where ${expectedRevision}::bigint = 0
              or exists (select from supercargo.manifests where environment = ${environment})
            on conflict (environment) do update
              set revision = excluded.revision, serial = excluded.serial, document = excluded.document,
                epoch = greatest(m.epoch, excluded.epoch), mark = excluded.mark
              where m.revision = ${expectedRevision}
            returning *
          ), added as (
            insert into supercargo.history (environment, serial, document)
            select environment, serial, document from published
            on conflict (environment, serial) do update set document = excluded.document
          ), pruned as (
            delete from supercargo.history h using published p
            where h.environment = p.environment and h.serial < (
              select serial from supercargo.history where environment = ${environment}
              order by serial desc offset ${HISTORY_LIMIT - 2} limit 1
            )
          )
          select revision, epoch, mark,
            pg_notify('supercargo', 'manifests ' || environment),
            (select max(serial) from supercargo.history
              where environment = ${environment} and serial < ${FIRST_SPENT}) as highest
          from published`,
      );
      if (row === undefined) return 'changed';
      const stored = {
        revision: row.revision,
        document,
        epoch: row.epoch,
        highest: Math.max(row.highest ?? 0, serial < FIRST_SPENT ? serial : 0),
      };
      marks.set(stored, row.mark);
      return stored;
    },
    serials: async (environment) => {
      const rows = await run(
        (sql) => sql<{ serial: number }[]>`
          select serial from supercargo.history where environment = ${environment} order by serial`,
      );
      return rows.map(({ serial }) => serial);
    },
    past: async (environment, serial) => {
      const [row] = await run(
        (sql) => sql<{ document: Buffer }[]>`
          select document from supercargo.history where environment = ${environment} and serial = ${serial}`,
      );
      return row?.document;
    },
    record: async (environment, serial, document) => {
      const { count } = await run(
        (sql) => sql`
          insert into supercargo.history (environment, serial, document)
          values (${environment}, ${serial}, ${document}) on conflict do nothing`,
      );
      return count === 1 ? 'written' : 'kept';
    },
    probe,
    changeProbe,
  };
};
