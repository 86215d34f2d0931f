import { expect } from 'vitest';
import { createManifestSource } from '../../../../src/adapters/manifest-source/manifest-source.ts';
import type { ManifestSourceOptions } from '../../../../src/adapters/manifest-source/manifest-source.ts';
import type { AgentError } from '../../../../src/core/errors.ts';
import type { Fetched } from '../../../../src/core/ports/manifest-source.ts';
import type { ErrorCode } from '../../../../src/core/vocabulary/error-codes.ts';
import { oneHub } from '../../../support/one-hub.ts';

/** Limits that no answer of a local server meets by chance, and that a test can wait for. */
const PATIENT = { connectMs: 5000, responseMs: 5000, requestMs: 10_000 };

export const sourceOf = (url: string, options: Partial<ManifestSourceOptions> = {}) => {
  const source = createManifestSource({ hubs: oneHub(url), timeouts: PATIENT, ...options });
  return (signal: AbortSignal = new AbortController().signal): Promise<Fetched> => source.fetch(signal);
};

export const documentOf = (text: string): unknown => ({ kind: 'document', bytes: Buffer.from(text) });

export const UNCHANGED = { kind: 'unchanged' };

/** What a failed fetch matches: this code, a message like this, and advice. */
export const failure = (code: ErrorCode, message: RegExp): object => ({
  kind: 'failed',
  error: {
    code,
    message: expect.stringMatching(message) as string,
    advice: expect.stringMatching(/^\w.{15,}/) as string,
  },
});

export const errorOf = (fetched: Fetched): AgentError => {
  if (fetched.kind === 'failed') return fetched.error;
  throw new Error(`not failed but ${fetched.kind}`);
};
