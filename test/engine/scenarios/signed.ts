import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { seal } from '../../../src/core/manifest/seal.ts';
import { createScene, type Scene } from './scene.ts';

export interface SignedScene {
  readonly scene: Scene;
  /** In trust.json. */
  readonly jenkins: KeyObject;
  /** In no trust.json. */
  readonly thief: KeyObject;
  /** Publishes `web` signed by jenkins, or by another key. */
  readonly sign: (serial: number, image: string, key?: KeyObject) => Promise<void>;
  /** Writes trust.json with the public half of this key. */
  readonly trust: (key: KeyObject, epoch: number) => Promise<void>;
}

/** The payload of a manifest whose one service is `web`. */
export const manifestOf = ({ environment }: Scene, image: string, more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'supercargo/v1',
    environment,
    serial: 9,
    issuedAt: '2026-01-01T00:00:00Z',
    services: { web: { image } },
    ...more,
  });

/** A host that accepts only what jenkins signed. */
export const createSignedScene = async (): Promise<SignedScene> => {
  const scene = await createScene({ env: { SUPERCARGO_ALLOW_UNSIGNED: 'false' } });
  const [jenkins, thief] = [
    generateKeyPairSync('ed25519').privateKey,
    generateKeyPairSync('ed25519').privateKey,
  ];
  const trust: SignedScene['trust'] = async (key, epoch) => {
    const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' });
    await writeFile(
      scene.trustFile,
      JSON.stringify({ epoch, threshold: 1, keys: [{ name: 'jenkins', publicKey }] }),
    );
  };
  await trust(jenkins, 1);
  await scene.compose(scene.web());
  return {
    scene,
    jenkins,
    thief,
    trust,
    sign: async (serial, image, key = jenkins) => {
      const payload = Buffer.from(manifestOf(scene, image, { serial }));
      await scene.writeManifest(JSON.stringify(seal(payload, [key])));
    },
  };
};
