import type { Attachment } from '../compose/project-model.ts';
import type { Endpoint } from '../state/actual.ts';

/**
 * Whether the endpoint lacks a declared name or address, as after `docker network disconnect` and `connect`.
 * Names and addresses that the engine or an operator added are left alone. `alias`: see the action `connect`.
 */
export const hasDrifted = (
  { aliases, fixedIps = [], mac }: Endpoint,
  attachment: Attachment,
  alias: string | undefined,
): boolean => {
  const { ipv4, ipv6, linkLocalIps = [], macAddress } = attachment;
  const names = alias === undefined ? [] : [alias, ...attachment.aliases];
  const addresses = [ipv4, ipv6, ...linkLocalIps].filter((ip) => ip !== undefined);
  return (
    names.some((name) => !aliases.includes(name)) ||
    addresses.some((ip) => !fixedIps.includes(ip)) ||
    (macAddress !== undefined && mac !== undefined && mac !== macAddress)
  );
};
