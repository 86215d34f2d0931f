import { createHash } from 'node:crypto';
import { edgeCommand } from '../../edge/edge-container.ts';
import type { EdgeServerSeen, EdgeState } from '../../edge/edge-config.ts';
import type { HealthMap } from '../../edge/health-answer.ts';
import { EDGE_SETTINGS, renderConfig } from '../../edge/render-haproxy.ts';
import { readWritten, type Written } from '../../edge/parse-haproxy.ts';
import { hasHealthEndpoint } from '../../edge/render-health.ts';
import type { EdgeRuntimeAction } from '../../ports/edge.ts';
import type { Actual, EdgeSeen } from '../../state/actual.ts';
import type { EpochMs } from '../../time.ts';
import type { CreateEdge } from '../action.ts';
import { sameFrontend } from './edge-view.ts';

/** The empty map, which is written for an edge without one. */
const mapOf = ({ answers = {}, counted = [] }: Partial<HealthMap>): HealthMap => ({ answers, counted });

const UNSEEN = { state: undefined, written: undefined, hasSockets: true };

const changed = (actual: Actual, instance: string, change: (edge: EdgeSeen) => EdgeSeen): Actual => {
  const known = actual.edges.find((e) => e.instance === instance) ?? { instance, ...UNSEEN };
  return { ...actual, edges: [...actual.edges.filter((e) => e !== known), change(known)] };
};

const withServers = (
  actual: Actual,
  instance: string,
  change: (servers: readonly EdgeServerSeen[]) => readonly EdgeServerSeen[],
): Actual =>
  changed(actual, instance, (e) =>
    e.state ? { ...e, state: { ...e.state, servers: change(e.state.servers) } } : e,
  );

/** The edges after an action that succeeds. Checks pass at once, and there are no sessions. */
export const simulateEdge = (actual: Actual, action: EdgeRuntimeAction): Actual => {
  switch (action.kind) {
    case 'edge-write':
      return changed(actual, action.instance, (e) => ({
        ...e,
        written: readWritten(renderConfig(action.config)),
        ...(hasHealthEndpoint(action.config) && mapOf(e)),
      }));
    case 'edge-add-server': {
      const { backend, server } = action;
      const added: EdgeServerSeen = { ...server, backend, admin: 'drain', check: 'L4OK', sessions: 0 };
      return withServers(actual, action.instance, (servers) =>
        servers.some((s) => s.backend === backend && s.name === server.name) ? servers : [...servers, added],
      );
    }
    case 'edge-set-state':
      return withServers(actual, action.instance, (servers) =>
        servers.map((s) =>
          s.backend === action.backend && s.name === action.server ? { ...s, admin: action.state } : s,
        ),
      );
    case 'edge-cut-sessions':
      return withServers(actual, action.instance, (servers) =>
        servers.map((s) =>
          s.backend === action.backend && s.name === action.server ? { ...s, sessions: 0 } : s,
        ),
      );
    case 'edge-remove-server':
      return withServers(actual, action.instance, (servers) =>
        servers.filter((s) => s.backend !== action.backend || s.name !== action.server),
      );
    case 'edge-close-port':
      return changed(actual, action.instance, (e) =>
        e.state
          ? {
              ...e,
              state: {
                ...e.state,
                frontends: e.state.frontends.filter((f) => !sameFrontend(f, action.frontend)),
              },
            }
          : e,
      );
    case 'edge-answer':
      return changed(actual, action.instance, (e) => ({
        ...e,
        ...mapOf(action),
        ...(e.state?.answers && { state: { ...e.state, ...mapOf(action) } }),
      }));
    case 'edge-discard':
      return { ...actual, edges: actual.edges.filter((e) => action.keep.includes(e.instance)) };
  }
};

export const withEdge = (actual: Actual, action: CreateEdge, nowMs: EpochMs): Actual => {
  const id = createHash('sha256')
    .update(`edge/${action.name}/${String(nowMs)}`)
    .digest('hex');
  const [program, ...command] = edgeCommand({ agentUid: 0, instance: action.instance });
  return {
    ...actual,
    containers: [
      ...actual.containers,
      {
        id,
        name: action.name,
        imageId: action.imageId,
        state: 'created',
        owner: undefined,
        otherEnvironment: undefined,
        edge: {
          instance: action.instance,
          shape: action.shape,
          ...(action.predecessor !== undefined && { predecessor: action.predecessor }),
        },
        ports: action.ports.map(({ hostAddress, hostPort }) => ({ hostAddress, hostPort, protocol: 'tcp' })),
        detail: {
          createdAtMs: nowMs,
          startedAtMs: undefined,
          finishedAtMs: undefined,
          exitCode: 0,
          oomKilled: false,
          restartCount: 0,
          health: 'none',
          healthOutput: undefined,
          startFault: undefined,
          autoRemove: false,
          restart: { name: 'always', maxRetries: 0 },
          networks: action.mode === 'publish' ? [{ network: action.network, ip: '', aliases: [] }] : [],
          volumes: [],
          limits: {
            memoryBytes: 0,
            memorySwapBytes: 0,
            memoryReservationBytes: 0,
            nanoCpus: 0,
            cpuShares: 0,
            cpuset: '',
            pidsLimit: 0,
          },
          stopGraceMs: undefined,
          facts: {
            process: { entrypoint: [program], command, environment: {} },
            networkMode: action.mode === 'host' ? 'host' : action.network,
            mounts: [],
            image: undefined,
          },
        },
      },
    ],
  };
};

const instanceOf = (actual: Actual, containerId: string): string | undefined =>
  actual.containers.find((container) => container.id === containerId)?.edge?.instance;

/** An edge that starts knows only what its file says. */
const fresh = ({ shape, frontends, servers }: Written, map: HealthMap): EdgeState => {
  return {
    ...(hasHealthEndpoint({ frontends }) && map),
    version: 'simulated',
    environment: '',
    shape,
    settings: EDGE_SETTINGS,
    masterPid: 1,
    workers: [{ pid: 2, isCurrent: true }],
    isLeaving: false,
    frontends: frontends.map(({ hostAddress, hostPort, protocol }) => ({ hostAddress, hostPort, protocol })),
    servers: servers.map(({ state, ...s }) => ({ ...s, admin: state, check: 'L4OK', sessions: 0 })),
  };
};

/** If the started container is an edge, the edge answers. */
export const bound = (actual: Actual, containerId: string): Actual => {
  const instance = instanceOf(actual, containerId);
  if (instance === undefined) return actual;
  return changed(actual, instance, (e) =>
    e.written === undefined ? e : { ...e, state: fresh(e.written, mapOf(e)) },
  );
};

export const unbound = (actual: Actual, containerId: string): Actual => {
  const instance = instanceOf(actual, containerId);
  return instance === undefined ? actual : changed(actual, instance, (e) => ({ ...e, state: undefined }));
};

/** A leaving edge has no sessions here, so it ends at once. */
export const left = (actual: Actual, containerId: string, nowMs: EpochMs): Actual => {
  const containers = actual.containers.map((container) =>
    container.id === containerId && container.detail
      ? { ...container, state: 'exited' as const, detail: { ...container.detail, finishedAtMs: nowMs } }
      : container,
  );
  return unbound({ ...actual, containers }, containerId);
};
