import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../../../src/core/compose/compose-problem.ts';
import { parseProject, referencedFiles } from '../../../../src/core/compose/project.ts';
import {
  briefly,
  errorsOf,
  FOLDER,
  inputOf,
  MAIN,
  parseText,
  projectOf,
  webErrors,
  webOf,
} from './parsing.ts';

const text = (content: string) => ({ kind: 'text', text: content }) as const;

const hintsIn = (content: string): readonly string[] =>
  projectOf(content).hints.map(({ line, path, message }) => `${String(line)} ${path}: ${message}`);

describe('a project', () => {
  it.each([[''], ['# nothing but a comment\n'], ['x-note: [1]\n'], ['services: {}\n']])(
    'of %j is empty',
    (content) => {
      expect(projectOf(content)).toEqual({
        services: {},
        networks: {},
        volumes: {},
        allowEmpty: false,
        hints: [],
        needs: [],
      });
    },
  );

  it('may be emptied on purpose', () => {
    expect(projectOf('x-supercargo: {allow-empty: true}').allowEmpty).toBe(true);
  });

  it('hints what happens where no service has the name of a container that one joins', () => {
    const compose = `services:
  a: {image: org/x, network_mode: "container:vpn"}
  b: {image: org/x, ipc: "container:other"}
  c: {image: org/x, pid: "container:named"}
  vpn: {image: org/x}
  d: {image: org/x, container_name: named}`;
    expect(
      projectOf(compose).hints.map(({ line, path, message }) => `${String(line)} ${path}: ${message}`),
    ).toEqual([
      '2 services.a.network_mode: no service has container_name: vpn. If you mean the service vpn, set its container_name to vpn',
      '3 services.b.ipc: no service has container_name: other. b waits until you start that container',
    ]);
  });

  it('hints that its name has no effect', () => {
    expect(hintsIn('name: ${UNSET}-shop')).toEqual([
      '1 name: name: is ignored: SUPERCARGO_ENVIRONMENT names the project',
    ]);
  });

  it('hints which versions are easily meant otherwise', () => {
    const compose = `services:
  a: {image: redis}
  b: {image: "redis:8"}
  c: {image: "org/web:latest"}
  d: {image: "org/web:latest", pull_policy: always}
  e: {image: org/web}
  f: {image: redis, x-supercargo: {version-from: a}}`;
    expect(hintsIn(compose)).toEqual([
      '2 services.a.image: has no tag: it waits until the manifest names a. Write a tag if this host decides',
      '4 services.c.image: the tag latest is looked up once and then stays: write a version, or no tag, and the manifest says which',
    ]);
  });

  it('hints which parts of a restart policy have no effect', () => {
    const policy = '\n        condition: any\n        max_attempts: 3\n        delay: 5s\n        window: 1m';
    const path = 'services.a.deploy.restart_policy';
    expect(hintsIn(`services:\n  a:\n    image: org/a\n    deploy:\n      restart_policy:${policy}`)).toEqual(
      [
        `7 ${path}.max_attempts: has no effect without condition: on-failure`,
        `8 ${path}.delay: has no effect: the engine waits longer after each restart by itself`,
        `9 ${path}.window: has no effect: the engine waits longer after each restart by itself`,
      ],
    );
  });

  it('hints that processors cannot be reserved', () => {
    const reserved = 'deploy: {resources: {reservations: {cpus: "0.5"}}}';
    expect(hintsIn(`services: {a: {image: org/a, ${reserved}}}`)).toEqual([
      '1 services.a.deploy.resources.reservations.cpus: has no effect: the engine cannot reserve processors; cpu_shares gives a weight',
    ]);
  });

  it('hints that version is obsolete', () => {
    expect(projectOf('version: "3"').hints).toEqual([
      {
        file: MAIN,
        line: 1,
        path: 'version',
        message: 'version: is obsolete and ignored by Compose: remove it',
      },
    ]);
  });

  it('has the default network only where a service uses it', () => {
    const plain = {
      fixedName: undefined,
      external: false,
      driverOptions: {},
      internal: false,
      attachable: false,
      enableIpv6: false,
      labels: {},
    };
    expect(projectOf('services: {a: {image: x}}').networks).toEqual({ default: plain });
    expect(projectOf('services: {a: {image: x, network_mode: host}}').networks).toEqual({});
    expect(
      projectOf('services: {a: {image: x}}\nnetworks: {default: {name: lan, external: true}}').networks,
    ).toEqual({
      default: { ...plain, fixedName: 'lan', external: true },
    });
  });

  it('defines networks and volumes', () => {
    const { networks, volumes } = projectOf(`networks:
  full:
    driver: bridge
    driver_opts: {com.docker.network.driver.mtu: 1400}
    ipam: {driver: default, config: [{subnet: 10.1.0.0/16, ip_range: 10.1.5.0/24, gateway: 10.1.0.1, aux_addresses: {a: 10.1.0.2}}]}
    internal: true
    attachable: true
    enable_ipv6: true
    labels: [a=b]
    name: lan
  outside: {external: true}
volumes:
  plain:
  full: {driver: local, driver_opts: {type: nfs}, labels: {a: b}, name: v}
  outside: {external: true, name: other}
`);
    expect({ networks, volumes }).toEqual({
      networks: {
        full: {
          fixedName: 'lan',
          external: false,
          driver: 'bridge',
          driverOptions: { 'com.docker.network.driver.mtu': '1400' },
          ipam: {
            driver: 'default',
            config: [
              {
                subnet: '10.1.0.0/16',
                ipRange: '10.1.5.0/24',
                gateway: '10.1.0.1',
                auxAddresses: { a: '10.1.0.2' },
              },
            ],
          },
          internal: true,
          attachable: true,
          enableIpv6: true,
          labels: { a: 'b' },
        },
        outside: {
          fixedName: 'outside',
          external: true,
          driverOptions: {},
          internal: false,
          attachable: false,
          enableIpv6: false,
          labels: {},
        },
      },
      volumes: {
        full: {
          fixedName: 'v',
          external: false,
          driver: 'local',
          driverOptions: { type: 'nfs' },
          labels: { a: 'b' },
        },
        outside: { fixedName: 'other', external: true, driverOptions: {}, labels: {} },
        plain: { fixedName: undefined, external: false, driverOptions: {}, labels: {} },
      },
    });
  });

  it('survives JSON', () => {
    const project = projectOf('services: {a: {image: x, ports: [80], volumes: [/v]}}');
    expect(projectOf('services: {a: {image: x, ports: [80], volumes: [/v]}}')).toEqual(
      JSON.parse(JSON.stringify(project)),
    );
  });
});

