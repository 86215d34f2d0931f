import { AgentError } from '../errors.ts';
import { formatImage, type Digest, type ImageReference } from './reference.ts';

/** A platform's manifest that an index names, but that its registry does not have. */
export const missingPart = (image: ImageReference, platform: string, digest: Digest): AgentError =>
  new AgentError(
    'IMAGE_NOT_FOUND',
    `${formatImage(image)} has no image for ${platform}: its index names ${digest}, ` +
      'which the registry does not have',
    { advice: 'push it for that platform again; a clean-up of the registry may have removed it' },
  );
