import type { EventLog } from '../core/events.ts';
import type { HubArchives } from '../core/ports/hub-archives.ts';
import type { HubStore } from '../core/ports/hub-store.ts';
import type { EpochMs } from '../core/time.ts';
import type { Access } from './authorization.ts';
import type { HttpServer } from './http/http-server.ts';
import type { Counters } from './counters.ts';
import type { FleetPages } from './fleet/fleet-pages.ts';
import type { Manifests } from './manifests/manifests.ts';
import type { PageAsset } from './page/assets.ts';
import type { Reports } from './fleet/reports.ts';
import type { TurnQueue } from './turns/turn-queue.ts';
import type { Turns } from './turns/turns.ts';
import type { Waiting } from './http/held-requests.ts';
import type { Guard } from './http/request-guard.ts';
import type { Watchers } from './http/watchers.ts';

/** Shared by the routes of a hub. */
export interface HubContext {
  readonly access: Access;
  readonly guard: Guard;
  /** http-server.ts */
  readonly allowTime: HttpServer['allowTime'];
  readonly store: Pick<HubStore, 'check' | 'isShared'>;
  readonly manifests: Manifests;
  readonly reports: Reports;
  readonly pages: FleetPages;
  readonly archives: HubArchives;
  readonly mostArchiveBytes: number;
  /** In one report or request. */
  readonly mostServices: number;
  readonly turns: Turns;
  readonly turnQueue: TurnQueue;
  readonly waiting: Waiting;
  readonly watchers: Watchers;
  readonly counters: Counters;
  readonly assets: readonly PageAsset[];
  readonly log: EventLog;
  readonly now: () => EpochMs;
  readonly version: string;
  readonly connections: () => number;
}