describe('several files', () => {
  it('are one project; a fragment sees what another file defines', () => {
    const parsed = parseProject(
      inputOf({
        'compose.yaml': 'services: {a: {image: x}}\nvolumes: {v: }',
        'compose.d/b.yaml': 'services: {b: {image: y, volumes: ["v:/v", "./rel:/r"]}}',
        'compose.d/c.yaml': '# later',
      }),
    );
    expect(
      parsed.kind === 'ok' && [
        Object.keys(parsed.project.services),
        parsed.project.services['b']?.container.mounts,
      ],
    ).toEqual([
      ['a', 'b'],
      [
        { kind: 'bind', source: `${FOLDER}/rel`, target: '/r', readOnly: false, createSource: true },
        { kind: 'volume', name: 'v', target: '/v', readOnly: false },
      ],
    ]);
  });

  it.each([
    'services: {n: {image: x}}',
    'networks: {n: }',
    'volumes: {n: }',
    'secrets: {n: {file: /s}}',
    'configs: {n: {file: /s}}',
  ])('may not define a name twice: %s', (content) => {
    const parsed = parseProject(
      inputOf(
        { 'compose.yaml': `\n${content}`, 'compose.d/b.yaml': content },
        { '/s': { kind: 'hash', sha256: 'h' } },
      ),
    );
    expect(errorsOf(parsed).map(formatProblem)).toEqual([
      `${FOLDER}/compose.d/b.yaml:1:${content.indexOf('n:') + 1}: ${content.split(':')[0]}.n: "n" is already defined in ${MAIN}:2\n    → keep one of the two: files are never merged`,
    ]);
  });

  it('show their errors in the order of files and lines', () => {
    const parsed = parseProject(
      inputOf({ 'compose.yaml': 'services:\n  z: {}\n  a: {}', 'compose.d/b.yaml': '[' }),
    );
    expect(errorsOf(parsed).map((error) => `${error.file.slice(FOLDER.length)}:${error.line}`)).toEqual([
      '/compose.yaml:2',
      '/compose.yaml:3',
      '/compose.d/b.yaml:1',
    ]);
  });
});

