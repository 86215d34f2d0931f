import { edgeSetting, NO_EDGE_HOME, NO_SOURCES } from './world.ts';
import type Docker from 'dockerode';
import { createDockerEngine } from '../../src/adapters/docker/docker-engine.ts';
import { readCompose } from '../../src/adapters/compose/compose-reader.ts';
import type { ComposeProject } from '../../src/core/compose/project-model.ts';
import type { Action } from '../../src/core/plan/action.ts';
import { planHost } from '../../src/core/plan/plan-host.ts';
import type { HostPlan } from '../../src/core/plan/host-plan.ts';
import { isEngineAction, type Engine } from '../../src/core/ports/engine.ts';
import { resolveHost } from '../../src/core/state/desired.ts';
import { changeLedger } from '../../src/core/state/ledger-change.ts';
import { emptyLedger, type Ledger } from '../../src/core/state/ledger.ts';
import { removeEnvironment } from './leftovers.ts';
import { eventually } from './poll.ts';

export const engineAt = (dockerHost: string): Engine =>
  createDockerEngine(
    { kind: 'unix', socketPath: dockerHost.replace('unix://', '') },
    NO_SOURCES,
    NO_EDGE_HOME,
  );

export const readProject = async (folder: string): Promise<ComposeProject> => {
  const result = await readCompose(folder);
  if (result.kind === 'ok') return result.project;
  throw new Error(
    result.errors.map((e) => `${e.file}:${String(e.line)}: ${e.path}: ${e.message}`).join('\n'),
  );
};

export interface OwnPath {
  readonly docker: Docker;
  readonly engine: Engine;
  readonly environment: string;
  readonly folder: string;
  readonly isStarted: boolean;
}

interface Tick {
  readonly ledger: Ledger;
  readonly plan: HostPlan;
}

const never = new AbortController().signal;

const perform = async (own: OwnPath, ledger: Ledger, service: string, action: Action): Promise<Ledger> => {
  if (isEngineAction(action)) {
    await own.engine.apply(action, own.environment, () => undefined, never);
    return ledger;
  }
  const findings =
    action.kind === 'resolve-tag' ? { tag: await own.engine.resolveTag(action.image, never) } : {};
  return changeLedger(ledger, { service, action, findings, nowMs: Date.now(), keepReleases: 2, serial: 0 });
};

/** One tick of the agent without its loop: read, resolve, observe, plan, and take every step. */
const tick = async (own: OwnPath, project: ComposeProject, before: Ledger): Promise<Tick> => {
  const actual = await own.engine.observe({ environment: own.environment, replaces: [] }, never);
  const { platform } = actual.engine;
  const { services: desired } = resolveHost({ project, manifest: undefined, ledger: before, platform });
  const nowMs = Date.now();
  const rest = {
    manifest: undefined,
    distrust: undefined,
    failedSteps: {},
    answered: {},
    unanswered: {},
    windows: [],
    watchingSinceMs: 0,
    keepReleases: 2,
    host: 'oracle',
    edge: edgeSetting,
    mirrors: [],
    isEdgeBusy: false,
    reserved: [],
  };
  const plan = planHost({
    environment: own.environment,
    project,
    desired,
    actual,
    ledger: before,
    nowMs,
    ...rest,
  });
  let ledger = before;
  for (const { service, decision, staging } of plan.services) {
    const actions = decision.kind === 'act' ? [...staging, ...decision.actions] : staging;
    for (const action of actions.filter(({ kind }) => own.isStarted || kind !== 'start'))
      ledger = await perform(own, ledger, service, action);
  }
  return { ledger, plan };
};

const madeReplicas = async ({ docker, environment, isStarted }: OwnPath): Promise<readonly string[]> => {
  const label = [`io.supercargo.environment=${environment}`];
  const listed = await docker.listContainers({ all: true, filters: { label } });
  return listed.filter(({ State }) => !isStarted || State !== 'created').map(({ Id }) => Id);
};

/** Makes the project as the agent does, takes what `look` sees of it, and removes everything again. */
export const withOwnPath = async <T>(
  own: OwnPath,
  look: (containerIds: readonly string[]) => Promise<T>,
): Promise<T> => {
  const project = await readProject(own.folder);
  const wanted = Object.values(project.services).reduce((sum, service) => sum + service.replicas, 0);
  let last: Tick = {
    ledger: emptyLedger(own.environment),
    plan: { services: [], edge: undefined, housekeeping: [], foreign: [], nextAtMs: undefined },
  };
  try {
    const ids = await eventually(
      async () => {
        last = await tick(own, project, last.ledger);
        const made = await madeReplicas(own);
        const isSteady = last.plan.services.every(({ decision }) => decision.kind !== 'act');
        return (isSteady || !own.isStarted) && made.length === wanted && made;
      },
      {
        deadlineMs: 40_000,
        describe: () => `every replica is made; the last plan: ${JSON.stringify(last.plan.services)}`,
      },
    );
    return await look(ids);
  } finally {
    await removeEnvironment(own.docker, own.environment);
  }
};
