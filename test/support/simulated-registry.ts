import { AgentError } from '../../src/core/errors.ts';
import { formatImage, parseImage, type Digest, type ImageId } from '../../src/core/image/reference.ts';
import type { ReleaseImage } from '../../src/core/state/release.ts';
import { digestOf, imageIdOf } from './world.ts';

/** What containers of an image make of themselves once they are started. */
export interface Behaviour {
  /** `absent`: no HEALTHCHECK. `starting`: never says anything else. */
  readonly health?: 'absent' | 'healthy' | 'unhealthy' | 'starting';
  /** Until its check speaks, or its port opens. */
  readonly afterMs?: number;
  /** It ends with this code, after `afterMs`. */
  readonly exits?: number;
  /** It ends with this code when the agent stops it; 143 by default. */
  readonly stopsWith?: number;
  /** Ends by itself with code 1 so long after each start, whatever it said before. */
  readonly diesAfterMs?: number;
  /** Its check says unhealthy so long after each start. */
  readonly sickAfterMs?: number;
  /** Runs, and never opens its port. An edge: never answers. */
  readonly deaf?: boolean;
  /** The engine can't start it, and says so in these words. */
  readonly startFault?: string;
  /** Targets of the image's VOLUME lines. */
  readonly volumes?: readonly string[];
}

export interface RegistryImage {
  readonly digest: Digest;
  readonly id: ImageId;
  readonly behaviour: Behaviour;
}

export type RegistryState = 'up' | 'down' | 'denied' | 'mirrored';

export interface SimulatedRegistry {
  /** `org/web:1.0.0`; replaces what was there under this name. */
  readonly push: (image: string, behaviour?: Behaviour) => void;
  readonly remove: (image: string) => void;
  /** `mirrored`: it is down, and a mirror has everything; the engine then keeps no digest of the repository. */
  readonly setState: (state: RegistryState) => void;
  readonly state: () => RegistryState;
  /** @throws AgentError as the engine reports what a registry says. */
  readonly find: (image: ReleaseImage) => RegistryImage;
  readonly behaviourOf: (id: ImageId) => Behaviour;
}

export const createSimulatedRegistry = (): SimulatedRegistry => {
  const images = new Map<string, RegistryImage>();
  const behaviours = new Map<ImageId, Behaviour>();
  let state: RegistryState = 'up';

  const find = ({ reference, digest }: ReleaseImage): RegistryImage => {
    const name = formatImage({ ...reference, digest });
    if (state === 'down')
      throw new AgentError('REGISTRY', `cannot reach the registry of ${name}`, { retry: 'later' });
    if (state === 'denied') throw new AgentError('REGISTRY_AUTH', `access to ${name} is denied`);
    const found = [...images].find(([text, image]) => {
      const known = parseImage(text);
      if (known.repository !== reference.repository) return false;
      return digest === undefined ? known.tag === (reference.tag ?? 'latest') : image.digest === digest;
    });
    if (found) return found[1];
    throw new AgentError('IMAGE_NOT_FOUND', `manifest for ${name} not found`);
  };

  return {
    push: (text, behaviour = {}) => {
      const image = { digest: digestOf(text), id: imageIdOf(text), behaviour };
      images.set(text, image);
      behaviours.set(image.id, behaviour);
    },
    remove: (text) => {
      images.delete(text);
    },
    setState: (next) => {
      state = next;
    },
    state: () => state,
    find,
    behaviourOf: (id) => behaviours.get(id) ?? {},
  };
};
