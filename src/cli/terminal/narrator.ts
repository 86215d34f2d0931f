import type { EventLog } from '../../core/events.ts';
import { oneLine } from '../../core/printable-text.ts';
import { terminalOf, type Io } from '../streams.ts';
import type { EventName } from '../../core/vocabulary/event-names.ts';

export const createQuietLog = (): EventLog => ({ write: () => undefined });

/** The events that `once` prints while it works; its final status holds the rest. */
const TEXTS: Partial<Record<EventName, string>> = {
  'manifest.accepted': 'manifest accepted',
  'manifest.rejected': 'manifest refused',
  'manifest.unreachable': 'manifest source unreachable',
  'tag.resolved': 'tag resolved',
  'image.pulled': 'pulled',
  'image.removed': 'removed image',
  'network.created': 'created network',
  'network.removed': 'removed network',
  'volume.created': 'created volume',
  'container.created': 'created',
  'container.renamed': 'renamed',
  'container.connected': 'connected',
  'container.started': 'started',
  'container.unpaused': 'resumed',
  'container.stopped': 'stopped',
  'container.removed': 'removed',
  'container.limited': 'restored the limits of',
  'container.adopted': 'takes over',
  'container.rejoined': 'is reachable by its name on',
  'container.draining': 'takes no new connections:',
  'edge.created': 'created the edge',
  'edge.leaving': 'ends with its last session:',
  'release.proved': 'is good',
  'release.quarantined': 'is bad, rolling back',
  'action.failed': 'could not',
  'agent.warned': 'warning',
  'ledger.failed': 'ledger',
};

const textOf = (value: unknown): string =>
  Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : JSON.stringify(value);

const SUBJECTS = ['image', 'container', 'name', 'version', 'serial', 'action'] as const;

/** Writes a line for each event, to a terminal or a build log. */
export const createNarrator = (io: Io): EventLog => {
  const { palette, columns } = terminalOf(io);
  // Erases the line with the progress of pulls (once.ts).
  const clear = columns === undefined ? '' : '\r\u001B[K';
  return {
    write: (level, event, fields = {}) => {
      const text = TEXTS[event];
      // The end of a drain has no line: the next event says what becomes of the container.
      if (text === undefined || level === 'debug' || fields['ended'] === true) return;
      const subject = SUBJECTS.map((name) => fields[name]).find((value) => value !== undefined);
      const paint = level === 'error' ? palette.bad : level === 'warn' ? palette.warn : palette.faint;
      const service =
        typeof fields['service'] === 'string' && fields['service'] !== '' ? `${fields['service']}: ` : '';
      const shown = subject === undefined ? '' : ` ${textOf(subject)}`;
      const message = typeof fields['message'] === 'string' ? `: ${fields['message']}` : '';
      io.stdout.write(`${clear}${paint('·')} ${oneLine(`${service}${text}${shown}${message}`)}\n`);
    },
  };
};
