import { createServer } from 'node:net';

/** Asks the kernel, because a host may also allow addresses that it does not have (`ip_nonlocal_bind`). */
const isAbsent = (host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRNOTAVAIL'));
    server.listen({ host, port: 0 }, () => server.close(() => resolve(false)));
  });

/** Those of these addresses at which no program of this host can listen. */
export const absentAddresses = async (addresses: readonly string[]): Promise<readonly string[]> => {
  const absent = await Promise.all(addresses.map(isAbsent));
  return addresses.filter((_, at) => absent[at]);
};
