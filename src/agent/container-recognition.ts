import { identify, type Identified, type IdentifyInput } from '../core/plan/ownership.ts';
import type { Actual } from '../core/state/actual.ts';
import { withContainers } from '../core/state/ledger.ts';
import type { LedgerRecord } from './ledger-record.ts';
import type { Recorder } from './recorder.ts';
import type { AgentPorts } from './agent-ports.ts';

/** Distinguishes our containers from others with our labels, and records the ids of ours. */
export const createIdentifier = (ports: AgentPorts, record: LedgerRecord, recorder: Recorder) => {
  let last: { readonly input: IdentifyInput; readonly identified: Identified } | undefined;
  /** Ids of copies and lookalikes that are already in the history. */
  const noted = new Set<string>();

  const note = ({ containers }: Actual): void => {
    for (const { id, name, copyOf, lookalike } of containers) {
      if ((!copyOf && !lookalike) || noted.has(id)) continue;
      noted.add(id);
      if (copyOf) {
        const { service, version, differs } = copyOf;
        recorder.write('warn', 'container.copied', { service, container: name, version, differs });
      } else if (lookalike) {
        const { service, differs } = lookalike;
        recorder.write('warn', 'container.foreign', {
          ...(service !== '' && { service }),
          container: name,
          differs,
        });
      }
    }
    const here = new Set(containers.map((container) => container.id));
    for (const id of noted) if (!here.has(id)) noted.delete(id);
  };

  return {
    /** Ids of the containers in the last observation. */
    alive: (): ReadonlySet<string> => new Set(last?.input.actual.containers.map((container) => container.id)),

    identify: (input: IdentifyInput): Actual => {
      const isSame =
        last?.input.actual === input.actual &&
        last.input.ledger === input.ledger &&
        last.input.desired === input.desired &&
        last.input.project === input.project;
      if (!last || !isSame) last = { input, identified: identify(input) };
      return last.identified.actual;
    },

    /**
     * Writes what the last observation recognised to the ledger, and to the history once. Only an agent that
     * acts calls this.
     */
    record: async (): Promise<void> => {
      if (!last) return;
      const { actual, recognised } = last.identified;
      note(actual);
      if (recognised.length === 0) return;
      const alive = new Set(actual.containers.map((container) => container.id));
      const failure = await record.force((l) => withContainers(l, recognised, alive));
      if (failure) ports.log.write('error', 'ledger.failed', { message: failure.message });
    },
  };
};
