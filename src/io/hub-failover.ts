import { BACKOFF, ceilingMs } from '../core/backoff.ts';
import { hubOrder } from '../core/fleet/hub-order.ts';
import { showUrl } from './http.ts';

/** How one hub took a request. `value` is the result if no other hub is asked. */
export type HubAnswer<T> =
  /** A refusal (4xx) is an answer too. */
  | { readonly kind: 'answered'; readonly value: T }
  /** No answer came, or one of status 5xx. */
  | {
      readonly kind: 'unreachable' | 'failing';
      readonly value: T;
      readonly reason: string;
      /** The server's Retry-After. */
      readonly retryAfterMs?: number | undefined;
    };

export interface HubFailure<T> {
  readonly address: string;
  readonly value: T;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
}

export type ListAnswer<T> =
  | { readonly kind: 'answered'; readonly address: string; readonly value: T }
  /** One for each hub that was asked, in the order of the list. */
  | { readonly kind: 'failed'; readonly failures: readonly [HubFailure<T>, ...HubFailure<T>[]] };

/** The addresses of one purpose (manifest, reports, …), one for each hub. */
export interface HubList {
  /** In the order of the variable. */
  readonly addresses: readonly [string, ...string[]];
  /** The address that the next request goes to first. */
  readonly current: () => string;
  /**
   * Asks one hub after the other until one answers, or until `goesOn` says no after a failure. `isNews`: the
   * hub was not known to fail.
   */
  readonly ask: <T>(
    send: (address: string) => Promise<HubAnswer<T>>,
    goesOn?: (isNews: boolean) => boolean,
  ) => Promise<ListAnswer<T>>;
}

export interface HubsOptions {
  /** Decides the order in which this host asks the hubs. */
  readonly host: string;
  /** Called when a hub that answered is left for another one. */
  readonly onLost?: (address: string, reason: string) => void;
  /** Called for its first answer after that. */
  readonly onReached?: (address: string) => void;
  /** Monotonic, in ms. */
  readonly elapsed?: () => number;
  readonly random?: () => number;
}

/** What this host knows of its hubs; one for all purposes, so that a dead hub is found once. */
export interface Hubs {
  readonly list: (purpose: string, addresses: readonly [string, ...string[]]) => HubList;
}

/** The longest address and reason in a message about several hubs. */
const MOST_ADDRESS = 120;
const MOST_REASON = 160;

const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

/** An address for people, on which a pre-signed query is left out. */
export const showAddress = (address: string): string => cut(showUrl(new URL(address)), MOST_ADDRESS);

/** Each address with its failure, as part of one message. */
export const describeFailures = (failures: readonly HubFailure<unknown>[]): string =>
  failures.map(({ address, reason }) => `${showAddress(address)}: ${cut(reason, MOST_REASON)}`).join('; ');

/** The wait that every hub of the list asks for. */
export const retryAfterOf = (
  failures: readonly HubFailure<unknown>[],
): { readonly retryAfterMs?: number } => {
  const ms = Math.min(...failures.map(({ retryAfterMs }) => retryAfterMs ?? 0));
  return ms > 0 ? { retryAfterMs: ms } : {};
};

interface Rest {
  readonly failures: number;
  readonly untilMs: number;
}

/**
 * The hosts of a hub that comes back return within half of the time, not all at once.
 */
const restMs = (failures: number, random: number): number =>
  (ceilingMs(BACKOFF.hub, failures) * (1 + random)) / 2;

export const createHubs = (options: HubsOptions): Hubs => {
  const { host, onLost, onReached, elapsed = () => performance.now(), random = Math.random } = options;
  const rests = new Map<string, Rest>();

  const list = (purpose: string, addresses: readonly [string, ...string[]]): HubList => {
    const preferred = hubOrder(host, addresses);
    // A dead hub is dead for every purpose; a hub that answers 5xx may fail in one of them alone.
    const keyOf = {
      unreachable: (a: string) => new URL(a).origin,
      failing: (a: string) => `${purpose} ${a}`,
    };
    const keysOf = (address: string) => [keyOf.unreachable(address), keyOf.failing(address)];

    const isResting = (address: string): boolean =>
      keysOf(address).some((key) => (rests.get(key)?.untilMs ?? -Infinity) > elapsed());

    /** Hubs that rest come last: they are asked only if no other one answers. */
    const order = (): readonly string[] => [
      ...preferred.filter((address) => !isResting(address)),
      ...preferred.filter(isResting),
    ];

    const noteFailure = (address: string, kind: 'unreachable' | 'failing', reason: string, floorMs = 0) => {
      const key = keyOf[kind](address);
      const before = rests.get(key);
      if (before !== undefined && before.untilMs > elapsed()) return false;
      const failures = (before?.failures ?? 0) + 1;
      rests.set(key, { failures, untilMs: elapsed() + Math.max(floorMs, restMs(failures, random())) });
      if (failures === 1 && addresses.length > 1) onLost?.(address, reason);
      return failures === 1;
    };

    const noteAnswer = (address: string): void => {
      const known = keysOf(address).filter((key) => rests.delete(key));
      if (known.length > 0 && addresses.length > 1) onReached?.(address);
    };

    return {
      addresses,
      current: () => order()[0] ?? addresses[0],
      ask: async <T>(
        send: (address: string) => Promise<HubAnswer<T>>,
        goesOn: (isNews: boolean) => boolean = () => true,
      ): Promise<ListAnswer<T>> => {
        const failures: HubFailure<T>[] = [];
        for (const address of order()) {
          const answer = await send(address);
          const { value } = answer;
          if (answer.kind === 'answered') {
            noteAnswer(address);
            return { kind: 'answered', address, value };
          }
          const { kind, reason, retryAfterMs } = answer;
          const isNews = noteFailure(address, kind, reason, retryAfterMs);
          failures.push({ address, value, reason, retryAfterMs });
          if (!goesOn(isNews)) break;
        }
        const inListOrder = failures.toSorted(
          (a, b) => addresses.indexOf(a.address) - addresses.indexOf(b.address),
        );
        return { kind: 'failed', failures: inListOrder as [HubFailure<T>, ...HubFailure<T>[]] };
      },
    };
  };

  return { list };
};
