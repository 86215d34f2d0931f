export interface ListenAddress {
  /** Undefined for every address of this machine. */
  readonly host: string | undefined;
  readonly port: number;
}

const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})$/;
const IPV6 = /^[0-9A-Fa-f:.]{2,45}$/;

/** `127.0.0.1:8440`, `[::1]:8440`, `localhost:8440`, `:8440`; undefined for anything else. */
export const parseListenAddress = (text: string): ListenAddress | undefined => {
  const [, inner, name, digits = ''] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === '' || port > 65_535) return undefined;
  if (inner !== undefined) return IPV6.test(inner) && inner.includes(':') ? { host: inner, port } : undefined;
  if (name === undefined || name === '') return { host: undefined, port };
  return HOST_NAME.test(name) ? { host: name, port } : undefined;
};

/** Whether the address is reachable from this machine only. */
export const isLoopback = (host: string | undefined): boolean =>
  host !== undefined && (/^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1' || host === 'localhost');

/**
 * Whether the `Host` header names this machine. With DNS rebinding, a foreign page's name resolves to
 * 127.0.0.1, but the browser still sends that name.
 */
export const namesLoopback = (hostHeader: string | undefined): boolean =>
  isLoopback((hostHeader ?? '').replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1'));
