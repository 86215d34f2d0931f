/** Every event that is logged or written to the history, past tense, `noun.verb`. Part of the public surface. */
export type EventName =
  | 'agent.started'
  | 'agent.stopped'
  | 'agent.reloaded'
  | 'agent.warned'
  | 'tick.ended'
  | 'manifest.accepted'
  | 'manifest.rejected'
  | 'manifest.distrusted'
  | 'manifest.unreachable'
  | 'manifest.reached'
  | 'compose.read'
  | 'compose.refused'
  | 'trust.refused'
  | 'engine.lost'
  | 'engine.reached'
  | 'ledger.created'
  | 'ledger.failed'
  | 'ledger.recovered'
  | 'journal.failed'
  | 'outcome.changed'
  | 'hold.set'
  | 'hold.ended'
  | 'quarantine.cleared'
  | 'action.failed'
  | 'tag.resolved'
  | 'image.pulled'
  | 'image.tagged'
  | 'image.removed'
  | 'network.created'
  | 'network.removed'
  | 'volume.created'
  | 'container.created'
  | 'container.disarmed'
  | 'container.armed'
  | 'container.renamed'
  | 'container.connected'
  | 'container.started'
  | 'container.unpaused'
  | 'container.stopped'
  | 'container.removed'
  | 'container.limited'
  | 'container.adopted'
  | 'release.proved'
  | 'release.quarantined'
  | 'service.forgotten';

export type EventFields = Readonly<Record<string, unknown>>;

/** Info for changes, debug for quiet ticks, warn for what passes by itself, error where a person must act. */
export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

export interface EventLog {
  readonly write: (level: EventLevel, event: EventName, fields?: EventFields) => void;
}
