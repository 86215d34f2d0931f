import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HubStore } from '../../src/core/ports/hub-store.ts';
import { newReport } from '../support/fleet-store-contract.ts';
import { eventually } from '../support/poll.ts';
import { postgresStores } from '../support/postgres-store.ts';
import { type PostgresOptions, startPostgres } from '../support/postgres.ts';
import { fullTurnState } from '../support/turn-state.ts';

const limits = { hosts: 10, environments: 10 };

const start = async (options: PostgresOptions = {}) => {
  const server = await startPostgres(options);
  onTestFinished(server.stop);
  const database = await server.createDatabase();
  const stores = postgresStores(database.url);
  onTestFinished(stores.close);
  return { ...stores, server, database };
};

const publish = (store: HubStore, serial: number) =>
  store.manifests.publish('staging', { serial, document: Buffer.from(String(serial)), epoch: 0 }, serial - 1);

const untilUsable = (store: HubStore) =>
  eventually(async () => (await store.check()) === undefined, { describe: () => 'the store is usable' });

describe('a database that goes away', () => {
  it('has what was acknowledged when it is back, and says that it has lost the reports', async () => {
    const { open, server } = await start();
    const [store, reader] = [open(), open()];
    await store.turns.write('staging', fullTurnState('staging'), 0);
    await store.fleets.take('staging', newReport('web-1'), limits);
    const { hearing } = await reader.fleets.changes('staging', undefined);
    const acknowledged: number[] = [];
    const failures: unknown[] = [];
    const publishing = (async () => {
      for (let serial = 1; failures.length === 0; serial += 1)
        await publish(store, serial).then(
          () => acknowledged.push(serial),
          (error: unknown) => failures.push(error),
        );
    })();
    await eventually(() => acknowledged.length >= 5, { describe: () => 'some publishes' });
    await server.kill();
    await publishing;
    expect(failures).toMatchObject([{ code: 'STORE', retry: 'later' }]);
    await expect(reader.turns.read('staging')).rejects.toMatchObject({ code: 'STORE', retry: 'later' });
    await expect(store.fleets.take('staging', newReport('web-1'), limits)).rejects.toMatchObject({
      retry: 'later',
    });
    expect(await store.check()).toMatchObject({ code: 'STORE', retry: 'later' });

    await server.restart();
    await untilUsable(store);
    const { highest } = await reader.manifests.read('staging');
    // The last one may be stored although the answer was lost.
    expect([acknowledged.at(-1), (acknowledged.at(-1) ?? 0) + 1]).toContain(highest);
    expect(await reader.manifests.serials('staging')).toEqual(
      Array.from({ length: highest }, (_, at) => at + 1),
    );
    expect(await reader.turns.read('staging')).toMatchObject({ revision: 1 });
    const lost = await reader.fleets.changes('staging', hearing);
    expect(lost).toMatchObject({ isWhole: true, changes: [], hearing: { hasLostReports: true } });
    const tag = newReport('web-1').tag;
    expect(await store.fleets.beat('staging', { host: 'web-1', tag, seq: null })).toBe('unknown');
    expect(await store.fleets.take('staging', newReport('web-1'), limits)).toEqual({
      kind: 'taken',
      isNew: true,
    });
    expect((await reader.fleets.changes('staging', lost.hearing)).hearing).toMatchObject({
      hasLostReports: true,
      run: 1,
    });
  });

  it('is given up after a deadline if it does not answer, and used again afterwards', async () => {
    const { open, database } = await start();
    const store = open({ deadlineMs: 300 });
    await publish(store, 1);
    const held = database.query(`begin; lock table supercargo.manifests; select pg_sleep(1.5); commit`);
    const isLocked = `select count(*) from pg_locks where mode = 'AccessExclusiveLock'
      and relation = 'supercargo.manifests'::regclass`;
    await eventually(async () => (await database.query(isLocked))[0] === '1', { describe: () => 'the lock' });
    await expect(publish(store, 2)).rejects.toMatchObject({
      code: 'STORE',
      retry: 'later',
      message: 'the database does not answer within 0.3 s',
    });
    await held;
    // The server may have done it nevertheless: the answer was an error, and the next publish reads first.
    await eventually(
      async () => {
        const { revision } = await store.manifests.read('staging');
        const next = { serial: 7, document: Buffer.from('7'), epoch: 0 };
        return (await store.manifests.publish('staging', next, revision)) !== 'changed';
      },
      { describe: () => 'a publish' },
    );
    expect((await store.manifests.read('staging')).highest).toBe(7);
  });

  it('is not written while it is read-only, as after a failover', async () => {
    const { open, server } = await start();
    const store = open();
    await publish(store, 1);
    await server.query('alter system set default_transaction_read_only = on');
    await server.query('select pg_reload_conf()');
    await eventually(async () => (await store.check()) !== undefined, { describe: () => 'read-only' });
    await expect(publish(store, 2)).rejects.toMatchObject({ code: 'STORE', retry: 'later' });
    await server.query('alter system reset default_transaction_read_only');
    await server.query('select pg_reload_conf()');
    await untilUsable(store);
    expect(await publish(store, 2)).toMatchObject({ revision: 2 });
  });

  it('is found behind a host that hangs, also by a call that gives up before that host does', async () => {
    const { database } = await start();
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const { open, close } = postgresStores(database.url.replace('@', `@127.0.0.1:${String(port)},`));
    onTestFinished(close);
    const store = open({ deadlineMs: 1000 });
    expect(await store.check()).toMatchObject({ retry: 'later' });
    await untilUsable(store);
  });

  it('is looked for on all its hosts', async () => {
    const { database, server } = await start();
    const { open, close } = postgresStores(
      database.url.replace(/@[^/]*/, `@127.0.0.1:1,127.0.0.1:${String(server.port)}`),
    );
    onTestFinished(close);
    expect(await open().check()).toBeUndefined();
    const nowhere = postgresStores(database.url.replace(/@[^/]*/, '@127.0.0.1:1,localhost:2'));
    onTestFinished(nowhere.close);
    expect(await nowhere.open().check()).toMatchObject({
      retry: 'later',
      message:
        'no primary of the database can be reached: 127.0.0.1:1 refuses connections; ' +
        'localhost:2 refuses connections',
    });
  });
});
