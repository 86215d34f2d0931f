/**
 * Several agents on one host are told apart by the name of their instance; the one without a name is
 * supercargo.service.
 */
export type InstanceName = string | undefined;

/** Where the variables are written down on a host; systemd reads the same file. */
export const environmentFile = (instance: InstanceName): string =>
  instance === undefined ? '/etc/supercargo/agent.env' : `/etc/supercargo/${instance}/agent.env`;

/** What holds for an agent where nobody says otherwise: the unit supercargo@.service has the same folders. */
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
  /** What the environment file says now, and what it said when this program started. */
  readonly file: Readonly<Record<string, string>>;
  readonly fileAtStart: Readonly<Record<string, string>>;
  readonly inherited: NodeJS.ProcessEnv;
}

/**
 * The environment of this program, above what the file says, above the defaults of the instance. systemd
 * hands the file's variables over as inherited ones: those are not the program's own, else a reload could
 * neither change nor remove any of them.
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
