import { AgentError } from '../errors.ts';
import type { HostReport } from '../fleet/host-report.ts';
import { isSilent } from '../fleet/host-findings.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { compareNaturally } from '../natural-order.ts';
import type { EpochMs } from '../time.ts';

const usage = (message: string, advice: string): AgentError => new AgentError('USAGE', message, { advice });
const refused = (message: string, advice: string): AgentError => new AgentError('STORE', message, { advice });

/** @throws AgentError USAGE if hosts would refuse the manifest because of its pace */
export const refuseBesidePace = ({ environment, pace, rollout, services }: Manifest): void => {
  if (pace === undefined) return;
  if (rollout !== undefined)
    throw usage(
      `${environment} has a pace, which says when hosts switch: --rollout cannot stand beside it`,
      `leave --rollout out; \`supercargo pace ${environment}\` shows the pace, and changes or ends it`,
    );
  const bare = Object.entries(services).flatMap(([name, { image }]) =>
    image.digest === undefined ? [name] : [],
  );
  if (bare.length === 0) return;
  throw usage(
    `with a pace each version needs a digest, and ${bare.join(', ')} has none`,
    `publish it again, which looks the digest up: supercargo publish ${environment} ${bare[0] ?? ''}=TAG`,
  );
};

/** @throws AgentError STORE: with a pace, hosts of this store would wait for turns for ever */
export const refuseWithoutTurns = (store: string, { environment }: Manifest, isFirst: boolean): void => {
  throw refused(
    `${store} hands out no turns: with a pace no host of ${environment} would begin to switch`,
    isFirst
      ? 'publish to a hub of this version (`supercargo hub`), or go without a pace: --rollout 1h:5% ' +
          'spreads one publish over time with any store'
      : `publish to a hub of this version, or end the pace: supercargo pace ${environment} --none`,
  );
};

const SHOWN = 5;

const named = (hosts: readonly string[]): string => {
  const more = hosts.length - SHOWN;
  return hosts.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
};

const hostsText = (hosts: readonly string[]): string =>
  `${String(hosts.length)} ${hosts.length === 1 ? 'host' : 'hosts'} (${named(hosts)})`;

interface Unfit {
  readonly message: string;
  readonly advice: string;
}

const tooOld = (running: readonly HostReport[]): readonly Unfit[] => {
  const hosts = running.flatMap(({ host, status }) =>
    status.turns === undefined ? [`${host} with ${status.agent.version}`] : [],
  );
  return hosts.length === 0
    ? []
    : [
        {
          message: `the agent of ${hostsText(hosts)} is too old for a pace, and refuses every manifest with one`,
          advice: 'upgrade supercargo there',
        },
      ];
};

const withoutTurns = (running: readonly HostReport[], isPaced: boolean): readonly Unfit[] => {
  const hosts = running.flatMap(({ host, status: { turns } }) =>
    turns?.store === 'none' && (isPaced || turns.mode === 'always') ? [host] : [],
  );
  return hosts.length === 0
    ? []
    : [
        {
          message: `${hostsText(hosts)} would never get a turn: no hub answers there that hands out turns`,
          advice: isPaced
            ? 'point SUPERCARGO_REPORT_URL there to a hub of this version'
            : 'point SUPERCARGO_REPORT_URL there to a hub of this version, or leave SUPERCARGO_TURNS=always out',
        },
      ];
};

/** Which hosts that report now cannot follow the manifest because of turns, and what helps. */
export const unfitFor = (
  { pace }: Manifest,
  reports: readonly HostReport[],
  nowMs: EpochMs,
): readonly Unfit[] => {
  const running = reports
    .filter((report) => report.status.agent.running && !isSilent(report, nowMs))
    .toSorted((a, b) => compareNaturally(a.host, b.host));
  return pace === undefined
    ? withoutTurns(running, false)
    : [...tooOld(running), ...withoutTurns(running, true)];
};

/** @throws AgentError STORE if this would be the first pace of hosts that cannot follow it */
export const refuseUnfit = (unfit: readonly Unfit[]): void => {
  const [first] = unfit;
  if (!first) return;
  throw refused(
    first.message,
    `${first.advice} before the first pace; or add --anyway: they keep what they run until then`,
  );
};

export const unfitText = ({ message, advice }: Unfit): string => `${message}: ${advice}`;

/** @throws AgentError USAGE */
export const refuseUrgentAlone = (environment: string): never => {
  throw usage(
    `--urgent passes over the waves of a pace, and ${environment} has no pace: nothing holds its hosts back`,
    'leave --urgent out',
  );
};

/** @throws AgentError USAGE */
export const refuseAfterAlone = (environment: string): never => {
  throw usage(
    `--after waits for the end of a change, and ${environment} has no pace: nothing there says when it ends`,
    'leave --after out, or set a pace first with `supercargo pace`',
  );
};
