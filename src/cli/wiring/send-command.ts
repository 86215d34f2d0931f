import { userInfo } from 'node:os';
import { askAgent } from '../../adapters/status-socket/ask-agent.ts';
import { readPaths } from '../../config/paths.ts';
import { oneLine } from '../../core/printable-text.ts';
import type { Command, CommandAnswer } from '../../core/operator-command.ts';
import type { Io } from '../streams.ts';
import { createQuietLog } from '../terminal/narrator.ts';

/**
 * Sends the command to the running agent. Without an agent, takes the lock and changes the ledger itself.
 * @throws AgentError
 */
export const sendCommand = async (io: Io, command: Command, signal: AbortSignal): Promise<CommandAnswer> => {
  const answer = await askAgent(readPaths(io.env).socketPath, 'POST', '/command', command, { signal });
  if (answer !== undefined) return answer as CommandAnswer;
  const [{ readHostConfig }, { wireAgent }] = await Promise.all([
    import('./host-config.ts'),
    import('./wire-agent.ts'),
  ]);
  const { agent, claim, release } = wireAgent(readHostConfig(io.env), {
    log: createQuietLog(),
    dryRun: true,
    daemonPid: undefined,
  });
  const failure = await agent.open(signal);
  if (failure) throw failure;
  await claim();
  try {
    await agent.settleLedger(signal);
    return await agent.operate(command);
  } finally {
    await release();
  }
};

export const answerLines = (io: Io, { lines }: CommandAnswer): void => {
  for (const line of lines) io.stdout.write(`${oneLine(line)}\n`);
};

/** The calling user; under sudo, the user that called sudo. */
export const callingUser = (io: Io): string => {
  const { SUDO_USER: sudoer } = io.env;
  if (sudoer !== undefined && sudoer !== '') return sudoer;
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
};
