import { report, type Context, type Reader } from './reader-context.ts';
import type { DeviceRequest } from './project-model.ts';
import { fields, listOf, present, setOf, textMap } from './readers.ts';
import { filledText, integer, scalar } from './scalars.ts';
import type { Node } from './node.ts';

const ALL = -1;

const amount = integer(ALL, 1_000_000);
const count: Reader<number> = (node, c) => {
  const read = scalar(node, c);
  if (read === undefined) return undefined;
  return read.text === 'all' ? ALL : amount(node, c);
};

const KEYS = {
  driver: filledText,
  count,
  device_ids: listOf(filledText),
  capabilities: setOf(filledText),
  options: textMap,
};

const request = (node: Node, c: Context, more: readonly string[]): DeviceRequest | undefined => {
  const read = fields(KEYS)(node, c);
  if (read === undefined) return undefined;
  if (read.count !== undefined && read.device_ids !== undefined)
    return report(c, node, 'has both count and device_ids', 'keep one of the two');
  const capabilities = [...new Set([...(read.capabilities ?? []), ...more])].toSorted();
  if (capabilities.length === 0) return report(c, node, 'has no capabilities', 'add capabilities: [gpu]');
  return {
    capabilities,
    ...present({
      driver: read.driver,
      count: read.count ?? (read.device_ids === undefined ? ALL : undefined),
      deviceIds: read.device_ids,
      options: read.options,
    }),
  };
};

/** `deploy.resources.reservations.devices` */
export const deviceRequests: Reader<readonly DeviceRequest[]> = listOf((node, c) => request(node, c, []));

/** `gpus`: `all`, or a list of device requests with the capability `gpu`. */
export const gpus: Reader<readonly DeviceRequest[]> = (node, c) => {
  if (node.kind !== 'scalar') return listOf((item, inner) => request(item, inner, ['gpu']))(node, c);
  const written = filledText(node, c);
  if (written === undefined) return undefined;
  return written === 'all'
    ? [{ count: ALL, capabilities: ['gpu'] }]
    : report(c, node, 'is neither "all" nor a list', 'write all, or [{count: 1}]');
};
