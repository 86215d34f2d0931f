import { inject } from 'vitest';
import { type PostgresAddress, type TestDatabase, createDatabase } from './postgres-database.ts';

/** A database of a file's or a test's own, on the server that the whole run shares; both end with the run. */
export const sharedDatabase = async (): Promise<TestDatabase> => {
  const answer = await fetch(inject('postgresStarter'));
  if (!answer.ok) throw new Error(await answer.text());
  return createDatabase((await answer.json()) as PostgresAddress);
};
