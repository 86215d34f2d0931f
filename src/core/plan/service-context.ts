import type { Service } from '../compose/project-model.ts';
import { isJob } from '../state/desired.ts';
import { serviceRecord } from '../state/ledger.ts';
import type { EpochMs } from '../time.ts';
import type { Foreign, PlanInput, ServiceContext } from './plan-input.ts';

/** The part of the plan's input that concerns one declared service. */
export const contextOf = (
  input: PlanInput,
  service: Service,
  opensAtMs: EpochMs,
  jobsInTurn: ReadonlySet<string> = new Set(),
): ServiceContext => {
  const own = input.actual.containers.filter(
    (o) => o.owner?.service === service.name && o.state !== 'removing',
  );
  return {
    input,
    service,
    opensAtMs,
    own,
    record: serviceRecord(input.ledger, service.name),
    foreign: foreignOf(input, service),
    isJob: isJob(input.project, service.name),
    jobsInTurn,
  };
};

/** The container that `replaces` names, by recorded id or by name, if it belongs to no environment. */
const foreignOf = (input: PlanInput, service: Service): Foreign | undefined => {
  if (service.replaces === undefined) return undefined;
  const { adoption } = serviceRecord(input.ledger, service.name);
  const adoptable = input.actual.containers.filter((o) => !o.owner && o.otherEnvironment === undefined);
  const known = adoption && adoptable.find((o) => o.id === adoption.containerId);
  if (adoption && known) return { container: known, adoption, recorded: true };
  const found = adoptable.find((o) => o.name === service.replaces);
  if (!found) return undefined;
  const isRunning = found.state === 'running' || found.state === 'restarting';
  const restart = found.detail?.restart ?? { name: 'no', maxRetries: 0 };
  return {
    container: found,
    adoption: { containerId: found.id, name: found.name, restart, wasRunning: isRunning },
    recorded: false,
  };
};
