import * as v from 'valibot';
import type { Routes } from '../../adapters/status-socket/status-server.ts';
import type { Agent } from '../../agent/agent.ts';
import type { Refresh } from '../../agent/daemon.ts';
import type { Command } from '../../core/operator-command.ts';
import { AgentError } from '../../core/errors.ts';
import { explainNow } from '../commands/explain.ts';

const time = v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));
const commandSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('pause'),
    reason: v.string(),
    owner: v.string(),
    untilMs: time,
    all: v.boolean(),
    replace: v.optional(v.boolean()),
  }),
  v.strictObject({ kind: v.literal('resume') }),
  v.strictObject({ kind: v.literal('drain'), reason: v.string(), owner: v.string(), untilMs: time }),
  v.strictObject({ kind: v.literal('undrain') }),
  v.strictObject({ kind: v.literal('switch-now'), reason: v.string(), owner: v.string() }),
  v.strictObject({ kind: v.literal('retry'), service: v.string() }),
  v.strictObject({ kind: v.literal('recover'), serial: time, dryRun: v.boolean() }),
]);

const parseCommand = (body: unknown): Command => {
  const parsed = v.safeParse(commandSchema, body);
  if (parsed.success) return parsed.output;
  throw new AgentError('USAGE', 'the agent does not know this command', {
    advice: 'use the supercargo of the same version as the agent',
  });
};

/** The routes of the daemon's socket. */
export const routesOf = (environment: string, agent: Agent, refresh: Refresh): Routes => ({
  'GET /status': () => Promise.resolve(agent.status()),
  'GET /explain': async (_body, signal) => {
    const input = await agent.inputNow(signal);
    return { document: input ? explainNow(environment, agent, input) : null };
  },
  'POST /command': (body) => agent.operate(parseCommand(body)),
  'POST /sync': async () => {
    await refresh.all(true);
    return agent.status();
  },
  'POST /sync-and-wait': async (_body, signal) => {
    await refresh.all(true);
    await agent.settled(signal);
    return agent.status();
  },
});
