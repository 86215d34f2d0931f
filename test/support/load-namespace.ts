import { randomInt } from 'node:crypto';
import { runCommand } from './command.ts';

/** Another machine, as far as the network of this one can tell. */
export interface Namespace {
  readonly name: string;
  /** Where this machine is, seen from there. */
  readonly hostAddress: string;
  readonly remove: () => Promise<void>;
}

const ip = async (...args: readonly string[]): Promise<void> => {
  const { code, stderr } = await runCommand('ip', args);
  if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
};

/** A network namespace with one link to the host. The link goes with the namespace. */
export const createNamespace = async (): Promise<Namespace> => {
  const number = randomInt(1, 64_000);
  // Link-local addresses: no engine and no other network of this machine uses them (RFC 3927).
  const prefix = `169.254.${String(1 + (number % 250))}`;
  const low = 4 * (1 + (number % 60));
  const [hostAddress, otherAddress] = [`${prefix}.${String(low + 1)}`, `${prefix}.${String(low + 2)}`];
  const name = `sctest-${String(number)}`;
  const [link, peer] = [`sct${String(number)}h`, `sct${String(number)}n`];
  const remove = async (): Promise<void> => {
    await runCommand('ip', ['link', 'delete', link]);
    await runCommand('ip', ['netns', 'delete', name]);
  };
  try {
    await ip('netns', 'add', name);
    await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', peer, 'netns', name);
    await ip('address', 'add', `${hostAddress}/30`, 'dev', link);
    await ip('link', 'set', link, 'up');
    await ip('-n', name, 'address', 'add', `${otherAddress}/30`, 'dev', peer);
    await ip('-n', name, 'link', 'set', peer, 'up');
    return { name, hostAddress, remove };
  } catch (error) {
    await remove();
    throw error;
  }
};
