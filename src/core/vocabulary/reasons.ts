/** Why a service waits although there is something to do. */
export const WAIT_REASONS = [
  'unpublished',
  'image',
  'phase',
  'hold',
  'back-off',
  'dependency',
  'health',
  'delay',
  'removal',
  'bake',
  'drain',
  'edge',
  'window',
  'freeze',
  'lead',
  'drained',
  'turn',
  'halted',
] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

/** Waits that soon end by themselves, so that `once` stays for them; a dependency's own wait may be long. */
const SHORT: ReadonlySet<WaitReason> = new Set(['image', 'health', 'delay', 'bake', 'drain', 'edge', 'lead']);
export const isShortWait = (reason: WaitReason): boolean => SHORT.has(reason);

/** Whether the wait belongs to steps that go on by themselves: `progressing`, not `waiting`. */
export const isUnderWay = (reason: WaitReason): boolean => isShortWait(reason) || reason === 'removal';

/** Why nothing can be done before an operator changes something. */
export const BLOCK_REASONS = [
  'quarantined',
  'repository',
  'image',
  'auth',
  'disk',
  'port',
  'name',
  'network',
  'volume',
  'ledger',
  'expired',
  'trust',
  'empty',
  'unhealthy',
  'exited',
  'self',
  'dependency',
  'engine',
  'adoption',
  'repeated',
  'edge',
  'down',
] as const;
export type BlockReason = (typeof BLOCK_REASONS)[number];

/** Why a release failed on a host. */
export const FAILURE_REASONS = [
  'crashed',
  'unhealthy',
  'not-ready',
  'exited',
  'job-failed',
  'volume',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** Why the agent refused a document. Each reason is one row of the acceptance table. */
export const REJECTION_REASONS = [
  'too-large',
  'empty',
  'malformed',
  'unsigned',
  'signature',
  'schema',
  'environment',
  'older',
  'conflict',
  'expired',
  'digest-missing',
  'epoch',
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];