describe('anchors and merge keys', () => {
  it('fill in what is not said, the earlier map of a list first', () => {
    const service = projectOf(`x-a: &a {user: "1", hostname: a, image: org/other}
x-b: &b {user: "2", domainname: b}
services:
  web:
    <<: [*a, *b]
    image: org/web
    labels: &labels {l: m}
  job: {image: org/web, labels: *labels}
`).services;
    const { image, container } = service['web'] ?? {};
    expect([
      image,
      container?.user,
      container?.hostname,
      container?.domainname,
      service['job']?.container.labels,
    ]).toEqual(['org/web', '1', 'a', 'b', { l: 'm' }]);
  });

  it('may be written with their whole tag', () => {
    expect(
      projectOf('x-a: &a {image: org/a}\nservices: {web: {!!merge <<: *a}}').services['web']?.image,
    ).toBe('org/a');
  });

  it('show a fault in an anchor once, wherever it is used', () => {
    const services =
      'services:\n  a: {image: org/a, <<: *e}\n  b: {image: org/b, <<: *e}\n  c: {image: org/c}\n';
    expect(briefly(parseText(`x-e: &e\n  usr: x\n${services}`))).toEqual([
      '2 services.a.usr: unknown key "usr" → did you mean "user"?',
    ]);
  });

  it('lead an error to the line that was written, at the path where it counts', () => {
    expect(
      briefly(parseText('x-a: &a\n  user: ""\nservices:\n  web:\n    <<: *a\n    image: org/web\n')),
    ).toEqual(['2 services.web.user: is empty → give it a value, or remove the line']);
  });
});

describe('a fault of one value', () => {
  it('hides no other fault of the file', () => {
    const faulty = `services:
  a:
    image: org/a
    user: !secret x
    user: y
    imge: x
  b:
    image: *gone
    ports: [0]
`;
    expect(briefly(parseText(faulty)).map((error) => error.replace(/ → .*/, ''))).toEqual([
      '4 : a value begins with "!", which is a tag in YAML',
      '5 services.a.user: "user" is set twice',
      '6 services.a.imge: unknown key "imge"',
      '8 services.b.image: this alias has no anchor above it',
      '9 services.b.ports[0]: "0" is not a port (1 to 65535)',
    ]);
  });

  it('is told alone where the structure is in doubt', () => {
    expect(briefly(parseText('services:\n  a:\n    imge: x\n   user: y\n'))).toEqual([
      '4 : the indentation is wrong → correct the YAML syntax here',
    ]);
  });
});

describe('a file of the first format', () => {
  it('is told to put its services below services:', () => {
    expect(briefly(parseText('web:\n  image: org/web\ndb:\n  image: org/db\n'))).toEqual([
      '1 : names services without services: above them → write services: first, and indent what follows',
    ]);
  });
});

const linked = (links: string, more = '', top = ''): string =>
  `services:\n  web: {image: org/web, links: ${links}${more}}\n  db: {image: org/db}\n${top}`;

const servicesOf = (content: string) => projectOf(content).services;

