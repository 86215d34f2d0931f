import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AgentError, messageOf } from '../../core/errors.ts';
import type { ArchiveStore } from '../../core/ports/archive-store.ts';
import { answerError } from './http-error.ts';
import { ABSENT, createStoreServer, DONE, type HttpStoreOptions } from './store-request.ts';

const ANSWER_CAP = 64 * 1024;

/** Any HTTP server that takes PUT and answers HEAD. */
export const createHttpArchives = (options: HttpStoreOptions): ArchiveStore => {
  const { urlOf, send } = createStoreServer(options);
  return {
    find: async (path, signal) => {
      const answer = await send('find', path, { method: 'HEAD' }, ANSWER_CAP, signal);
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
      // The request reports the error; without a listener it would end the process.
      content.on('error', () => undefined);
      try {
        const headers = { 'content-type': 'application/x-tar', 'content-length': String(bytes) };
        const request = { method: 'PUT', headers, body: content } as const;
        const answer = await send('write', path, request, ANSWER_CAP, signal);
        if (!DONE.has(answer.status)) throw answerError('write', urlOf(path), answer);
      } catch (error) {
        if (error instanceof AgentError || signal.aborted) throw error;
        throw new AgentError('STORE', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
      } finally {
        content.destroy();
      }
    },
    remove: async (path, signal) => {
      const answer = await send('remove', path, { method: 'DELETE' }, ANSWER_CAP, signal);
      if (!DONE.has(answer.status) && !ABSENT.has(answer.status))
        throw answerError('remove', urlOf(path), answer);
    },
  };
};
