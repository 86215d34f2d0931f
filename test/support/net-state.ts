import { existsSync } from 'node:fs';
import { runCommand } from './command.ts';

/** What a dockerd changes in the machine's network and leaves behind when it ends. */
export interface NetState {
  readonly hadBridge: boolean;
  readonly hadChains: boolean;
  /** Of the FORWARD chain: dockerd sets DROP. */
  readonly forwardPolicy: string;
}

const hasBridge = (): boolean => existsSync('/sys/class/net/docker0');

const savedRules = async (): Promise<string> => (await runCommand('iptables-save', [])).stdout;

export const readNetState = async (): Promise<NetState> => {
  const rules = await savedRules();
  return {
    hadBridge: hasBridge(),
    hadChains: /^:DOCKER /m.test(rules),
    forwardPolicy: /^:FORWARD (\S+)/m.exec(rules)?.[1] ?? 'ACCEPT',
  };
};

/** Without the engine's chains and every rule that names them, docker0 or a bridge of the engine; everything else stays. */
export const withoutEngineRules = (rules: string, forwardPolicy: string): string =>
  rules
    .split('\n')
    .filter((line) => !/\bDOCKER|\bdocker0\b|\bbr-[0-9a-f]{12}\b/.test(line))
    .map((line) => line.replace(/^(:FORWARD) \S+/, `$1 ${forwardPolicy}`))
    .join('\n');

/** Call it when the engine has ended. Another engine's rules and bridge stay. */
export const restoreNetState = async (before: NetState): Promise<void> => {
  if (!before.hadBridge && hasBridge()) await runCommand('ip', ['link', 'delete', 'docker0']);
  if (before.hadChains) return;
  await runCommand('iptables-restore', [], {
    input: withoutEngineRules(await savedRules(), before.forwardPolicy),
  });
};