describe('a file that "docker compose config" has written', () => {
  it('is taken as it is', () => {
    const written = `name: shop
services:
  web:
    command: null
    deploy: {replicas: 1, resources: {limits: {cpus: 0.5, memory: "536870912"}}, placement: {}}
    entrypoint: null
    environment: {A: "1", B: null}
    image: org/web:1
    networks: {default: null}
    ports: [{mode: ingress, target: 80, published: "8080", protocol: tcp}]
    secrets: [{source: key, target: /run/secrets/key}]
    stop_grace_period: 1m0s
    volumes:
      - {type: volume, source: data, target: /data, volume: {}}
      - {type: bind, source: /srv, target: /srv, bind: {create_host_path: true}}
networks: {default: {name: shop_default, ipam: {}}}
volumes: {data: {name: shop_data}}
secrets: {key: {name: shop_key, file: /k}}
`;
    const parsed = parseText(written, { '/k': { kind: 'hash', sha256: 'h' } });
    expect([parsed.kind, briefly(parsed)]).toEqual(['ok', []]);
  });
});

describe('links', () => {
  it('mean that the other starts first, on the network that both have', () => {
    const { web, db } = servicesOf(linked('[db, "db:db"]'));
    expect([web?.dependsOn, db]).toEqual([
      [{ service: 'db', condition: 'started' }],
      servicesOf('services: {db: {image: org/db}}')['db'],
    ]);
  });

  it('keep a condition of depends_on', () => {
    const { web } = servicesOf(linked('[db]', ', depends_on: {db: {condition: service_healthy}}'));
    expect(web?.dependsOn).toEqual([{ service: 'db', condition: 'healthy' }]);
  });

  it('give the other an alias on the networks that both have', () => {
    const { db } = servicesOf(`services:
  web: {image: org/web, networks: [a, b], links: ["db:sql", "db:data"]}
  db: {image: org/db, networks: [b, c]}
networks: {a: , b: , c: }
`);
    expect(db?.container.networkMode).toEqual({
      kind: 'networks',
      attachments: [
        { network: 'b', aliases: ['data', 'sql'] },
        { network: 'c', aliases: [] },
      ],
    });
  });

  it.each([
    [
      linked('[db]', ', network_mode: host'),
      '2 services.web.links[0]: shares no network with "db" → put both services on one network',
    ],
    [
      `${linked('["db:cache"]')}  cache: {image: org/cache}\n`,
      '2 services.web.links[0]: "cache" is already a name of "cache" there → choose another alias',
    ],
    [
      `${linked('["db:sql"]')}  other: {image: org/o, networks: {default: {aliases: [sql]}}}\n`,
      '2 services.web.links[0]: "sql" is already a name of "other" there → choose another alias',
    ],
    [
      linked('[db]').replace('org/db}', 'org/db, links: [web]}'),
      '3 services.db: services wait for each other: db → web → db → remove one of these dependencies',
    ],
  ])('that cannot work are errors: %s', (content, error) => {
    expect(briefly(parseText(content))).toEqual([error]);
  });
});

const waiting = (restart: string): string =>
  `services:\n  web: {image: org/web, depends_on: {job: {condition: service_completed_successfully}}}\n  job: {image: org/job, restart: ${restart}}\n`;

describe('a job', () => {
  it.each(['"no"', 'on-failure', 'on-failure:5'])('may have restart: %s', (restart) => {
    expect(parseText(waiting(restart)).kind).toBe('ok');
  });

  it.each(['always', 'unless-stopped'])('may not have restart: %s', (restart) => {
    expect(briefly(parseText(waiting(restart)))).toEqual([
      '2 services.web.depends_on: waits until "job" completes, but "job" is started again when it ends → set restart: "no" or on-failure on "job", or wait for another condition',
    ]);
  });
});

const pools = (more: string): string =>
  `networks:\n  n: {ipam: {config: [{subnet: 172.30.0.0/16${more}}, {subnet: "fd00::/64"}]}}\n`;

