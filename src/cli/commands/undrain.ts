import { canComeBack, progressBack } from '../../core/status/drain-progress.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { goWay } from '../drain/follow-drain.ts';

const BACK = {
  progressOf: progressBack,
  canGoOn: canComeBack,
  reached: 'this host is in service',
  turned: 'this host is drained again',
  stuck: 'this host does not serve as before, and cannot go on by itself',
  interrupted: 'the agent goes on bringing this host back',
};

export const run = ({ io, signal }: Call, options: { readonly wait: boolean }): Promise<ExitCode> =>
  goWay(io, BACK, { kind: 'undrain' }, options.wait, signal);
