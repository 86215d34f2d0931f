import type { AgentError } from '../../core/errors.ts';
import type { HttpAnswer } from '../../io/http.ts';
import { unreachable } from './http-failure.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The target of a redirect; undefined for another origin or no target. */
const followedUrl = (answer: HttpAnswer, from: URL): URL | undefined => {
  const location = answer.header('location');
  const target = location === undefined ? null : URL.parse(location, from.href);
  const isSameOrigin = target?.origin === from.origin && target.username === '' && target.password === '';
  return isSameOrigin ? target : undefined;
};

export type Reached =
  | { readonly kind: 'answer'; readonly url: URL; readonly answer: HttpAnswer }
  | { readonly kind: 'lost'; readonly error: AgentError };

/** Follows redirects in one origin; another origin would get the credentials and decide what runs here. */
export const reach = async (first: URL, get: (url: URL) => Promise<HttpAnswer>): Promise<Reached> => {
  let url = first;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const answer = await get(url);
    if (!REDIRECTS.has(answer.status)) return { kind: 'answer', url, answer };
    const next = followedUrl(answer, url);
    if (next === undefined) {
      const advice = 'set SUPERCARGO_MANIFEST_URL to the address it redirects to, if you trust that server';
      return { kind: 'lost', error: unreachable(url, 'it redirects to another server', advice) };
    }
    url = next;
  }
  const advice = 'look at the redirects of the server, or set SUPERCARGO_MANIFEST_URL to the last address';
  return { kind: 'lost', error: unreachable(first, `more than ${MAX_REDIRECTS} redirects`, advice) };
};
