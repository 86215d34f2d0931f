import {
  absolutePath,
  cronExpression,
  edgeMode,
  engineAddress,
  environmentName,
  exactBoolean,
  firstFolder,
  hostName,
  integer,
  logFormat,
  logLevel,
  deployWindows,
  manifestUrl,
  metricsFile,
  pinnedImage,
  registryMirrors,
  reportUrl,
  secretWord,
  socketPath,
  systemNumber,
  text,
} from './validators.ts';
import { parseImage } from '../core/image/reference.ts';
import { EDGE_IMAGE, VARIABLES, type VariableName } from './agent-variables.ts';

const about = (name: VariableName): { desc: string; example: string } => ({
  desc: VARIABLES[name].effect,
  example: VARIABLES[name].example,
});
/** envalid: a value that may be absent, without default. */
const optional = { default: undefined } as const;

const ENVIRONMENT_SPEC = { SUPERCARGO_ENVIRONMENT: environmentName(optional) };

export const PATH_SPECS = {
  ...ENVIRONMENT_SPEC,
  SUPERCARGO_INSTANCE: environmentName(optional),
  SUPERCARGO_STATE_DIR: absolutePath(optional),
  STATE_DIRECTORY: firstFolder(optional),
  SUPERCARGO_SOCKET: socketPath({ default: '/run/supercargo/agent.sock' }),
};
export const DOCUMENT_SPECS = {
  ...ENVIRONMENT_SPEC,
  SUPERCARGO_COMPOSE: absolutePath({ default: '/etc/supercargo' }),
  SUPERCARGO_TRUST: absolutePath({ default: '/etc/supercargo/trust.json' }),
};
export const AGENT_SPECS = {
  ...PATH_SPECS,
  ...DOCUMENT_SPECS,
  SUPERCARGO_ENVIRONMENT: environmentName(about('SUPERCARGO_ENVIRONMENT')),
  SUPERCARGO_MANIFEST_URL: manifestUrl(about('SUPERCARGO_MANIFEST_URL')),
  SUPERCARGO_ALLOW_UNSIGNED: exactBoolean({ default: false }),
  SUPERCARGO_HOST: hostName(optional),
  SUPERCARGO_POLL: cronExpression({ default: '*/30 * * * * *' }),
  SUPERCARGO_MANIFEST_CREDENTIALS: absolutePath(optional),
  SUPERCARGO_CA: absolutePath(optional),
  SUPERCARGO_CLIENT_CERT: absolutePath(optional),
  SUPERCARGO_CLIENT_KEY: absolutePath(optional),
  SUPERCARGO_WINDOW: deployWindows({ default: [] }),
  SUPERCARGO_KEEP_RELEASES: integer(1, 20)({ default: 2 }),
  SUPERCARGO_EDGE_IMAGE: pinnedImage({ default: parseImage(EDGE_IMAGE) }),
  SUPERCARGO_EDGE_MODE: edgeMode({ default: 'host' }),
  SUPERCARGO_LOG_LEVEL: logLevel({ default: 'info' }),
  SUPERCARGO_LOG_FORMAT: logFormat(optional),
  SUPERCARGO_REPORT_URL: reportUrl(optional),
  SUPERCARGO_REPORT_TOKEN: secretWord(optional),
  SUPERCARGO_REPORT_TOKEN_FILE: absolutePath(optional),
  SUPERCARGO_METRICS_FILE: metricsFile(optional),
  SUPERCARGO_REGISTRY_MIRRORS: registryMirrors({ default: [] }),
  SUPERCARGO_ARCHIVES: exactBoolean({ default: true }),
  DOCKER_HOST: engineAddress({ default: { kind: 'unix', socketPath: '/var/run/docker.sock' } }),
  DOCKER_TLS_VERIFY: text(optional),
  DOCKER_CERT_PATH: absolutePath(optional),
  DOCKER_CONFIG: absolutePath(optional),
  CREDENTIALS_DIRECTORY: absolutePath(optional),
  HOME: text(optional),
  PATH: text({ default: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }),
  NOTIFY_SOCKET: text(optional),
  WATCHDOG_USEC: systemNumber(optional),
  WATCHDOG_PID: systemNumber(optional),
};
