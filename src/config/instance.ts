/** The name that tells agents on one host apart; undefined for the agent of supercargo.service. */
export type InstanceName = string | undefined;

/** The file with a host's variables; systemd reads the same file. */
export const environmentFile = (instance: InstanceName): string =>
  instance === undefined ? '/etc/supercargo/agent.env' : `/etc/supercargo/${instance}/agent.env`;

/** The defaults of an instance. The unit supercargo@.service has the same folders. */
export const instanceDefaults = (instance: InstanceName): Readonly<Record<string, string>> =>
  instance === undefined
    ? { CREDENTIALS_DIRECTORY: '/run/credentials/supercargo.service' }
    : {
        SUPERCARGO_INSTANCE: instance,
        SUPERCARGO_ENVIRONMENT: instance,
        SUPERCARGO_COMPOSE: `/etc/supercargo/${instance}`,
        SUPERCARGO_TRUST: `/etc/supercargo/${instance}/trust.json`,
        SUPERCARGO_STATE_DIR: `/var/lib/supercargo/instances/${instance}`,
        SUPERCARGO_SOCKET: `/run/supercargo-${instance}/agent.sock`,
        CREDENTIALS_DIRECTORY: `/run/credentials/supercargo@${instance}.service`,
      };

export interface EnvironmentSources {
  readonly instance: InstanceName;
  /** The environment file now, and as it was when this program started. */
  readonly file: Readonly<Record<string, string>>;
  readonly fileAtStart: Readonly<Record<string, string>>;
  readonly inherited: NodeJS.ProcessEnv;
}

/**
 * The program's environment overrides the file, and the file overrides the instance's defaults. systemd
 * passes the file's variables in the environment; these do not count as the program's own, or a reload could
 * neither change nor remove them.
 */
export const environmentOf = ({
  instance,
  file,
  fileAtStart,
  inherited,
}: EnvironmentSources): NodeJS.ProcessEnv => {
  const own = Object.entries(inherited).filter(([name, value]) => fileAtStart[name] !== value);
  return { ...instanceDefaults(instance), ...file, ...Object.fromEntries(own) };
};
