import { dirname, join } from 'node:path';
import type { PostgresAddress } from './postgres-database.ts';
import { postgresProgram } from './postgres-programs.ts';

/** A node before it starts. */
export interface NodePlace extends PostgresAddress {
  readonly name: string;
  /** Of Patroni's REST interface, on 127.0.0.1. */
  readonly restPort: number;
}

export const dataIn = (folder: string): string => join(folder, 'data');

/**
 * What docs/HUB.md recommends, with the shortest time that Patroni allows a dead leader to keep its place
 * (`ttl`). One standby has each write before it is acknowledged, and only that one may follow the leader:
 * where one machine dies, nothing acknowledged is lost, and writes go on.
 */
const CLUSTER = {
  // At least loop_wait and twice retry_timeout.
  ttl: 20,
  loop_wait: 2,
  retry_timeout: 5,
  synchronous_mode: true,
  synchronous_node_count: 1,
  // A leader that comes back takes back what no standby has.
  postgresql: { use_pg_rewind: true, parameters: { shared_buffers: '32MB', max_connections: 100 } },
};

/** patroni.yml: JSON is YAML. Of this machine, all may enter without a password. */
export const patroniConfig = ({ name, folder, port, restPort }: NodePlace, etcdPort: number): string =>
  JSON.stringify({
    scope: 'supercargo',
    name,
    // By etcd's older interface: with the newer one (etcd3), Patroni 3.0.2 of Debian 12 lets a leader that
    // hung for longer than ttl take the place back from the next one, and what that had acknowledged is lost.
    // 3.0.3 does not.
    etcd: { host: `127.0.0.1:${String(etcdPort)}` },
    restapi: { listen: `127.0.0.1:${String(restPort)}`, connect_address: `127.0.0.1:${String(restPort)}` },
    bootstrap: { dcs: CLUSTER, initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'data-checksums'] },
    postgresql: {
      listen: `127.0.0.1:${String(port)}`,
      connect_address: `127.0.0.1:${String(port)}`,
      data_dir: dataIn(folder),
      bin_dir: dirname(postgresProgram('postgres')),
      pgpass: join(folder, 'pgpass'),
      pg_hba: [
        'local all all trust',
        'host all all 127.0.0.1/32 trust',
        'host replication all 127.0.0.1/32 trust',
      ],
      authentication: {
        superuser: { username: 'postgres', password: 'unused' },
        replication: { username: 'replicator', password: 'unused' },
      },
      parameters: { unix_socket_directories: folder },
    },
  });

/** The place where the nodes elect their leader, with one member: it does not die in these tests. */
export const etcdFlags = (folder: string, clientPort: number, peerPort: number): readonly string[] => {
  const client = `http://127.0.0.1:${String(clientPort)}`;
  const peer = `http://127.0.0.1:${String(peerPort)}`;
  return Object.entries({
    name: 'only',
    'data-dir': dataIn(folder),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `only=${peer}`,
    'enable-v2': 'true',
  }).map(([name, value]) => `--${name}=${value}`);
};
