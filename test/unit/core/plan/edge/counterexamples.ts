import type { Command } from './edge-history.ts';

/** Found once: a service was taken off an edge that nobody could ask, and stopped before it. */
const CUT_OFF: readonly Command[] = [
  { kind: 'lay out', change: { replicas: 2, parallelism: 0 } },
  { kind: 'lose', what: 'Sockets' },
  { kind: 'kill', at: 6, when: 'after' },
  { kind: 'lay out', change: { order: 'stop-first', port: undefined } },
];

/** Found once: the file of an edge that is down is no more, so that nothing brings back what it named. */
const NOTHING_TO_COME_BACK_WITH: readonly Command[] = [
  { kind: 'kill edge' },
  { kind: 'lose', what: 'Folder' },
  { kind: 'lay out', change: { order: 'stop-first' } },
];

/** Found once: the edge that shows that the next image is good was there, and had yet to start. */
const BEFORE_THE_PROOF: readonly Command[] = [
  { kind: 'new edge image' },
  { kind: 'ticks', count: 2 },
  { kind: 'lose', what: 'Sockets' },
];

/** Found once: both the old edge and the next one lose their sockets, which says nothing of their image. */
const BOTH_CUT_OFF: readonly Command[] = [
  { kind: 'lay out', change: { port: undefined } },
  { kind: 'silence', ticks: 3 },
  { kind: 'lose', what: 'Sockets' },
];

/** The same, where the next one is there because the old one lost its file. */
const CUT_OFF_AFTER_THE_FILE: readonly Command[] = [
  { kind: 'lose', what: 'File' },
  { kind: 'ticks', count: 2 },
  { kind: 'lose', what: 'Sockets' },
];

/** Found once: the one that is made anew has the name of the one that is gone, and none of its troubles. */
const GONE_WITH_ITS_FOLDER: readonly Command[] = [
  { kind: 'publish', version: 'unhealthy' },
  { kind: 'new edge image' },
  { kind: 'lose', what: 'Folder' },
  { kind: 'new edge image' },
  { kind: 'lay out', change: { order: 'stop-first' } },
  { kind: 'silence', ticks: 2 },
  { kind: 'remove edge' },
];

/** What the properties found, by what has to be so. */
/** Found once: an edge that cannot be asked was about to be sent away, and the next one started before it had gone. */
const NOT_SENT_AWAY: readonly Command[] = [
  { kind: 'fault', action: 'pull', times: 1 },
  { kind: 'kill', at: 6, when: 'before' },
  { kind: 'lose', what: 'Folder' },
  { kind: 'lay out', change: { order: 'stop-first' } },
  { kind: 'publish', version: 'dies' },
];

export const FOUND: readonly [string, readonly Command[]][] = [
  ['nothing is stopped before an edge that nobody can ask any more', CUT_OFF],
  ['an edge that is down and has lost its file names nobody', NOTHING_TO_COME_BACK_WITH],
  ['the next image of an edge shows itself beside one that has lost its sockets', BEFORE_THE_PROOF],
  ['another edge takes over from two that have lost their sockets', BOTH_CUT_OFF],
  ['another edge takes over from one without a file and one without sockets', CUT_OFF_AFTER_THE_FILE],
  ['an edge that was removed with its folder is made anew', GONE_WITH_ITS_FOLDER],
  ['an edge that cannot be asked is sent away before the next one starts', NOT_SENT_AWAY],
];

/** Found once: the next edge was made while the new one served, and started in the very step that sent to the old one again. */
export const FALLS_BEFORE_THE_NEXT_EDGE: readonly Command[] = [
  { kind: 'publish', version: 'sickens' },
  { kind: 'new edge image' },
  { kind: 'ticks', count: 4 },
  { kind: 'ticks', count: 10 },
  { kind: 'ticks', count: 15 },
  { kind: 'new edge image' },
];

/** Found once: one that is always up or about to be was told as two states. */
export const FALLS_AGAIN_AND_AGAIN: readonly Command[] = [
  { kind: 'publish', version: 'dies' },
  { kind: 'lay out', change: { order: 'stop-first' } },
  { kind: 'lay out', change: { replicas: 2, parallelism: 0 } },
  { kind: 'lay out', change: { order: 'start-first', port: undefined } },
];
