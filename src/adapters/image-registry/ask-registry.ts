import { AgentError, messageOf } from '../../core/errors.ts';
import {
  exchange,
  openExchange,
  type HttpAnswer,
  type HttpRequest,
  type OpenAnswer,
  type Timeouts,
} from '../../io/http.ts';

export type RegistryRequest = Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'>;

/** What registries allow a manifest to be (distribution spec, "Pushing Manifests"). */
export const CAP_BYTES = 4 * 1024 * 1024;

const CONNECT_MS = 30_000;
const TIMEOUTS: Timeouts = { connectMs: CONNECT_MS, requestMs: 30_000 };
/** A layer may take as long as it likes while something arrives. */
const LAYER_TIMEOUTS: Timeouts = { connectMs: CONNECT_MS, responseMs: 60_000, silenceMs: 60_000 };

const reaching = async <T>({ origin }: URL, signal: AbortSignal, asked: Promise<T>): Promise<T> => {
  try {
    return await asked;
  } catch (error) {
    signal.throwIfAborted();
    throw new AgentError('REGISTRY', `cannot reach ${origin}: ${messageOf(error)}`, {
      retry: 'later',
      advice: 'check the name of the registry, the network and its certificate; nothing was published',
    });
  }
};

/** Only the abort of the signal rejects otherwise. @throws AgentError REGISTRY */
export const askRegistry = (request: RegistryRequest, signal: AbortSignal): Promise<HttpAnswer> => {
  const wanted = { ...request, timeouts: TIMEOUTS, allowsProxy: true };
  return reaching(
    request.url,
    signal,
    exchange(wanted, () => CAP_BYTES, signal),
  );
};

/** As `askRegistry`, for content of any size. */
export const openLayer = (request: RegistryRequest, signal: AbortSignal): Promise<OpenAnswer> => {
  const wanted = { ...request, timeouts: LAYER_TIMEOUTS, allowsProxy: true };
  return reaching(request.url, signal, openExchange(wanted, signal));
};