describe('addresses', () => {
  it.each([
    ['ipv4_address: 172.31.0.5', '172.31.0.5'],
    ['ipv6_address: "fd01::5"', 'fd01::5'],
  ])('of a service are in a subnet of its network: %s', (address, shown) => {
    expect(webErrors(`networks: {n: {${address}}}`, pools(''))).toEqual([
      `4 services.web.networks.n.${address.split(':')[0]}: "${shown}" is in no subnet of the network → write an address of one of its subnets`,
    ]);
  });

  it('of two services on one network are two', () => {
    const fixed = 'networks: {n: {ipv4_address: 172.30.0.5}}';
    expect(webErrors(fixed, `  db: {image: org/db, ${fixed}}\n${pools('')}`)).toEqual([
      '4 services.web.networks.n.ipv4_address: "172.30.0.5" is also the address of "db" → write another address',
    ]);
  });

  it.each([
    ['gateway: 172.31.0.1', 'gateway', '172.31.0.1'],
    ['ip_range: 172.30.0.0/15', 'ip_range', '172.30.0.0/15'],
    ['aux_addresses: {a: 10.0.0.1}', 'aux_addresses.a', '10.0.0.1'],
  ])('of a pool are in its subnet: %s', (part, path, shown) => {
    expect(briefly(parseText(pools(`, ${part}`)))).toEqual([
      `2 networks.n.ipam.config[0].${path}: "${shown}" is not in the subnet → write one of "172.30.0.0/16"`,
    ]);
  });
});

describe('a seccomp profile', () => {
  const profile = `${FOLDER}/profile.json`;
  const line = 'security_opt: ["seccomp:./profile.json", "no-new-privileges:true"]';

  it('is given to the engine by its content', () => {
    const { container } = webOf(line, '', { [profile]: text('{ "defaultAction": "SCMP_ACT_ERRNO" }\n') });
    expect(container.securityOpt).toEqual([
      'no-new-privileges:true',
      'seccomp={"defaultAction":"SCMP_ACT_ERRNO"}',
    ]);
  });

  it('has to be JSON', () => {
    expect(webErrors(line, '', { [profile]: text('{') })).toEqual([
      `4 services.web.security_opt[0]: ${profile} is not JSON → name a seccomp profile`,
    ]);
  });
});

describe('what the files need of the engine', () => {
  it('is known with its place', () => {
    const compose = `services:
  web:
    image: org/web
    healthcheck: {start_period: 9s, start_interval: 1s}
    volumes: [{type: volume, source: v, target: /v, volume: {subpath: s}}]
volumes: {v: }
`;
    expect(
      projectOf(compose).needs.map(({ line, path, setting, api }) => [line, path, setting, api]),
    ).toEqual([
      [5, 'services.web.volumes', 'volume.subpath', '1.45'],
      [4, 'services.web.healthcheck.start_interval', 'healthcheck.start_interval', '1.44'],
    ]);
  });
});

describe('variables', () => {
  const env = { [`${FOLDER}/.env`]: text('TAG=1.10\nBAD=$\n') };

  it('come from .env beside compose.yaml, then from declared files, and nowhere else', () => {
    const read = {
      [`${FOLDER}/.env`]: text('A=dot\nB=dot\n'),
      [`${FOLDER}/one.env`]: text('B=one\nC=one-${A}\n'),
      '/abs/two.env': text('D=two\n'),
    };
    const service = webOf(
      'environment: ["V=$A $B $C $D", A]\nuser: ${PATH:-nobody}',
      'x-supercargo: {env-file: [./one.env, /abs/two.env]}',
      read,
    );
    expect([service.container.environment, service.container.user]).toEqual([
      { A: 'dot', V: 'dot one one-dot two' },
      'nobody',
    ]);
  });

  it('keep their text where text is wanted, and become numbers where those are', () => {
    const service = webOf('environment:\n  V: "${V}"\n  W: ${V}\ncpus: ${V}', '', {
      [`${FOLDER}/.env`]: text('V=1.10'),
    });
    expect([service.container.environment, service.container.nanoCpus]).toEqual([
      { V: '1.10', W: '1.10' },
      1_100_000_000,
    ]);
  });

  it('are not put into keys', () => {
    expect(webOf('labels: {$A: x}').container.labels).toEqual({ $A: 'x' });
  });

  it('that are not set are errors in their line', () => {
    expect(webErrors('user: ${NONE}\nhostname: ${NONE:?say so}\nworking_dir: /$$/$')).toEqual([
      "4 services.web.user: variable NONE is not set → set it in .env beside compose.yaml, or in the file that x-supercargo.env-file names, or write ${NONE:-default}; the agent's own environment is never used",
      '5 services.web.hostname: variable NONE is required: say so → set it in .env beside compose.yaml, or in the file that x-supercargo.env-file names',
      '6 services.web.working_dir: contains a "$" that begins no variable → write $$ for a dollar sign',
    ]);
  });

  it('show faults of the file at its own line', () => {
    const problems = errorsOf(parseText('services: {a: {image: x}}', env)).map(
      (error) => `${error.file}:${error.line} ${error.path}: ${error.message}`,
    );
    expect(problems).toEqual([`${FOLDER}/.env:2 BAD: contains a "$" that begins no variable`]);
  });

  it.each([
    [
      'x-supercargo: {env-file: ./gone.env}',
      '/etc/supercargo/gone.env does not exist → create the file, or correct the path',
    ],
    [
      'x-supercargo: {env-file: $X}',
      'is not a path → write a path without variables: this file is what defines them',
    ],
    [
      'x-supercargo: {env-file: {a: b}}',
      'is not a path → write a path without variables: this file is what defines them',
    ],
  ])('need their declared file: %s', (content, error) => {
    expect(briefly(parseText(content))).toEqual([`1 x-supercargo.env-file: ${error}`]);
  });
});

