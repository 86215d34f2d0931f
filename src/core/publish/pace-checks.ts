import { AgentError } from '../errors.ts';
import type { FleetTotals, SomeHosts } from '../fleet/fleet-totals.ts';
import type { Manifest } from '../manifest/manifest.ts';

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

const hostsText = (
  { hosts, first }: SomeHosts,
  textOf: (host: SomeHosts['first'][number]) => string,
): string => {
  const more = hosts - first.length;
  const names = first.map(textOf).join(', ') + (more > 0 ? ` and ${String(more)} more` : '');
  return `${String(hosts)} ${hosts === 1 ? 'host' : 'hosts'} (${names})`;
};

interface Unfit {
  readonly message: string;
  readonly advice: string;
}

const tooOldFor = ({ tooOld }: FleetTotals): readonly Unfit[] =>
  tooOld.hosts === 0
    ? []
    : [
        {
          message:
            `the agent of ${hostsText(tooOld, ({ host, agent }) => `${host} with ${agent}`)} is too old for a ` +
            'pace, and refuses every manifest with one',
          advice: 'upgrade supercargo there',
        },
      ];

const withoutTurns = (hosts: SomeHosts, isPaced: boolean): readonly Unfit[] =>
  hosts.hosts === 0
    ? []
    : [
        {
          message:
            `${hostsText(hosts, ({ host }) => host)} would never get a turn: ` +
            'no hub answers there that hands out turns',
          advice: isPaced
            ? 'point SUPERCARGO_REPORT_URL there to a hub of this version'
            : 'point SUPERCARGO_REPORT_URL there to a hub of this version, or leave SUPERCARGO_TURNS=always out',
        },
      ];

/** Which hosts that report now cannot follow the manifest because of turns, and what helps. */
export const unfitFor = ({ pace }: Manifest, fleet: FleetTotals): readonly Unfit[] =>
  pace === undefined
    ? withoutTurns(fleet.alwaysWithoutTurns, false)
    : [...tooOldFor(fleet), ...withoutTurns(fleet.withoutTurns, true)];

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
