import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreNews } from '../../core/ports/hub-store.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import type { Connector } from './connector.ts';
import type { Run } from './pool.ts';
import type { Session } from './session.ts';
import type { StoreClock } from './store-clock.ts';

type What = Parameters<StoreNews>[1];

/** Beside notifications, which a hub misses while it is not connected; reports have none. */
const POLL_MS = 1000;
const POLL_DEADLINE_MS = 3000;

interface RevisionRow {
  readonly what: What | 'clock';
  readonly environment: string;
  readonly version: string;
}

const isWhat = (text: string): text is What => text === 'manifests' || text === 'reports' || text === 'turns';

export interface News {
  readonly follow: (onNews: StoreNews) => () => void;
  readonly close: () => Promise<void>;
}

/** Tells what any hub has changed, from the first follower on. A database that is away tells nothing. */
export const createNews = (run: Run, { open }: Connector, clock: StoreClock): News => {
  const followers = new Set<StoreNews>();
  const seen = new Map<string, string>();
  const controller = new AbortController();
  const listener: { session?: Session } = {};
  const tell: StoreNews = (environment, what) => {
    for (const onNews of followers) onNews(environment, what);
  };

  const onNotify = (_channel: string, payload: string): void => {
    const [what = '', environment = ''] = payload.split(' ');
    if (isWhat(what) && isEnvironmentName(environment)) tell(environment, what);
  };
  /** What changed before it listens is told by the next poll. */
  const listen = async (): Promise<void> => {
    if (listener.session?.isClosed() === false) return;
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
      listener.session?.destroy();
    }, POLL_DEADLINE_MS);
    try {
      const session = await open(AbortSignal.any([controller.signal, late.signal]), onNotify);
      listener.session = session;
      await session.sql`listen supercargo`;
    } finally {
      clearTimeout(timer);
    }
  };

  const poll = async (): Promise<void> => {
    const sentAtMs = clock.now();
    const rows = await run(
      (sql) => sql<RevisionRow[]>`
        select 'manifests' as what, environment, mark::text as version from supercargo.manifests
        union all select 'turns', environment, mark::text from supercargo.turns
        union all select 'reports', environment, life || ' ' || revision from supercargo.fleets
        union all select 'clock', '', (extract(epoch from clock_timestamp()) * 1000)::bigint::text`,
      POLL_DEADLINE_MS,
    );
    for (const { what, environment, version } of rows) {
      if (what === 'clock') {
        clock.observe(Number(version), sentAtMs);
        continue;
      }
      const key = `${what} ${environment}`;
      if (seen.get(key) === version) continue;
      seen.set(key, version);
      tell(environment, what);
    }
  };
  const goOn = async (): Promise<void> => {
    while (!controller.signal.aborted) {
      // Failures of the store reach those that need it.
      await Promise.allSettled([poll(), listen()]);
      await sleep(POLL_MS, undefined, { signal: controller.signal }).catch(() => undefined);
    }
  };
  let going: Promise<void> | undefined;
  return {
    follow: (onNews) => {
      followers.add(onNews);
      going ??= goOn();
      return () => void followers.delete(onNews);
    },
    close: async () => {
      controller.abort();
      await going;
      await listener.session?.end();
    },
  };
};
