import { randomInt } from 'node:crypto';
import { runCommand } from '../../support/command.ts';

/** The network between this machine and a host. It outlives the host's boots, so that servers can listen on it. */
export interface Street {
  readonly bridge: string;
  /** The host's end of the cable, on this side. */
  readonly link: string;
  /** Ours. */
  readonly address: string;
  /** The host's. */
  readonly hostAddress: string;
  readonly remove: () => Promise<void>;
}

const ip = async (...args: readonly string[]): Promise<void> => {
  const { code, stderr } = await runCommand('ip', args);
  if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
};

/** The names carry the pid: a later run sees whose they were. */
export const streetPrefix = 'sch';

export const removeStreet = async (bridge: string): Promise<void> => {
  await runCommand('ip', ['link', 'delete', bridge]);
};

export const bridges = async (): Promise<readonly string[]> => {
  const { stdout } = await runCommand('ip', ['-json', 'link', 'show', 'type', 'bridge']);
  return (JSON.parse(stdout || '[]') as { ifname?: string }[]).flatMap(({ ifname }) => ifname ?? []);
};

export const createStreet = async (): Promise<Street> => {
  const bridge = `${streetPrefix}${String(process.pid)}`;
  // Link-local addresses: no engine and no other network of this machine uses them (RFC 3927).
  const network = `169.254.${String(randomInt(1, 160))}`;
  await removeStreet(bridge);
  await ip('link', 'add', bridge, 'type', 'bridge');
  await ip('address', 'add', `${network}.1/24`, 'dev', bridge);
  await ip('link', 'set', bridge, 'up');
  return {
    bridge,
    link: `${bridge}h`,
    address: `${network}.1`,
    hostAddress: `${network}.2`,
    remove: async () => removeStreet(bridge),
  };
};
