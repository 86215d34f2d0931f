import { parse } from 'yaml';
import { askLibraries } from '../../support/chef-libraries.ts';
import { ENVIRONMENT } from './office.ts';
import { HOST, type Scene } from './scene.ts';

export const PORT = 8080;

/** Services of a compose file; `audit` and `mail` log as the files of Chef have it. */
const composeOf = ({ office }: Scene): string => `services:
  web:
    image: ${office.repository('web')}
    restart: unless-stopped
    ports: [{ target: 8888, published: "${String(PORT)}", app_protocol: http }]
    deploy: { replicas: 2, update_config: { order: start-first, monitor: 1s } }
    x-supercargo: { ready: { http: /ready, port: 8888 }, healthy-within: 20s, drain: 3s }
  audit:
    image: ${office.repository('audit')}
    restart: unless-stopped
    logging: { driver: syslog, options: { tag: audit } }
    deploy: { update_config: { monitor: 1s } }
  mail:
    image: ${office.repository('mail')}
    restart: unless-stopped
    logging: { driver: journald, options: { tag: mail } }
    deploy: { update_config: { monitor: 1s } }
`;

/** What the cookbook's libraries write: a host that trusts the build server, follows the hub, may pull. */
export const configure = async (scene: Scene): Promise<void> => {
  const { host, office } = scene;
  const settings = {
    SUPERCARGO_ENVIRONMENT: ENVIRONMENT,
    SUPERCARGO_MANIFEST_URL: `${office.hubUrl}/manifests/${ENVIRONMENT}.json`,
    SUPERCARGO_REPORT_URL: office.hubUrl,
    SUPERCARGO_CA: '/etc/supercargo/ca.crt',
    SUPERCARGO_EDGE_IMAGE: office.edgeImage,
  };
  const written = await askLibraries({ env: [settings], compose: [parse(composeOf(scene)) as object] });
  const [env] = written.env;
  if (typeof env !== 'string') throw new Error('the cookbook refuses the variables');
  await host.write('/etc/supercargo/agent.env', env, '0640', 'root:deploy');
  await host.write('/etc/supercargo/trust.json', office.publisher.trust, '0640', 'root:deploy');
  await host.write('/etc/supercargo/ca.crt', office.authority);
  await host.write('/etc/supercargo/compose.yaml', written.yaml[0] ?? '', '0640', 'root:deploy');
  await host.write('/etc/credstore/supercargo.docker-config', office.dockerConfig, '0600');
  const token = await office.hub.tokenOf(ENVIRONMENT, HOST);
  await host.write('/etc/credstore/supercargo.report-token', token, '0600');
  await host.write(`/etc/docker/certs.d/${office.registry}/ca.crt`, office.authority);
};
