import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Service } from '../../support/command.ts';
import { buildEdgeImage } from '../../support/edge-image.ts';
import { flavours, type Flavour } from '../../support/flavours.ts';
import { createPublisher, type Publisher } from '../../support/fleet.ts';
import { type FleetHub, startHub } from '../../support/fleet-hub.ts';
import type { CliResult } from '../../support/host.ts';
import { createImagePusher, pushContent } from '../../support/images.ts';
import { startRegistry } from '../../support/registry.ts';
import type { Street } from './street.ts';
import { makeCertificate, startTlsFront } from './tls-front.ts';

export const ENVIRONMENT = 'staging';

/** What stands outside of the host, as its operators have it: a registry with a password, a hub, the build server; all behind TLS. */
export interface Office {
  readonly hub: FleetHub;
  /** Of the hub, as the host sees it. */
  readonly hubUrl: string;
  readonly publisher: Publisher;
  /** `ADDRESS:PORT` of the registry, as the host and the build server see it. */
  readonly registry: string;
  /** PEM: what registry and hub show is signed by it. */
  readonly authority: string;
  /** `config.json` with the registry's password. */
  readonly dockerConfig: string;
  /** Pushes an image of a service. */
  readonly push: (tag: string, flavour?: Flavour, service?: string) => Promise<void>;
  readonly edgeImage: string;
  /** What a compose file says. */
  readonly repository: (service?: string) => string;
  /** Any command of the build server. */
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  /** The same in the background. Its output goes to `logFile`. */
  readonly start: (args: readonly string[], logFile: string) => Service;
  /** `supercargo publish staging …` */
  readonly publish: (...args: readonly string[]) => Promise<CliResult>;
  /** The same to another environment. */
  readonly publishTo: (environment: string, ...args: readonly string[]) => Promise<CliResult>;
  /** `supercargo rollback staging` */
  readonly rollback: () => Promise<CliResult>;
  readonly remove: () => Promise<void>;
}

const EDGE = 'org/edge';

const portOf = (address: string): number => Number(address.split(':')[1]);

export const openOffice = async (street: Street): Promise<Office> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-office-'));
  const certificate = await makeCertificate(folder, street.address);
  const store = await startRegistry({ withPassword: true });
  const hub = await startHub();
  const registryFront = await startTlsFront(street.address, portOf(store.address), certificate);
  const hubFront = await startTlsFront(street.address, hub.port, certificate);
  const hubUrl = `https://${hubFront.address}`;
  const publisher = await createPublisher({ url: hubUrl, publishToken: hub.publishToken });
  const { username = '', password = '' } = store.credentials ?? {};
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const dockerConfig = JSON.stringify({ auths: { [registryFront.address]: { auth } } });
  await writeFile(join(publisher.folder, 'docker', 'config.json'), dockerConfig);
  await pushContent(store, EDGE, 'debian', await buildEdgeImage());
  const pusher = createImagePusher();
  const repository: Office['repository'] = (service = 'web') => `${registryFront.address}/org/${service}`;
  const env = { NODE_EXTRA_CA_CERTS: certificate.certFile };
  const run: Office['run'] = async (...args) => publisher.run(args, env);
  const signed: Office['run'] = async (...args) => run(...args, '--key', publisher.keyFile);
  return {
    hub,
    hubUrl,
    publisher,
    registry: registryFront.address,
    authority: await readFile(certificate.certFile, 'utf8'),
    dockerConfig,
    edgeImage: `${registryFront.address}/${EDGE}:debian`,
    repository,
    push: async (tag, flavour = flavours.healthy, service = 'web') => {
      await pusher.push(store, `org/${service}`, tag, flavour);
    },
    run,
    start: (args, logFile) => publisher.start(args, logFile, env),
    publish: async (...args) => signed('publish', ENVIRONMENT, ...args),
    publishTo: async (environment, ...args) => signed('publish', environment, ...args),
    rollback: async () => signed('rollback', ENVIRONMENT, '--wait'),
    remove: async () => {
      registryFront.close();
      hubFront.close();
      await publisher.remove();
      await hub.remove();
      await store.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
