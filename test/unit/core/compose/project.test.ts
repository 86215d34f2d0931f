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
      });
    },
  );

  it('may be emptied on purpose', () => {
    expect(projectOf('x-supercargo: {allow-empty: true}').allowEmpty).toBe(true);
  });

  it('hints what happens where no service has the name of a container that one joins', () => {
    const compose = `services:
  a: {image: x, network_mode: "container:vpn"}
  b: {image: x, ipc: "container:other"}
  c: {image: x, pid: "container:named"}
  vpn: {image: x}
  d: {image: x, container_name: named}`;
    expect(
      projectOf(compose).hints.map(({ line, path, message }) => `${String(line)} ${path}: ${message}`),
    ).toEqual([
      '2 services.a.network_mode: no service has container_name: vpn. If you mean the service vpn, set its container_name to vpn',
      '3 services.b.ipc: no service has container_name: other. b waits until you start that container',
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

  it('lead an error to the line that was written, at the path where it counts', () => {
    expect(
      briefly(parseText('x-a: &a\n  user: ""\nservices:\n  web:\n    <<: *a\n    image: org/web\n')),
    ).toEqual(['2 services.web.user: is empty → give it a value, or remove the line']);
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

  it.each(['uid: "1"', 'gid: "1"', 'mode: 0400'])('cannot have %s', (option) => {
    const key = option.split(':')[0];
    expect(webErrors(`secrets: [{source: key, ${option}}]`, top, read)).toEqual([
      `4 services.web.secrets[0].${key}: "${key}" is not supported → remove it, and set owner and mode of the file on the host: the container sees those`,
    ]);
  });

  it('that the agent may not read have no hash, and a hint', () => {
    const project = projectOf('services: {a: {image: x, secrets: [key]}}\nsecrets: {key: {file: /k}}', {
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
