import { familiarName, tryParseImage } from '../image/reference.ts';
import { isLiteral, nodeAt, report, type Context } from './reader-context.ts';
import type { Services, WrittenService } from './service.ts';

/**
 * `once: fleet` is for one container of a job. Its version comes from the manifest: by the digest there all
 * hosts know that they mean the same run.
 */
export const onceChecks = ({ service, node }: WrittenService, services: Services, c: Context): void => {
  if (service.once === undefined) return;
  const isAwaited = [...services.values()].some(({ service: { dependsOn } }) =>
    dependsOn.some((d) => d.service === service.name && d.condition === 'completed'),
  );
  if (!isAwaited)
    report(
      c,
      nodeAt(node, 'x-supercargo', 'once'),
      'is for jobs, and no service waits until this one completes',
      `write depends_on: {${service.name}: {condition: service_completed_successfully}} ` +
        'in the service that needs it, or remove once',
    );
  const image = tryParseImage(service.image);
  if (service.versionFrom === undefined && (image?.tag !== undefined || image?.digest !== undefined))
    report(
      c,
      nodeAt(node, 'image'),
      'has a tag or digest beside once: fleet',
      isLiteral(nodeAt(node, 'image'))
        ? `write image: ${familiarName(image.repository)}, and the manifest says which version`
        : 'write it without tag and digest, and the manifest says which version',
    );
  if (service.replicas !== 1)
    report(
      c,
      nodeAt(node, 'x-supercargo', 'once'),
      `runs one container, and replicas is ${String(service.replicas)}`,
      'remove replicas (or scale)',
    );
};
