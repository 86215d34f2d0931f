import type { Action } from '../core/plan/action.ts';
import type { FailedStep } from '../core/plan/plan-input.ts';
import { repeated, repetitionAsFailedStep, type Repetition } from '../core/plan/repeated-step.ts';
import type { AgentPorts } from './agent-ports.ts';

/** A step that succeeded. */
interface Done {
  readonly service: string;
  readonly release: string;
  readonly serial: number;
  readonly action: Action;
  /** The plan's reason for the step. */
  readonly why: string;
  /** Id of the container that the step created. */
  readonly created: string | undefined;
}

const MAX_ENTRIES = 200;

/** Deletes the oldest entries. */
const bound = (map: Map<string, unknown>): void => {
  for (const key of map.keys()) {
    if (map.size <= MAX_ENTRIES) return;
    map.delete(key);
  }
};

const CREATES: readonly string[] = ['create', 'create-edge', 'create-network', 'create-volume'];
const REPAIRS: readonly string[] = ['connect', 'rejoin', 'limit', 'rename', 'arm'];

/**
 * Slows down repeated steps: two rules of ours undo each other, or a program removes or changes what the
 * agent creates or puts back. Each step succeeds, so no back-off would begin.
 */
export const createRepetitions = ({ now }: Pick<AgentPorts, 'now'>) => {
  const series = new Map<string, Repetition>();
  /** Container id → why the agent stopped or removed the container. */
  const fates = new Map<string, string>();
  const lastId = new Map<string, string>();

  return {
    /** Counts a step. Returns a failed step if the next one of its kind has to wait for `restMs`. */
    note: (done: Done): FailedStep | undefined => {
      const { action, service, release, serial, why } = done;
      if (action.kind === 'remove' || action.kind === 'stop') {
        if (!fates.has(action.container.id)) fates.set(action.container.id, why);
        bound(fates);
        return undefined;
      }
      const name = subjectOf(action);
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
      if (!CREATES.includes(action.kind))
        return repetitionAsFailedStep({ action: action.kind, release, name, fate: undefined }, repetition);
      const fate =
        before === undefined ? 'another program removes it' : `this agent removed it again (${before})`;
      return repetitionAsFailedStep({ action: action.kind, release, name, fate }, repetition);
    },
  };
};

/** The thing that the step creates or puts back; undefined for a step that may be repeated freely. */
const subjectOf = (action: Action): string | undefined => {
  if (CREATES.includes(action.kind)) return 'name' in action ? action.name : undefined;
  if (!REPAIRS.includes(action.kind) || !('container' in action)) return undefined;
  return 'network' in action ? `${action.container.name} on ${action.network}` : action.container.name;
};
