import type { EdgeConfig } from './edge-config.ts';
import { EDGE_HEALTH_MAP } from './edge-container.ts';
import { checkBackendName, checkedBackend, checkedService } from './haproxy-names.ts';
import { CHECK, digestOf, section, serverArguments } from './haproxy-text.ts';
import { HEALTH_BACKEND, type CheckedPort, type HealthAnswers, type HealthMap } from './health-answer.ts';

type HealthConfig = Pick<EdgeConfig, 'mode' | 'frontends' | 'backends' | 'checks'>;

/** How a version of the agent writes the health endpoint. */
export interface HealthStyle {
  readonly frontend: readonly string[];
  readonly sections: (config: HealthConfig) => readonly string[];
}

export const hasHealthEndpoint = ({ frontends }: Pick<EdgeConfig, 'frontends'>): boolean =>
  frontends.some(({ backend }) => backend === HEALTH_BACKEND);

interface Check {
  readonly service: string;
  readonly backend: string;
  readonly port: CheckedPort;
}

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** In its own network, the edge of `publish` mode would try its own ports instead of the host's. */
const checksOf = ({ mode, checks = [] }: HealthConfig): readonly Check[] => {
  const all = (mode === 'host' ? checks : []).map((port): [string, Check] => {
    const check = { service: checkedService(port.service), backend: checkBackendName(port), port };
    return [`${check.backend} ${check.service}`, check];
  });
  return [...new Map(all)].toSorted(([a], [b]) => byText(a, b)).map(([, check]) => check);
};

/**
 * `shape`: only what the endpoint is for, so that no version that words a rule differently replaces an edge.
 */
export const HEALTH_SHAPE: HealthStyle = {
  frontend: [],
  sections: (config) => [
    section(
      `backend ${HEALTH_BACKEND}`,
      checksOf(config).map(({ service, backend }) => `check ${service} ${backend}`),
    ),
  ],
};

const ANSWER = 'txn.answer';

/** `return` ends the rules. HAProxy itself omits the body of an answer to HEAD. */
const answer = (status: number, body: string, condition = ''): string =>
  `http-request return status ${String(status)} content-type "text/plain; charset=utf-8" ` +
  `hdr Cache-Control no-store ${body}${condition}`;

/** The third field of a map's value. HAProxy encodes control characters again, so it stays one line. */
const REASON = String.raw`lf-string "%[var(${ANSWER}),field(3,:),url_dec]\n"`;

/** A port of a service for which HAProxy counts the usable servers (`nbsrv`) itself. */
interface CountedPort {
  readonly service: string;
  readonly port: string;
  readonly backend: string;
}

const startFirstPorts = ({ backends }: HealthConfig): readonly CountedPort[] =>
  backends
    .filter(({ name }) => name !== HEALTH_BACKEND)
    .map(({ name }) => checkedBackend(name))
    .toSorted(byText)
    .map((backend) => {
      const colon = backend.lastIndexOf(':');
      return { service: backend.slice(0, colon), port: backend.slice(colon + 1), backend };
    });

/**
 * A leaving edge of HAProxy 2.6 counts no usable servers, but still answers clients that it accepted before.
 */
const STAYS = '!{ stopping }';

/**
 * A rule applies while the map names its backend, so that the agent can take it back without another edge.
 * `readWritten` reads the checked ports off these conditions.
 */
const closedRule = ({ service, port, backend }: CountedPort): string =>
  answer(
    503,
    String.raw`string "${service} does not answer at port ${port}\n"`,
    ` if { path / /${service} } { nbsrv(${backend}) eq 0 }` +
      ` { str(${backend}),map(${EDGE_HEALTH_MAP}) -m found } ${STAYS}`,
  );

const countedPorts = (config: HealthConfig): readonly CountedPort[] => [
  ...startFirstPorts(config),
  ...checksOf(config).map(({ service, backend, port }) => ({
    service,
    port: String(port.hostPort),
    backend,
  })),
];

/** Those of services in service: whether another one takes the host out is up to the answer for the host. */
export const healthMap = (config: HealthConfig, answers: HealthAnswers): HealthMap => {
  const ports = countedPorts(config).filter(({ service }) => answers[service]?.isUp !== false);
  return { answers, counted: [...new Set(ports.map(({ backend }) => backend))] };
};

const healthBackend = (config: HealthConfig): string =>
  section(`backend ${HEALTH_BACKEND}`, [
    'mode http',
    `http-request set-var(${ANSWER}) path,map(${EDGE_HEALTH_MAP})`,
    answer(404, String.raw`string "unknown service\n"`, ` unless { var(${ANSWER}) -m found }`),
    answer(503, REASON, ` if { var(${ANSWER}) -m beg 503 }`),
    ...countedPorts(config).map(closedRule),
    answer(200, REASON),
  ]);

const checkBackend = ({ backend, port: { hostAddress, hostPort } }: Check): string =>
  section(`backend ${backend}`, [
    'mode tcp',
    `server port ${serverArguments({ address: hostAddress || '127.0.0.1', port: hostPort })}`,
  ]);

export const HEALTH_STYLE: HealthStyle = {
  frontend: [
    // An answer each connection: balancers keep none open, and a replaced edge waits for none of theirs.
    'option httpclose',
    'timeout client 5s',
    'timeout http-request 5s',
  ],
  sections: (config) => [healthBackend(config), ...new Set(checksOf(config).map(checkBackend))],
};

const EXAMPLE: HealthConfig = {
  mode: 'host',
  frontends: [],
  backends: [{ name: 'web:1', protocol: 'http', servers: [] }],
  checks: [{ service: 'web', hostAddress: '', hostPort: 1 }],
};

/** An edge that reports another digest started with the endpoint of another agent version. */
export const HEALTH_SETTINGS = digestOf(
  JSON.stringify([HEALTH_STYLE.frontend, HEALTH_STYLE.sections(EXAMPLE), CHECK]),
  8,
);
