/** What the edge's actions are noted and rest under. */
export const EDGE_TARGET = 'edge';
