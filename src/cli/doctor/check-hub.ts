import { resolve } from 'node:path';
import { readHubConfig, type HubConfig } from '../../config/hub-config.ts';
import { isLoopback } from '../../core/hub/listen-address.ts';
import { count } from '../terminal/units.ts';
import { describeTrust } from '../wiring/host-files.ts';
import { databaseOf } from '../wiring/hub-database.ts';
import { createHubTrust, TRUST_FILE } from '../wiring/hub-trust.ts';
import { checkCertificate } from './check-certificate.ts';
import { listenArgument } from '../arguments.ts';
import { checkDatabase } from './check-database.ts';
import { checkHubFolder } from './check-hub-folder.ts';
import { checkRunningHub } from './check-running-hub.ts';
import { guarded, hint, ok, type Check } from './check.ts';

/** As the hub has them. */
export interface HubDoctorOptions {
  readonly listen: string;
  readonly data: string;
  readonly store?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly trust?: string;
  readonly maxConnections: string;
}

const secretChecks = ({ secrets, warnings }: HubConfig): readonly Check[] => {
  const { publishTokens, environmentTokens, reportSecrets, readTokens, revokedHosts } = secrets;
  const parts = [
    ...(publishTokens.length > 0 ? ['publish token'] : []),
    ...(environmentTokens.length > 0
      ? [count(environmentTokens.length, 'publish token') + ' of environments']
      : []),
    ...(reportSecrets.length > 0 ? ['report secret'] : []),
    ...(readTokens.length > 0 ? ['read token'] : []),
    ...(revokedHosts.length > 0 ? [count(revokedHosts.length, 'revoked host')] : []),
  ];
  return [
    ok('secrets', parts.length === 0 ? 'none' : parts.join(', ')),
    ...warnings.map((warning) => hint('secrets', warning, 'see “Tokens” in docs/HUB.md')),
  ];
};

const checkTrust = async (file: string | undefined, data: string): Promise<readonly Check[]> => {
  const trust = await createHubTrust({ file, data })();
  return [
    trust
      ? ok('trust', describeTrust(trust))
      : hint(
          'trust',
          'no trust file: only the hosts check signatures, not the hub',
          `put the hosts' trust.json into ${data}/${TRUST_FILE}, or name it with --trust`,
        ),
  ];
};

/** All checks, in the order in which `hub doctor` shows them. @throws AgentError USAGE */
export const checkHub = async (
  options: HubDoctorOptions,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const data = resolve(options.data);
  const { tlsCert: cert, tlsKey: key } = options;
  const listen = listenArgument(options.listen);
  const found: { config?: HubConfig; isDatabase: boolean } = { isDatabase: false };
  const secrets = await guarded('secrets', async () => {
    found.config = await readHubConfig(env, false);
    return secretChecks(found.config);
  });
  const database = await guarded('database', async () => {
    const address = databaseOf(options.store, env);
    found.isDatabase = address !== undefined;
    return address ? checkDatabase(address, signal) : [];
  });
  const { publishTokens = [], readTokens = [] } = found.config?.secrets ?? {};
  const running = { listen, cert, token: readTokens[0] ?? publishTokens[0] };
  const maxConnections = Number(options.maxConnections);
  return [
    ...secrets,
    ...(await guarded('trust', () => checkTrust(options.trust, data))),
    ...(await guarded('certificate', () => checkCertificate(cert, key, isLoopback(listen.host)))),
    ...(await guarded('folder', () => checkHubFolder(data, !found.isDatabase))),
    ...database,
    ...(await guarded('hub', () => checkRunningHub({ ...running, maxConnections }, signal))),
  ];
};
