import { readPublisherConfig } from '../../config/publisher-config.ts';
import { AgentError } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import { writtenPace } from '../../core/manifest/written-pace.ts';
import { unpublished } from '../../core/publish/environments.ts';
import { paceLines, paceOptions } from '../../core/publish/pace-text.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { createEnvironmentStore } from '../../publish/environment-store.ts';
import type { Call } from '../call.ts';
import { neverGreen } from '../publishing/interrupted.ts';
import { readTrust } from '../publishing/key-files.ts';
import { openStore } from '../publishing/open-store.ts';
import { checkEnvironment, type PublishFlags } from '../publishing/options.ts';
import { hasPaceOptions, paceFrom, type PaceFlags } from '../publishing/pace-options.ts';
import { openSession, publishAndPrint } from '../publishing/publish-session.ts';
import { writeJson } from '../streams.ts';

type Flags = PaceFlags & Omit<PublishFlags, 'waitWhere' | 'onFailure'>;

const show = async ({ io, signal }: Call, name: string, flags: Flags): Promise<ExitCode> => {
  const environment = checkEnvironment(name);
  const config = readPublisherConfig(io.env);
  const trust = flags.trust === undefined ? undefined : await readTrust(flags.trust);
  // The command only reads, so the read token comes first.
  const { documents: store } = await openStore(flags, {
    ...config,
    publishToken: config.readToken ?? config.publishToken,
  });
  const view = createEnvironmentStore(store, environment, trust);
  const current = await view.current(signal);
  if (!current) throw unpublished(environment, view.name, (await view.environments(signal)) ?? []);
  const { serial, pace } = current.manifest;
  if (flags.json === true)
    writeJson(io, {
      apiVersion: 'supercargo/pace/v1',
      environment,
      serial,
      pace: pace === undefined ? null : writtenPace(pace),
    });
  else if (pace === undefined)
    io.stdout.write(
      `${environment} has no pace: each host switches when it is ready (serial ${String(serial)})\n`,
    );
  else {
    io.stdout.write(`${environment} has this pace (serial ${String(serial)}):\n`);
    for (const line of paceLines(pace)) io.stdout.write(`  ${line}\n`);
    io.stdout.write(`as options: ${paceOptions(pace)}\n`);
  }
  return EXIT.ok;
};

const publishPace = async ({ io, signal }: Call, environment: string, flags: Flags): Promise<ExitCode> => {
  // Finds a wrong option before the store is asked.
  paceFrom(flags, undefined);
  const s = await openSession(io, environment, { ...flags, waitWhere: [], onFailure: 'none' });
  const { name } = s.view;
  const services = async (before: Manifest | undefined): Promise<Manifest['services']> => {
    if (before) return before.services;
    throw unpublished(environment, name, (await s.view.environments(signal)) ?? []);
  };
  const speed = (before: Manifest | undefined) => ({
    pace: paceFrom(flags, before?.pace),
    urgent: undefined,
    freeze: before?.freeze,
  });
  return publishAndPrint(s, { services, named: [], speed }, signal);
};

const publish = neverGreen(publishPace);

/** Who gives a key means to publish. @throws AgentError USAGE */
const withoutKey = (flags: Flags): Flags => {
  if (flags.key.length === 0) return flags;
  throw new AgentError('USAGE', 'there is nothing to publish: no option says what the pace should be', {
    advice:
      'add one, such as --max-parallel 1 (one host after the other); without --key the present pace is shown',
  });
};

export const run = async (call: Call, environment: string, flags: Flags): Promise<ExitCode> =>
  hasPaceOptions(flags) ? publish(call, environment, flags) : show(call, environment, withoutKey(flags));
