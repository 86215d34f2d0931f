import { epochPath, historyPath, manifestPath } from '../../core/fleet/store-layout.ts';
import { serialOfFile } from '../../core/hub/file-names.ts';
import { readPublication } from '../../core/hub/publication.ts';
import { highestOf, isSpent } from '../../core/manifest/serial.ts';
import { decodeText, parseJson } from '../../core/manifest/text.ts';
import type { HubFiles } from '../../core/ports/hub-files.ts';

type Readable = Pick<HubFiles, 'read' | 'list'>;

export interface FoundDocument {
  readonly bytes: Uint8Array;
  /** Undefined if the document is no manifest of this environment. */
  readonly serial: number | undefined;
}

/** What the folder contains of an environment. */
export interface FoundEnvironment {
  readonly current: FoundDocument | undefined;
  readonly serials: ReadonlySet<number>;
  /** The highest epoch with which a manifest was accepted; 0 without a trust file. */
  readonly epoch: number;
  /** Why the hub serves another manifest than the one at the current address. */
  readonly remark: string | undefined;
}

/** How many documents of a history are searched for one that can be served. */
const MOST = 50;

const toDocument = (bytes: Uint8Array, environment: string): FoundDocument => {
  const read = readPublication({ document: bytes, environment, trust: undefined, nowMs: undefined });
  return { bytes, serial: read.kind === 'publication' ? read.publication.manifest.serial : undefined };
};

const readPlace = async (files: Readable, environment: string): Promise<FoundDocument | undefined> => {
  const bytes = await files.read(manifestPath(environment));
  return bytes && toDocument(bytes, environment);
};

const readNewest = async (
  files: Readable,
  environment: string,
  serials: readonly number[],
): Promise<FoundDocument | undefined> => {
  for (const serial of serials.toSorted((a, b) => b - a).slice(0, MOST)) {
    const bytes = await files.read(historyPath(environment, serial));
    const found = bytes && toDocument(bytes, environment);
    if (found?.serial === serial) return found;
  }
  return undefined;
};

/** An unreadable file counts as epoch 0; then today's trust file decides. */
const readEpoch = async (files: Readable, environment: string): Promise<number> => {
  const bytes = await files.read(epochPath(environment));
  const text = bytes && decodeText(bytes);
  const json = text === undefined ? undefined : parseJson(text);
  const value = json?.kind === 'value' ? (json.value as { epoch?: unknown } | null) : undefined;
  return Number.isSafeInteger(value?.epoch) ? Number(value?.epoch) : 0;
};

/**
 * Returns the manifest at the current address. If that one is damaged, older than the history, or has a
 * serial that leaves no room, hosts would refuse it, so the newest of the history is served instead. The
 * files stay as they are; the next publish replaces the document.
 */
export const findEnvironment = async (files: Readable, environment: string): Promise<FoundEnvironment> => {
  const entries = await files.list(`manifests/${environment}`);
  const serials = new Set(
    entries.flatMap(({ name, kind }) => (kind === 'file' ? (serialOfFile(name) ?? []) : [])),
  );
  const place = await readPlace(files, environment);
  const epoch = await readEpoch(files, environment);
  const reached = place?.serial === undefined || isSpent(place.serial) ? 0 : place.serial;
  if (!place || (reached > 0 && reached >= highestOf(serials)))
    return { current: place, serials, epoch, remark: undefined };
  const above = [...serials].filter((serial) => serial > reached && !isSpent(serial));
  const newest = await readNewest(files, environment, above);
  if (!newest) return { current: place, serials, epoch, remark: undefined };
  const what =
    place.serial === undefined
      ? 'is not a readable manifest'
      : reached === 0
        ? `has serial ${String(place.serial)}, which leaves no room for the next ones`
        : `has serial ${String(place.serial)}`;
  return {
    current: newest,
    serials,
    epoch,
    remark:
      `${manifestPath(environment)} ${what}: the hub serves serial ${String(newest.serial)} of the history ` +
      `instead; \`supercargo hub repair ${environment}\` shows more, and restores it`,
  };
};
