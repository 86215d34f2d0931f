import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseFleetQuery, type FleetQuery } from '../../core/fleet/fleet-query.ts';
import { entityTagOf } from '../../core/hub/conditional-request.ts';
import { refusal, type Refusal } from '../../core/hub/refusal.ts';
import type { FleetPages } from '../fleet/fleet-pages.ts';
import { notFound, refuse, sendServed } from '../http/responses.ts';

const notValid = (message: string): Refusal =>
  refusal(
    400,
    'query',
    `the query is not valid: ${message}`,
    'correct it: docs/HUB.md lists what a query may have',
  );

const sendPage = async (
  pages: FleetPages,
  { environment, query }: { readonly environment: string; readonly query: FleetQuery },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> => {
  const page = await pages.read(environment, query);
  if (page === 'no-serial')
    return refuse(reply, notFound(`${environment} has no manifest of serial ${String(query.serial)}`));
  sendServed(request, reply, { tag: entityTagOf(page), cacheControl: 'no-store', body: () => page });
};

/** Answers a request that has a query. Returns false if it asks for the whole list. */
export const answerFleetPage = (
  pages: FleetPages,
  environment: string,
  request: FastifyRequest,
  reply: FastifyReply,
): boolean => {
  const parsed = parseFleetQuery(new URL(request.url, 'http://hub').searchParams);
  if (parsed.kind === 'none') return false;
  if (parsed.kind === 'problem') refuse(reply, notValid(parsed.message));
  else
    sendPage(pages, { environment, query: parsed.query }, request, reply).catch(
      (error: unknown) => void reply.send(error),
    );
  return true;
};
