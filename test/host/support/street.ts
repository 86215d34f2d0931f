import { runCommand } from '../../support/command.ts';
import { type Suite, suites } from './suites.ts';

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

export const createStreet = async (suite: Suite): Promise<Street> => {
  const number = String(1 + Object.values<Suite>(suites).indexOf(suite));
  const bridge = `street${number}`;
  // Link-local addresses: no engine and no other network of this machine uses them (RFC 3927).
  const network = `169.254.${number}`;
  await ip('link', 'add', bridge, 'type', 'bridge');
  await ip('address', 'add', `${network}.1/24`, 'dev', bridge);
  await ip('link', 'set', bridge, 'up');
  return {
    bridge,
    link: `${bridge}h`,
    address: `${network}.1`,
    hostAddress: `${network}.2`,
    remove: async () => ip('link', 'delete', bridge),
  };
};
