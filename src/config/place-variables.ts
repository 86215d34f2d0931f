import { LABELS_FORM } from '../core/fleet/host-labels.ts';
import { manifestUrls } from './addresses.ts';
import {
  PATH_UNIT,
  absolutePath,
  environmentName,
  exactBoolean,
  firstFolder,
  hostLabels,
  hostName,
  socketPath,
  systemNumber,
  text,
} from './validators.ts';

/** The variables that most commands need. This file imports nothing heavy. */
export const what = {
  SUPERCARGO_ENVIRONMENT: environmentName({
    as: 'environment',
    unit: 'a name: lower-case letters, digits, "-" and "_", at most 63, starting with a letter or digit',
    example: 'staging',
    effect:
      'The environment whose manifest this host follows; part of the name of each container, network ' +
      'and volume.',
  }),
  SUPERCARGO_MANIFEST_URL: manifestUrls({
    as: 'manifestUrls',
    unit:
      'a URL of scheme https:, http: or file:, without user name and password; of several hubs: their URLs, ' +
      'separated by "," or blanks',
    example: 'https://deploy.example.com/manifests/staging.json',
    effect:
      'Where the manifest of the environment is read. Of several hubs each host prefers one, and goes to ' +
      'the others while that one does not answer.',
  }),
  SUPERCARGO_COMPOSE: absolutePath({
    as: 'composePath',
    unit: `${PATH_UNIT} of a compose file, or of a folder with compose.yaml and compose.d/*.yaml`,
    preset: '/etc/supercargo',
    example: '/etc/supercargo',
    effect: 'How the services run on this host.',
  }),
  SUPERCARGO_HOST: hostName({
    unit: 'a name: letters, digits, ".", "-" and "_", at most 253',
    otherwise: 'the hostname',
    default: undefined,
    example: 'web-1.example.com',
    effect:
      'The name of this host in reports; also decides its offset in the poll period and its place in ' +
      'a rollout.',
  }),
  SUPERCARGO_LABELS: hostLabels({
    as: 'labels',
    unit: LABELS_FORM,
    otherwise: 'none',
    default: {},
    example: 'zone=a,role=web,canary=true',
    effect:
      'What fleet --where, publish --wait-where and the page of a hub select this host by. A label decides ' +
      'when, never what.',
  }),
};

export const trust = {
  SUPERCARGO_TRUST: absolutePath({
    unit: PATH_UNIT,
    preset: '/etc/supercargo/trust.json',
    example: '/etc/supercargo/trust.json',
    effect: 'The public keys whose signature makes a manifest acceptable.',
  }),
  SUPERCARGO_ALLOW_UNSIGNED: exactBoolean({
    unit: 'true or false',
    preset: 'false',
    example: 'false',
    effect:
      'With true, and only where there is no trust file, a manifest without signature is accepted: ' +
      'for trials.',
  }),
};

export const source = {
  SUPERCARGO_MANIFEST_CREDENTIALS: absolutePath({
    unit: `${PATH_UNIT} of a file with "user:password" or a bearer token`,
    otherwise: 'none',
    default: undefined,
    example: '/etc/supercargo/manifest-credentials',
    effect: 'Sent to the server of the manifest.',
  }),
  SUPERCARGO_CA: absolutePath({
    as: 'caFile',
    unit: `${PATH_UNIT} of a PEM file`,
    otherwise: "Node's own list",
    default: undefined,
    example: '/etc/ssl/certs/example-ca.pem',
    effect: 'The certificate authority that the servers of the manifest and of reports are checked against.',
  }),
  SUPERCARGO_CLIENT_CERT: absolutePath({
    unit: `${PATH_UNIT} of a PEM file; only together with SUPERCARGO_CLIENT_KEY`,
    otherwise: 'none',
    default: undefined,
    example: '/etc/supercargo/client.pem',
    effect: 'The certificate that this host shows to the servers of the manifest and of reports.',
  }),
  SUPERCARGO_CLIENT_KEY: absolutePath({
    unit: `${PATH_UNIT} of a PEM file; only together with SUPERCARGO_CLIENT_CERT`,
    otherwise: 'none',
    default: undefined,
    example: '/etc/supercargo/client.key',
    effect: 'The private key of that certificate.',
  }),
};

export const files = {
  SUPERCARGO_STATE_DIR: absolutePath({
    unit: `${PATH_UNIT} of a folder`,
    otherwise: '$STATE_DIRECTORY (set by systemd), else /var/lib/supercargo',
    default: undefined,
    example: '/var/lib/supercargo',
    effect: 'Where the ledger and the history are kept.',
  }),
  SUPERCARGO_SOCKET: socketPath({
    as: 'socketPath',
    unit: `${PATH_UNIT}, at most 107 bytes`,
    preset: '/run/supercargo/agent.sock',
    example: '/run/supercargo/agent.sock',
    effect: 'The unix socket on which the agent answers status, pause, sync and the like.',
  }),
};

/** Set by systemd or the login. */
export const surroundings = {
  SUPERCARGO_INSTANCE: environmentName({
    unit: 'a name like that of an environment',
    otherwise: 'not set: the agent of supercargo.service',
    default: undefined,
    example: 'staging',
    effect: 'Selects one of several agents on this host: supercargo@NAME.service; --instance does the same.',
  }),
  CREDENTIALS_DIRECTORY: absolutePath({
    unit: PATH_UNIT,
    otherwise: '/run/credentials/supercargo.service',
    default: undefined,
    example: '/run/credentials/supercargo.service',
    effect:
      'Where systemd puts credentials: manifest-credentials, report-token and config.json (of ' +
      'docker) stand for the variables that are not set.',
  }),
  STATE_DIRECTORY: firstFolder({
    unit: 'absolute paths, separated by ":"',
    otherwise: 'not set',
    default: undefined,
    example: '/var/lib/supercargo',
    effect: 'The first one is the state folder where SUPERCARGO_STATE_DIR is not set.',
  }),
  HOME: text({
    unit: PATH_UNIT,
    otherwise: 'the home of the user',
    default: undefined,
    example: '/root',
    effect: 'Given to credential programs.',
  }),
  PATH: text({
    as: 'path',
    unit: 'folders, separated by ":"',
    otherwise: 'the usual system folders',
    default: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    example: '/usr/bin:/bin',
    effect: 'Where programs are looked for.',
  }),
  NOTIFY_SOCKET: text({
    unit: 'a socket',
    otherwise: 'not set',
    default: undefined,
    example: '/run/systemd/notify',
    effect: 'Where systemd listens for the state of the service.',
  }),
  WATCHDOG_USEC: systemNumber({
    unit: 'microseconds',
    otherwise: 'not set',
    default: undefined,
    example: '60000000',
    effect: 'The longest silence that systemd accepts.',
  }),
  WATCHDOG_PID: systemNumber({
    unit: 'a process id',
    otherwise: 'not set',
    default: undefined,
    example: '1234',
    effect: 'The process that systemd watches.',
  }),
};
