import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { seal } from '../../../src/core/manifest/seal.ts';
import { sharedDocker } from '../../support/context.ts';
import { flavours } from '../../support/flavours.ts';
import { createFleetHost, untilReported } from '../../support/fleet.ts';
import { type FleetHub, startHub } from '../../support/fleet-hub.ts';
import type { TestHost } from '../../support/host.ts';
import { createImagePusher, type PushedImage } from '../../support/images.ts';
import { everything, runningIn } from './scene.ts';
import type { RejectionReason } from '../../../src/core/vocabulary/reasons.ts';

const ENVIRONMENT = 'envelopes';
const HOST = 'web-1';
const ACCEPTED = 5;

const makeKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
const [jenkins, release, thief] = [makeKey(), makeKey(), makeKey()];
const both = [jenkins, release];

const pem = (key: KeyObject): string =>
  createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
/** Two have to sign: else a signature that counts twice would not be noticed. */
const TRUST = JSON.stringify({
  epoch: 1,
  threshold: 2,
  keys: [
    { name: 'jenkins', publicKey: pem(jenkins) },
    { name: 'release', publicKey: pem(release) },
  ],
});

interface Images {
  readonly good: PushedImage;
  readonly next: PushedImage;
}

const payloadOf = ({ next }: Images, change: object = {}): string =>
  JSON.stringify({
    apiVersion: 'supercargo/v1',
    environment: ENVIRONMENT,
    serial: 9,
    issuedAt: '2026-01-01T00:00:00Z',
    services: { web: { image: next.pinned } },
    ...change,
  });

const sealed = (payload: string, keys: readonly KeyObject[] = both) => seal(Buffer.from(payload), keys);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface Offered {
  readonly what: string;
  readonly reason: RejectionReason;
  readonly document: (images: Images) => unknown;
}

/** Neighbours differ in their reason: so that the report of one is not taken for that of the one before. */
const OFFERED: readonly Offered[] = [
  {
    what: 'whose payload was changed after signing',
    reason: 'signature',
    document: (i) => ({ ...sealed(payloadOf(i)), payload: base64(payloadOf(i, { serial: 10 })) }),
  },
  {
    what: 'of another payload type',
    reason: 'malformed',
    document: (i) => ({ ...sealed(payloadOf(i)), payloadType: 'application/json' }),
  },
  {
    what: 'with a changed signature',
    reason: 'signature',
    document: (i) => {
      const { signatures, ...rest } = sealed(payloadOf(i));
      return { ...rest, signatures: signatures.map(({ sig }) => ({ sig: `AAAA${sig.slice(4)}` })) };
    },
  },
  {
    what: 'with junk in its base64',
    reason: 'malformed',
    document: (i) => ({ ...sealed(payloadOf(i)), payload: `${base64(payloadOf(i))}\n!` }),
  },
  {
    what: 'signed by a key that is not trusted',
    reason: 'signature',
    document: (i) => sealed(payloadOf(i), [jenkins, thief]),
  },
  {
    what: 'that is cut off',
    reason: 'malformed',
    document: (i) => JSON.stringify(sealed(payloadOf(i))).slice(0, -20),
  },
  { what: 'signed by too few', reason: 'signature', document: (i) => sealed(payloadOf(i), [jenkins]) },
  { what: 'that was never signed', reason: 'unsigned', document: (i) => payloadOf(i) },
  {
    what: 'with one signature twice',
    reason: 'signature',
    document: (i) => sealed(payloadOf(i), [jenkins, jenkins]),
  },
  { what: 'that is empty', reason: 'empty', document: () => '' },
  {
    what: 'with one signature under the name of another key',
    reason: 'signature',
    document: (i) => {
      const { signatures, ...rest } = sealed(payloadOf(i));
      return { ...rest, signatures: signatures.map(({ keyid }) => ({ keyid, sig: signatures[0]?.sig })) };
    },
  },
  {
    what: 'that is played again from the past',
    reason: 'older',
    document: (i) => sealed(payloadOf(i, { serial: ACCEPTED - 1 })),
  },
  {
    what: 'with the signatures of another envelope',
    reason: 'signature',
    document: (i) => ({
      ...sealed(payloadOf(i)),
      signatures: sealed(payloadOf(i, { serial: ACCEPTED })).signatures,
    }),
  },
  {
    what: 'with the serial that is accepted and other versions',
    reason: 'conflict',
    document: (i) => sealed(payloadOf(i, { serial: ACCEPTED })),
  },
  {
    what: 'of another environment',
    reason: 'environment',
    document: (i) => sealed(payloadOf(i, { environment: 'production' })),
  },
  {
    what: 'that has expired',
    reason: 'expired',
    document: (i) => sealed(payloadOf(i, { expiresAt: '2026-01-02T00:00:00Z' })),
  },
  {
    what: 'that leaves the digest to the registry',
    reason: 'digest-missing',
    document: (i) => sealed(payloadOf(i, { services: { web: { image: i.next.ref } } })),
  },
  {
    what: 'with a key that nobody knows',
    reason: 'schema',
    document: (i) => sealed(payloadOf(i, { volumes: ['/:/host'] })),
  },
];

