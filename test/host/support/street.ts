import { runCommand } from '../../support/command.ts';
import { type Suite, suites } from './suites.ts';

/** What connects one host with the street. */
export interface Cable {
  /** The end on this side. */
  readonly link: string;
  readonly hostAddress: string;
}

/** The network between this machine and hosts. It outlives the hosts' boots, so that servers can listen on it. */
export interface Street {
  readonly bridge: string;
  /** Ours. */
  readonly address: string;
  /** Of the first host, the second, and so on. */
  readonly cable: (number: number) => Cable;
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
    address: `${network}.1`,
    cable: (host) => ({
      link: `${bridge}h${String(host)}`,
      hostAddress: `${network}.${String(1 + host)}`,
    }),
    remove: async () => ip('link', 'delete', bridge),
  };
};
