export interface ListenAddress {
  /** Undefined: every address of this machine. */
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

/** Whether only this machine can reach what listens there. */
export const isLoopback = (host: string | undefined): boolean =>
  host !== undefined && (/^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1' || host === 'localhost');

/**
 * Whether the `Host` of a request names this machine itself. A page of somebody else's, whose name was made
 * to mean 127.0.0.1 (DNS rebinding), asks under its own name.
 */
export const namesLoopback = (hostHeader: string | undefined): boolean =>
  isLoopback((hostHeader ?? '').replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1'));
