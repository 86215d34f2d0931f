import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AgentError, messageOf } from '../../core/errors.ts';
import type { ArchiveStore } from '../../core/ports/archive-store.ts';
import { answerError, transportError } from './http-error.ts';
import type { HttpStoreOptions } from './http-store.ts';
import { send, type StoreAnswer, type StoreRequest } from './request.ts';

const ABSENT: ReadonlySet<number> = new Set([404, 410]);
const DONE: ReadonlySet<number> = new Set([200, 201, 204]);
const ANSWER_CAP = 64 * 1024;

/** Any HTTP server that takes PUT and answers HEAD. */
export const createHttpArchives = ({ base, authorization, tls }: HttpStoreOptions): ArchiveStore => {
  const urlOf = (path: string): URL => new URL(`${base.href.replace(/\/*$/, '/')}${path}`);
  const exchange = async (
    verb: string,
    path: string,
    request: Pick<StoreRequest, 'method' | 'upload'> & { readonly headers?: StoreRequest['headers'] },
    signal: AbortSignal,
  ): Promise<StoreAnswer> => {
    const url = urlOf(path);
    try {
      const headers = { ...(authorization !== undefined && { authorization }), ...request.headers };
      return await send({ ...request, url, tls, headers, capBytes: ANSWER_CAP }, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw transportError(verb, url, error);
    }
  };
  return {
    find: async (path, signal) => {
      const answer = await exchange('find', path, { method: 'HEAD' }, signal);
      if (ABSENT.has(answer.status)) return undefined;
      if (answer.status !== 200) throw answerError('find', urlOf(path), answer);
      const modifiedAtMs = Date.parse(answer.header('last-modified') ?? '');
      return {
        bytes: Number(answer.header('content-length') ?? Number.NaN),
        modifiedAtMs: Number.isNaN(modifiedAtMs) ? undefined : modifiedAtMs,
      };
    },
    put: async (path, file, signal) => {
      const bytes = (await stat(file)).size;
      const content = createReadStream(file);
      // Told with the request; alone it would end the program.
      content.on('error', () => undefined);
      try {
        const headers = { 'content-type': 'application/x-tar', 'content-length': String(bytes) };
        const answer = await exchange('write', path, { method: 'PUT', headers, upload: content }, signal);
        if (!DONE.has(answer.status)) throw answerError('write', urlOf(path), answer);
      } catch (error) {
        if (error instanceof AgentError || signal.aborted) throw error;
        throw new AgentError('STORE', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
      } finally {
        content.destroy();
      }
    },
    remove: async (path, signal) => {
      const answer = await exchange('remove', path, { method: 'DELETE' }, signal);
      if (!DONE.has(answer.status) && !ABSENT.has(answer.status))
        throw answerError('remove', urlOf(path), answer);
    },
  };
};
