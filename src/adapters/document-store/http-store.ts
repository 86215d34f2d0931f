import { AgentError } from '../../core/errors.ts';
import { READS_PACE } from '../../core/hub/reads-pace.ts';
import type { DocumentStore, StoredDocument, WriteCondition } from '../../core/ports/document-store.ts';
import { showUrl, type HttpAnswer } from '../../io/http.ts';
import { answerError } from './http-error.ts';
import { parseListing } from './listing.ts';
import { ABSENT, createStoreServer, DONE, type HttpStoreOptions } from './store-request.ts';

const DOCUMENT_CAP = 256 * 1024;
/** Reports of a whole environment in one answer. */
const LIST_CAP = 64 * 1024 * 1024;

const REFUSED = 412;

/** Only a strong ETag may be a condition (RFC 9110, 8.8.3.2). */
const versionOf = (answer: HttpAnswer): string | undefined => {
  const etag = answer.header('etag');
  return etag !== undefined && /^"[^"]*"$/.test(etag) ? etag : undefined;
};

const timeIn = (answer: HttpAnswer, name: string): number | undefined => {
  const ms = Date.parse(answer.header(name) ?? '');
  return Number.isNaN(ms) ? undefined : ms;
};

const conditionHeaders = (condition: WriteCondition): Readonly<Record<string, string>> => {
  if (condition.kind === 'absent') return { 'if-none-match': '*' };
  return condition.kind === 'unchanged' ? { 'if-match': condition.version } : {};
};

/** No document has this ETag. */
const NO_VERSION = '"supercargo-no-such-version"';
const PROBE = Buffer.from(
  '{"probe":"whether this server honours If-Match and If-None-Match; it may be removed"}\n',
);

export interface HttpDocumentsOptions extends HttpStoreOptions {
  /** The query of every write; other servers than a hub ignore it. */
  readonly writeQuery?: string;
}

/** Any HTTP server that takes PUT; a hub is one of them. */
export const createHttpStore = (options: HttpDocumentsOptions): DocumentStore => {
  const { urlOf, send } = createStoreServer(options);

  const read = async (path: string, signal: AbortSignal): Promise<StoredDocument | undefined> => {
    const url = urlOf(path);
    const isDocument = path.endsWith('.json');
    const capBytes = isDocument ? DOCUMENT_CAP : LIST_CAP;
    const headers = { accept: 'application/json', 'cache-control': 'no-cache' };
    const answer = await send('read', path, { headers }, capBytes, signal);
    if (ABSENT.has(answer.status)) return undefined;
    // Some servers redirect a folder, and some refuse it.
    if (!isDocument && answer.status >= 300 && answer.status !== 401 && answer.status < 500) return undefined;
    if (answer.status !== 200) throw answerError('read', url, answer);
    if (answer.body.length > capBytes)
      throw new AgentError('STORE', `${showUrl(url)} is larger than ${String(capBytes)} bytes`, {
        advice: 'check --to: no document of a store is so large',
      });
    const times = { writtenAtMs: timeIn(answer, 'last-modified'), readAtMs: timeIn(answer, 'date') };
    return { bytes: answer.body, version: versionOf(answer), ...times };
  };

  const write: DocumentStore['write'] = async (path, bytes, condition, signal) => {
    const headers = {
      'content-type': 'application/json',
      ...READS_PACE,
      ...conditionHeaders(condition),
    };
    const request = { method: 'PUT', headers, body: bytes } as const;
    const answer = await send('write', path + (options.writeQuery ?? ''), request, DOCUMENT_CAP, signal);
    if (answer.status === REFUSED) return 'refused';
    if (DONE.has(answer.status)) return 'written';
    throw answerError('write', urlOf(path), answer);
  };

  const sendRemove = async (path: string, signal: AbortSignal): Promise<HttpAnswer> =>
    send('remove', path, { method: 'DELETE' }, DOCUMENT_CAP, signal);
  /** One that stays is no harm, so that a server which goes away meanwhile ends no publish. */
  const removeProbe = async (path: string, signal: AbortSignal): Promise<void> => {
    await sendRemove(path, signal).catch(() => signal.throwIfAborted());
  };

  return {
    name: showUrl(options.base).replace(/\/+$/, ''),
    read,
    ask: async (folder, query, signal) => read(`${folder}?${query}`, signal),
    write,
    remove: async (path, signal) => {
      const answer = await sendRemove(path, signal);
      if (ABSENT.has(answer.status)) return false;
      if (DONE.has(answer.status)) return true;
      throw answerError('remove', urlOf(path), answer);
    },
    list: async (folder, signal) => {
      const listed = await read(`${folder}/`, signal);
      return listed && parseListing(Buffer.from(listed.bytes).toString('utf8'));
    },
    honoursConditions: async (path, signal) => {
      if ((await write(path, PROBE, { kind: 'unchanged', version: NO_VERSION }, signal)) === 'written') {
        await removeProbe(path, signal);
        return false;
      }
      // A refusal here means that another publisher's probe exists, and that the server obeys conditions.
      if ((await write(path, PROBE, { kind: 'absent' }, signal)) === 'refused') return true;
      // Another publisher may remove the probe once in between, but not three times.
      let again = await write(path, PROBE, { kind: 'absent' }, signal);
      if (again === 'written') again = await write(path, PROBE, { kind: 'absent' }, signal);
      await removeProbe(path, signal);
      return again === 'refused';
    },
  };
};