describe('env_file', () => {
  const read = { [`${FOLDER}/a.env`]: text('A=a\nB=a\n'), [`${FOLDER}/b.env`]: text('B=b-$A\n') };

  it('comes below environment; later files win', () => {
    expect(
      webOf(
        'env_file: [a.env, {path: ./b.env}, {path: gone.env, required: false}]\nenvironment: {A: own}',
        '',
        read,
      ).container.environment,
    ).toEqual({
      A: 'own',
      B: 'b-a',
    });
    expect(webOf('env_file: a.env', '', read).container.environment).toEqual({ A: 'a', B: 'a' });
  });

  it.each([
    [
      'env_file: gone.env',
      {},
      'env_file: /etc/supercargo/gone.env does not exist → create the file, or correct the path',
    ],
    [
      'env_file: [/s.env]',
      { '/s.env': { kind: 'unreadable' } as const },
      'env_file[0]: /s.env may not be read → let the agent read it (chmod, chown)',
    ],
    [
      'env_file: {path: /s, format: raw}',
      {},
      'env_file.format: "format" is not supported → remove it, and put values with "$" into single quotes in the file',
    ],
  ])('%s is an error', (lines, files, error) => {
    expect(webErrors(lines, '', files)).toEqual(expect.arrayContaining([`4 services.web.${error}`]));
  });

  it('shared by services shows its fault once', () => {
    const parsed = parseText('services: {a: {image: x, env_file: /e}, b: {image: x, env_file: /e}}', {
      '/e': text('?'),
    });
    expect(errorsOf(parsed).map((error) => `${error.file}:${error.line}`)).toEqual(['/e:1']);
  });
});

const mount = (source: string, target: string, contentHash: string) => ({
  kind: 'bind',
  source,
  target,
  readOnly: true,
  createSource: false,
  contentHash,
});