const textOf = (document: unknown): string =>
  typeof document === 'string' ? document : JSON.stringify(document);

const good = (images: Images): string =>
  textOf(sealed(payloadOf(images, { serial: ACCEPTED, services: { web: { image: images.good.pinned } } })));

const pushImages = async (environment: string): Promise<Images> => {
  const { push } = createImagePusher();
  const pushed = async (tag: string): Promise<PushedImage> =>
    push(inject('registry'), `${environment}/web`, tag, flavours.healthy);
  return { good: await pushed('1.0.0'), next: await pushed('1.1.0') };
};

describe('a host that is offered an envelope', () => {
  let hub: FleetHub;
  let host: TestHost;
  let images: Images;
  let before: unknown;

  beforeAll(async () => {
    hub = await startHub();
    images = await pushImages(ENVIRONMENT);
    const engine = { dockerHost: inject('dockerHost'), docker: sharedDocker() };
    // Its manifests come from elsewhere: what keeps them is not trusted, and a file takes anything.
    const options = { name: HOST, environment: ENVIRONMENT, hub, trust: TRUST, followsFile: true };
    host = await createFleetHost({ ...options, ...engine });
    await host.compose(`services:\n  web:\n    image: ${images.good.repository}\n`);
    await host.writeManifest(good(images));
    await host.agent();
    await untilReported(hub, ENVIRONMENT, [HOST], (status) => status.outcome === 'converged');
    before = await everything(host);
  });
  afterAll(async () => {
    await host.cleanup();
    await hub.remove();
  });

  it.each(OFFERED.map((row) => [row.what, row] as const))(
    '%s refuses it, changes nothing, and tells the hub',
    async (_what, { document, reason }) => {
      await host.writeManifest(textOf(document(images)));
      await untilReported(hub, ENVIRONMENT, [HOST], ({ manifest }) => manifest.rejection?.reason === reason);
      const { manifest, services } = (await hub.reports(ENVIRONMENT))[HOST] ?? {};
      expect(manifest).toMatchObject({ state: 'rejected', serial: ACCEPTED });
      expect(manifest?.rejection?.advice).toMatch(/\w/);
      expect(services).toMatchObject([{ service: 'web', outcome: 'converged' }]);
      expect(await everything(host)).toEqual(before);
    },
  );

  it('takes the next good one', async () => {
    await host.writeManifest(textOf(sealed(payloadOf(images))));
    await untilReported(
      hub,
      ENVIRONMENT,
      [HOST],
      ({ manifest, outcome }) => manifest.serial === 9 && outcome === 'converged',
    );
    expect(await runningIn(host)).toEqual(['web 1.1.0 running']);
  });
});

describe('a hub that knows whom to trust', () => {
  let hub: FleetHub;
  let images: Images;
  const path = `manifests/${ENVIRONMENT}.json`;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'supercargo-trust-'));
    await writeFile(join(folder, 'trust.json'), TRUST);
    hub = await startHub(['--trust', join(folder, 'trust.json')]);
    images = await pushImages('kept');
    await hub.put(path, good(images));
    return async () => {
      await hub.remove();
      await rm(folder, { recursive: true, force: true });
    };
  });

  it.each(OFFERED.map((row) => [row.what, row] as const))(
    'keeps out one %s, even from who has the publish token',
    async (_what, { document }) => {
      const status = await hub.put(path, textOf(document(images)));
      expect([400, 409, 413, 422]).toContain(status);
      expect(await hub.read(path)).toBe(good(images));
    },
  );
});
