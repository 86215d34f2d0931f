import { AgentError } from '../../core/errors.ts';
import { formatImage, type ImageReference } from '../../core/image/reference.ts';
import type { RegistryCredentials } from '../../core/ports/registry-credentials.ts';
import type { AnswerHead, HttpAnswer, OpenAnswer } from '../../io/http.ts';
import { createRegistryClient } from './ask-registry.ts';
import { authorize } from './authorization.ts';
import { readCertificates } from './certificates.ts';
import { parseChallenge } from './challenge.ts';

interface Endpoint {
  readonly base: string;
  /** The name and port, as in the image reference. */
  readonly host: string;
  readonly path: string;
  /** Like the engine, uses plain HTTP for registries on loopback addresses. */
  readonly isPlain: boolean;
}

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

const endpointOf = ({ repository }: ImageReference): Endpoint => {
  const slash = repository.indexOf('/');
  const host = repository.slice(0, slash);
  const isPlain = LOOPBACK.test(host);
  const server = host === 'docker.io' ? 'registry-1.docker.io' : host;
  return {
    base: `${isPlain ? 'http' : 'https'}://${server}`,
    host,
    path: repository.slice(slash + 1),
    isPlain,
  };
};

/** The requests for one image, which share one token. */
export interface Session {
  readonly get: (path: string, accept: string) => Promise<HttpAnswer>;
  /** Asks for the content from this byte on; the caller reads the body. */
  readonly open: (path: string, fromByte: number) => Promise<OpenAnswer>;
}

export interface RegistryAccess {
  readonly credentials: RegistryCredentials;
  /** The folders of `readCertificates`. */
  readonly certificateFolders: readonly string[];
}

type Head = AnswerHead & Partial<Pick<OpenAnswer, 'close'>>;

export const openSession = async (
  image: ImageReference,
  { credentials, certificateFolders }: RegistryAccess,
  signal: AbortSignal,
): Promise<Session> => {
  const endpoint = endpointOf(image);
  const client = createRegistryClient(await readCertificates(certificateFolders, endpoint.host), signal);
  let authorization: string | undefined;

  /** Asks again with a token if the registry wants one, and again at the target of a redirect. */
  const reach = async <A extends Head>(
    path: string,
    ask: (url: URL, headers: Readonly<Record<string, string>>) => Promise<A>,
  ): Promise<A> => {
    const first = new URL(`${endpoint.base}/v2/${endpoint.path}/${path}`);
    const at = (url: URL, withLogin: boolean): Promise<A> =>
      ask(url, withLogin && authorization !== undefined ? { authorization } : {});
    let answer = await at(first, true);
    const challenge = answer.status === 401 ? parseChallenge(answer.header('www-authenticate')) : undefined;
    if (challenge) {
      answer.close?.();
      const auth = await credentials.for(image.repository, signal);
      authorization = await authorize(challenge, auth, endpoint, client.ask);
      answer = await at(first, true);
    }
    const location = answer.header('location');
    const isMoved = answer.status >= 300 && answer.status < 400 && location !== undefined;
    // Layers and configs are often on another server, which must not get the login.
    if (!isMoved || !URL.canParse(location, first.href)) return answer;
    answer.close?.();
    return at(new URL(location, first), false);
  };

  return {
    get: (path, accept) =>
      reach(path, (url, headers) => client.ask({ url, headers: { accept, ...headers } })),
    open: (path, fromByte) =>
      reach(path, (url, headers) => {
        const range = fromByte === 0 ? {} : { range: `bytes=${String(fromByte)}-` };
        return client.open({ url, headers: { ...range, ...headers } });
      }),
  };
};

export const failure = (image: ImageReference, answer: AnswerHead): AgentError => {
  const { status } = answer;
  const name = formatImage(image);
  const fields = { status };
  if (status === 401 || status === 403)
    return new AgentError('REGISTRY_AUTH', `the registry refuses to show ${name}: ${String(status)}`, {
      advice: 'log in on this machine (docker login), or correct the login in DOCKER_CONFIG',
      fields,
    });
  const after = answer.header('retry-after');
  const pause = after === undefined ? '' : `, try again after ${after} s`;
  return new AgentError('REGISTRY', `the registry answers ${String(status)} for ${name}${pause}`, {
    retry: 'later',
    advice:
      status === 429
        ? 'its rate limit is used up: log in, or wait'
        : 'look at the registry; nothing was published',
    fields,
  });
};