describe('secrets and configs', () => {
  const top = 'secrets: {key: {file: ./key}}\nconfigs: {site: {file: /site.conf}}';
  const read = {
    [`${FOLDER}/key`]: { kind: 'hash', sha256: 'aa' },
    '/site.conf': { kind: 'hash', sha256: 'bb' },
  } as const;
  it('are read-only files in the container, with the hash of their content', () => {
    expect(webOf('secrets: [key]\nconfigs: [site]', top, read).container.mounts).toEqual([
      mount(`${FOLDER}/key`, '/run/secrets/key', 'aa'),
      mount('/site.conf', '/site', 'bb'),
    ]);
    expect(
      webOf(
        'secrets: [{source: key, target: tls.pem}]\nconfigs: [{source: site, target: /etc/site}]',
        top,
        read,
      ).container.mounts,
    ).toEqual([mount('/site.conf', '/etc/site', 'bb'), mount(`${FOLDER}/key`, '/run/secrets/tls.pem', 'aa')]);
  });

  describe('with their text in the files', () => {
    const inline = `secrets: {key: {environment: KEY}}
configs: {site: {content: "port: \${PORT:-80}\\n"}, other: {environment: KEY}}`;
    const env = { [`${FOLDER}/.env`]: text('KEY=hunter2') };

    it('are files that the agent puts into the container', () => {
      const { container } = webOf(
        'secrets: [key]\nconfigs: [{source: site, target: /etc/site}, other]',
        inline,
        env,
      );
      expect([container.files, container.mounts]).toEqual([
        [
          { target: '/etc/site', content: 'port: 80\n' },
          { target: '/other', content: 'hunter2' },
          { target: '/run/secrets/key', content: 'hunter2' },
        ],
        [],
      ]);
    });

    it.each([
      ['secrets: [key]\nread_only: true', 'cannot be put into a read-only container'],
      ['secrets: [key]\ntmpfs: /run', 'is covered by a mount'],
      ['secrets: [key]\nvolumes: ["./k:/run/secrets/key"]', 'is covered by a mount'],
      [
        `secrets: [{source: key, target: /${'x'.repeat(100)}}]`,
        'has a target of more than 100 ASCII characters',
      ],
    ])('have no place with %s', (lines, message) => {
      expect(webErrors(lines, inline, env)).toEqual([
        expect.stringContaining(`4 services.web.secrets[0]: ${message} → `),
      ]);
    });

    it.each([
      ['secrets: {k: {environment: NONE}}', 'secrets.k.environment: variable NONE is not set'],
      ['secrets: {k: {content: x}}', 'secrets.k.content: is no key of a secret'],
      ['configs: {k: {content: x, file: /x}}', 'configs.k: has both file and content'],
      ['configs: {k: {}}', 'configs.k: has no file'],
      ['configs: {k: {content: 1.10}}', 'configs.k.content: the value is read as another number or word'],
    ])('are told once if they are wrong: %s', (top_, message) => {
      const kind = top_.split(':')[0] ?? '';
      const errors = briefly(parseText(`${top_}\nservices: {web: {image: org/web, ${kind}: [k]}}`));
      expect(errors).toEqual([expect.stringContaining(`1 ${message} → `)]);
    });
  });

  it.each(['uid: "1"', 'gid: "1"', 'mode: 0400'])('cannot have %s', (option) => {
    const key = option.split(':')[0];
    expect(webErrors(`secrets: [{source: key, ${option}}]`, top, read)).toEqual([
      `4 services.web.secrets[0].${key}: "${key}" is not supported → remove it, and set owner and mode of the file on the host: the container sees those`,
    ]);
  });

  it('that the agent may not read have no hash, and a hint', () => {
    const project = projectOf('services: {a: {image: org/x, secrets: [key]}}\nsecrets: {key: {file: /k}}', {
      '/k': { kind: 'unreadable' },
    });
    expect([project.services['a']?.container.mounts, project.hints]).toEqual([
      [{ kind: 'bind', source: '/k', target: '/run/secrets/key', readOnly: true, createSource: false }],
      [
        {
          file: MAIN,
          line: 2,
          path: 'secrets.key',
          message: '/k may not be read by the agent, which will not notice a change of its content',
        },
      ],
    ]);
  });
});

describe('referenced files', () => {
  it('are named with their purpose, more of them once variables are known', () => {
    const files = {
      'compose.yaml':
        'services: {a: {image: x, env_file: "${NAME}.env"}}\nsecrets: {s: {file: /s}}\nconfigs: {c: {file: c}}\nx-supercargo: {env-file: v.env}',
    };
    const first = [
      { path: `${FOLDER}/.env`, purpose: 'variables' },
      { path: `${FOLDER}/v.env`, purpose: 'variables' },
      { path: '/s', purpose: 'secret' },
      { path: `${FOLDER}/c`, purpose: 'config' },
    ];
    expect(referencedFiles(inputOf(files))).toEqual(first);
    expect(referencedFiles(inputOf(files, { [`${FOLDER}/v.env`]: text('NAME=n') }))).toEqual([
      ...first,
      { path: `${FOLDER}/n.env`, purpose: 'environment' },
    ]);
  });
});
