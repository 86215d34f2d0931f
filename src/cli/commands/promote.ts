import { AgentError } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import { promoted } from '../../core/publish/choose-versions.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';
import { createEnvironmentStore } from '../../publish/environment-store.ts';
import type { Call } from '../call.ts';
import { neverGreen } from '../publishing/interrupted.ts';
import { checkEnvironment, type PublishFlags } from '../publishing/options.ts';
import { needCurrent, openSession, publishAndPrint } from '../publishing/publish-session.ts';
import { printableMessage } from '../../core/printable-text.ts';

const promote = async (
  { io, signal }: Call,
  fromText: string,
  to: string,
  services: readonly string[],
  flags: PublishFlags,
): Promise<ExitCode> => {
  const from = checkEnvironment(fromText);
  if (from === to)
    throw new AgentError('USAGE', `${from} cannot be promoted to itself`, {
      advice: 'name the source environment first, then the target',
    });
  const s = await openSession(io, to, flags);
  const view = createEnvironmentStore(s.store, from, s.trust);
  const { manifest: source, remarks } = await needCurrent(s, view, from, signal);
  for (const remark of remarks) io.stderr.write(`warning: ${printableMessage(remark)}\n`);
  const named = services.length > 0 ? services : Object.keys(source.services);
  const taken = {
    services: (before: Manifest | undefined) => Promise.resolve(promoted(source, before, services)),
    named,
  };
  return publishAndPrint(s, taken, signal);
};

export const run = neverGreen(promote);
