import type { Action } from '../core/plan/action.ts';
import type { FailedStep } from '../core/plan/plan-input.ts';
import { repeated, repetitionAsFailedStep, type Repetition } from '../core/plan/repeated-creation.ts';
import type { AgentPorts } from './agent-ports.ts';

/** What was done, and for what. */
interface Done {
  readonly service: string;
  readonly release: string;
  readonly serial: number;
  readonly action: Action;
  /** The plan's reason. */
  readonly why: string;
  /** The id of the container that it created. */
  readonly created: string | undefined;
}

const MAX_ENTRIES = 200;

/** The oldest are forgotten. */
const bound = (map: Map<string, unknown>): void => {
  for (const key of map.keys()) {
    if (map.size <= MAX_ENTRIES) return;
    map.delete(key);
  }
};

const CREATES: readonly string[] = ['create', 'create-edge', 'create-network', 'create-volume'];

/**
 * Sees whatever is created again and again, for any cause: two rules of ours that undo each other, or a
 * program that removes it. A step that succeeds is no failed step, so no back-off would ever begin.
 */
export const createRepetitions = ({ now }: Pick<AgentPorts, 'now'>) => {
  const series = new Map<string, Repetition>();
  /** Container id → what the agent itself did to it, and why. */
  const fates = new Map<string, string>();
  const lastId = new Map<string, string>();

  return {
    /** After a step that succeeded. An error: it is not taken again for `restMs`. */
    note: (done: Done): FailedStep | undefined => {
      const { action, service, release, serial, why } = done;
      if (action.kind === 'remove' || action.kind === 'stop') {
        if (!fates.has(action.container.id)) fates.set(action.container.id, why);
        bound(fates);
        return undefined;
      }
      const name = createdName(action);
      if (name === undefined) return undefined;
      const key = [service, release, String(serial), action.kind, name].join(' ');
      const repetition = repeated(series.get(key), now());
      series.delete(key);
      series.set(key, repetition);
      bound(series);
      const before = fates.get(lastId.get(key) ?? '');
      if (done.created !== undefined) lastId.set(key, done.created);
      bound(lastId);
      if (repetition.restMs === 0) return undefined;
      const fate =
        before === undefined ? 'another program removes it' : `this agent took it away again (${before})`;
      return repetitionAsFailedStep({ action: action.kind, release, name, fate }, repetition);
    },
  };
};

const createdName = (action: Action): string | undefined =>
  CREATES.includes(action.kind) && 'name' in action ? action.name : undefined;
