const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

export const isIpv4 = (text: string): boolean => IPV4.test(text);

/**
 * The canonical spelling of an IPv6 address (RFC 5952, by the URL parser), or undefined for any other text.
 */
export const canonicalIpv6 = (text: string): string | undefined => {
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(':')) return undefined;
  const url = URL.parse(`http://[${text}]/`);
  return url === null ? undefined : url.hostname.slice(1, -1);
};

/** The canonical spelling of an address, without brackets around IPv6, or undefined for any other text. */
export const canonicalIp = (text: string): string | undefined => {
  if (isIpv4(text)) return text;
  return canonicalIpv6(/^\[.*\]$/.test(text) ? text.slice(1, -1) : text);
};

/** The canonical form of `ADDRESS/PREFIX`, or undefined for any other text. */
export const canonicalSubnet = (text: string): string | undefined => {
  const [, address, prefix] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  const ip = address === undefined ? undefined : canonicalIp(address);
  if (ip === undefined || Number(prefix) > (ip.includes(':') ? 128 : 32)) return undefined;
  return `${ip}/${Number(prefix)}`;
};

const binary = (group: string, base: number, width: number): string =>
  Number.parseInt(group, base).toString(2).padStart(width, '0');

/** The bits of a canonical address, as digits. */
const bitsOf = (ip: string): string => {
  if (!ip.includes(':'))
    return ip
      .split('.')
      .map((byte) => binary(byte, 10, 8))
      .join('');
  const [head = '', tail = ''] = ip.split('::');
  const [first, last] = [head, tail].map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - (first?.length ?? 0) - (last?.length ?? 0) }, () => '0');
  return [...(first ?? []), ...zeros, ...(last ?? [])].map((group) => binary(group, 16, 16)).join('');
};

/** The bits that an address or a subnet fixes. */
const fixedBits = (written: string): { readonly isIpv6: boolean; readonly bits: string } => {
  const [ip = '', prefix] = written.split('/');
  const bits = bitsOf(ip);
  return { isIpv6: ip.includes(':'), bits: prefix === undefined ? bits : bits.slice(0, Number(prefix)) };
};

/** Whether a canonical address, or every address of a canonical subnet, is in a canonical subnet. */
export const isInSubnet = (addresses: string, subnet: string): boolean => {
  const [inner, outer] = [fixedBits(addresses), fixedBits(subnet)];
  return inner.isIpv6 === outer.isIpv6 && inner.bits.startsWith(outer.bits);
};

/** Whether two subnets, `ADDRESS/PREFIX` with canonical addresses, have an address in common. */
export const subnetsOverlap = (a: string, b: string): boolean => isInSubnet(a, b) || isInSubnet(b, a);
