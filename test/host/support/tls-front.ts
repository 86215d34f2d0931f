import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { runCommand } from '../../support/command.ts';
import { join as joinSockets } from '../../support/fleet-relay.ts';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Its own authority, for an address. */
export const makeCertificate = async (folder: string, address: string): Promise<Certificate> => {
  const [certFile, keyFile] = [join(folder, 'ca.crt'), join(folder, 'tls.key')];
  const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=supercargo test', '-addext', `subjectAltName=IP:${address}`];
  const words = ['req', '-x509', ...algorithm, ...subject, '-keyout', keyFile, '-out', certFile];
  const { code, stderr } = await runCommand('openssl', words);
  if (code !== 0) throw new Error(`openssl: ${stderr}`);
  return { certFile, keyFile };
};

export interface TlsFront {
  /** `ADDRESS:PORT` */
  readonly address: string;
  readonly close: () => void;
}

/** TLS on an address of ours, in front of a server that listens on loopback: what every installation has there. */
export const startTlsFront = async (
  address: string,
  port: number,
  { certFile, keyFile }: Certificate,
): Promise<TlsFront> => {
  const options = { cert: await readFile(certFile), key: await readFile(keyFile) };
  const open = new Set<Socket>();
  const server = createServer(options, (socket) => joinSockets(socket, connect(port, '127.0.0.1')));
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
  });
  const ownPort = await new Promise<number>((resolve, reject) => {
    server.on('error', reject).listen(0, address, () => {
      const at = server.address();
      resolve(typeof at === 'object' && at !== null ? at.port : 0);
    });
  });
  return {
    address: `${address}:${String(ownPort)}`,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
};
