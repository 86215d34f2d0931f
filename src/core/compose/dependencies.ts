import { type Context, type Reader } from './reader-context.ts';
import type { Dependency } from './project-model.ts';
import { fields, listOf, mapOf, only } from './readers.ts';
import { filledText, oneOf, textLike } from './scalars.ts';
import type { Node } from './node.ts';

const CONDITIONS = {
  service_started: 'started',
  service_healthy: 'healthy',
  service_completed_successfully: 'completed',
} as const;

const DEPENDENCY_KEYS = {
  condition: oneOf('service_started', 'service_healthy', 'service_completed_successfully'),
  required: only('true', 'remove the dependency if the service may be absent'),
  restart: only('false', 'remove it: an update never restarts the services that depend on it'),
};

const fromMap = (node: Node, c: Context, service: string): Dependency | undefined => {
  const read = fields(DEPENDENCY_KEYS)(node, c);
  return read && { service, condition: CONDITIONS[read.condition ?? 'service_started'] };
};

/** `depends_on`, sorted by name. `dependency-checks.ts` finds unknown services and cycles. */
export const dependsOn: Reader<readonly Dependency[]> = (node, c) => {
  const all =
    node.kind === 'map'
      ? [...(mapOf(fromMap)(node, c)?.values() ?? [])]
      : listOf<Dependency>((item, inner) => {
          const service = filledText(item, inner);
          return service === undefined ? undefined : { service, condition: 'started' };
        })(node, c);
  return all?.toSorted((a, b) => (a.service < b.service ? -1 : 1));
};

/** One `SERVICE[:ALIAS]` and its position in the file. */
export interface WrittenLink {
  readonly service: string;
  readonly alias: string | undefined;
  readonly node: Node;
}

const written = textLike(/^[^:\s]+(?::[^:\s]+)?$/, 'a link', 'write SERVICE or SERVICE:ALIAS');

const link: Reader<WrittenLink> = (node, c) => {
  const [service, alias] = written(node, c)?.split(':') ?? [];
  return service === undefined ? undefined : { service, alias, node };
};

export const links: Reader<readonly WrittenLink[]> = listOf(link);
