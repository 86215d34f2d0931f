/** The part that a container plays in its service. */
export const CONTAINER_ROLES = ['serving', 'candidate', 'draining', 'retired', 'failed'] as const;
export type ContainerRole = (typeof CONTAINER_ROLES)[number];

export const EDGE_ROLES = ['serving', 'starting', 'leaving'] as const;
export type EdgeRole = (typeof EDGE_ROLES)[number];
