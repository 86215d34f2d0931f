import { AgentError, messageOf } from '../../core/errors.ts';
import {
  exchange,
  openExchange,
  type HttpAnswer,
  type HttpRequest,
  type OpenAnswer,
  type Timeouts,
} from '../../io/http.ts';
import type { Certificates } from './certificates.ts';

export type RegistryRequest = Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>;

/** The registries' limit for a manifest (distribution spec, "Pushing Manifests"). */
export const CAP_BYTES = 4 * 1024 * 1024;

const CONNECT_MS = 30_000;
const TIMEOUTS: Timeouts = { connectMs: CONNECT_MS, requestMs: 30_000 };
/** A layer may take any time as long as bytes arrive. */
const LAYER_TIMEOUTS: Timeouts = { connectMs: CONNECT_MS, responseMs: 60_000, silenceMs: 60_000 };

/**
 * Asks one registry and the servers that it names for tokens and layers, with the same certificates, like
 * docker.
 */
export interface RegistryClient {
  /** @throws AgentError REGISTRY; the signal's reason */
  readonly ask: (request: RegistryRequest) => Promise<HttpAnswer>;
  /** Like `ask`, for content of any size. */
  readonly open: (request: RegistryRequest) => Promise<OpenAnswer>;
}

export const createRegistryClient = ({ tls, problem }: Certificates, signal: AbortSignal): RegistryClient => {
  const reaching = async <T>({ origin }: URL, asked: Promise<T>): Promise<T> => {
    try {
      return await asked;
    } catch (error) {
      signal.throwIfAborted();
      throw new AgentError('REGISTRY', `cannot reach ${origin}: ${messageOf(error)}`, {
        retry: 'later',
        advice:
          problem ?? 'check the name of the registry, the network and its certificate; nothing was published',
      });
    }
  };
  const settings = { tls, allowsProxy: true };
  return {
    ask: (request) => {
      const asked = exchange({ ...request, ...settings, timeouts: TIMEOUTS }, () => CAP_BYTES, signal);
      return reaching(request.url, asked);
    },
    open: (request) =>
      reaching(request.url, openExchange({ ...request, ...settings, timeouts: LAYER_TIMEOUTS }, signal)),
  };
};
