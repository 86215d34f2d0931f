import { stateOf } from './host-service.ts';
import type { Scenario } from './scenario.ts';
import { createSimulatedFleet, START_MS, type SimulatedFleet } from './simulated-fleet.ts';
import type { Violations } from './watch.ts';

const HOUR_MS = 3_600_000;

/** What is left of a change or host that neither ended nor has a reason. */
export const unended = (fleet: SimulatedFleet): readonly string[] => {
  const status = fleet.read();
  const isHalted = status.halt !== null || status.changes.some(({ state }) => state === 'halted');
  const isWaiting = status.changes.some(({ state }) => state === 'waiting');
  const changes = status.changes.flatMap(({ serial, state, halted, waves }) => {
    const text = `serial ${String(serial)} is ${state}`;
    // No host defines its entries, so there is nothing to end.
    const isEmpty = waves.every(({ hosts }) => hosts === 0);
    if (state === 'finished' || isEmpty) return [];
    if (state === 'halted')
      return status.halt !== null || (halted?.reason ?? '') !== '' ? [] : [`${text} without a reason`];
    const isNamed = waves.some(({ openedAt, excused }) => openedAt !== null && excused.length > 0);
    return state === 'waiting' && isNamed ? [] : [text];
  });
  const left = new Set(status.leftOut.map(({ host }) => host));
  const hosts = fleet.hosts.flatMap((host) => {
    if (!host.isAlive || left.has(host.name)) return [];
    const open = host.services.filter((service) => {
      const want = host.desired(service);
      return want && !['good', 'failed'].includes(stateOf(service, want));
    });
    const isExplained =
      host.lastAnswer.message !== '' &&
      (isHalted || isWaiting || host.lastAnswer.kind === 'halted' || host.lastAnswer.holders.length > 0);
    return open.length === 0 || isExplained
      ? []
      : [
          `${host.name} does not switch ${open.map(({ name }) => name).join(' ')}: ` +
            JSON.stringify(host.lastAnswer),
        ];
  });
  return [...changes, ...hosts];
};

export interface Outcome {
  readonly violations: Violations;
  readonly halts: readonly string[];
  readonly fleet: SimulatedFleet;
}

/** Plays a scenario, ends all faults, and runs until the fleet rests. */
export const runScenario = (scenario: Scenario): Outcome => {
  const fleet = createSimulatedFleet(scenario);
  for (const { atSeconds, what } of scenario.happenings)
    fleet.timeline.after(60_000 + atSeconds * 1000, () => fleet.happen(what));
  const lastSeconds = Math.max(...scenario.happenings.map(({ atSeconds }) => atSeconds));
  fleet.timeline.runUntil(START_MS + 60_000 + lastSeconds * 1000 + 900_000);
  fleet.calm();
  const { ends } = fleet.violations;
  if (fleet.rest(48 * HOUR_MS)) ends.push(...unended(fleet));
  else ends.push('the fleet never rests');
  return { violations: fleet.violations, halts: fleet.halts(), fleet };
};
