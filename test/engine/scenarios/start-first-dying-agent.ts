/**
 * `supercargo once`, killed by SIGKILL after its first step: nothing of it runs on, as with any other death. A step is an
 * action at the engine or at an edge, or a write of the ledger. Ends by itself with 0 where there is none left to take.
 */
import { reconcileOnce } from '../../../src/agent/once.ts';
import { wireAgent } from '../../../src/cli/wiring/wire-agent.ts';
import { readConfig } from '../../../src/config/agent-config.ts';
import { readSurroundings } from '../../../src/config/host-facts.ts';

const config = readConfig(process.env, readSurroundings());
const { signal } = new AbortController();
const log = { write: () => undefined };
const { agent, ports, claim } = wireAgent(config, { log, dryRun: false, daemonPid: undefined });

const dieAfter =
  <Args extends readonly unknown[], T>(
    step: (...args: Args) => Promise<T>,
    name: (...args: Args) => string,
  ) =>
  async (...args: Args): Promise<T> => {
    await step(...args);
    process.stdout.write(name(...args), () => process.kill(process.pid, 'SIGKILL'));
    // Nothing happens between the step and the death.
    return new Promise<never>(() => undefined);
  };

const { engine, edges, ledger } = ports;
Object.assign(engine, { apply: dieAfter(engine.apply, (action) => action.kind) });
Object.assign(edges, { apply: dieAfter(edges.apply, (action) => action.kind) });
Object.assign(ledger, { write: dieAfter(ledger.write, () => 'ledger') });

const failure = await agent.open(signal);
if (failure) throw failure;
await claim();
await reconcileOnce(agent, (s) => engine.watch(agent.wake.call, s), signal);
