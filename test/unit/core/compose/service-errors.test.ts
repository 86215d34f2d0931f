import { describe, expect, it } from 'vitest';
import { briefly, parseText, webErrors } from './parsing.ts';

/** Lines of service `web` (the first is line 4 of the file) and the one error they give. */
const ERRORS: readonly (readonly [lines: string, error: string])[] = [
  ['imge: x', '4 services.web.imge: unknown key "imge" → did you mean "image"?'],
  ['mem-limit: 1g', '4 services.web.mem-limit: unknown key "mem-limit" → did you mean "mem_limit"?'],
  [
    'zzz: x',
    '4 services.web.zzz: unknown key "zzz" → remove it: supercargo reads a strict subset of the Compose Specification and ignores nothing silently',
  ],
  ['ports:', '4 services.web.ports: has no value → write "- VALUE" lines below it, or remove it'],
  ['ports: {a: b}', '4 services.web.ports: must be a list → write "- VALUE" lines below it, or remove it'],
  [
    'environment: x',
    '4 services.web.environment: must be a list → write "- VALUE" lines below it, or remove it',
  ],
  [
    'environment: {V: 1.10}',
    '4 services.web.environment.V: the value is read as another number or word → put it in quotes',
  ],
  ['environment:\n  - A=1\n  - A=2', '6 services.web.environment[1]: "A" is set twice → keep one of the two'],
  ['environment: [=x]', '4 services.web.environment[0]: has no name before "=" → write NAME=VALUE'],
  [
    'labels: {io.supercargo.x: y}',
    '4 services.web.labels.io.supercargo.x: labels under io.supercargo. belong to supercargo → use a name of your own',
  ],
  [
    'labels: [com.docker.compose.project=x]',
    '4 services.web.labels[0]: labels under com.docker.compose. belong to supercargo → use a name of your own',
  ],
  [
    'command: a && b',
    '4 services.web.command: "&" means something to a shell, but no shell reads this → write a list, with the shell in it if you need one: ["sh", "-c", "…"]',
  ],
  ['user: ""', '4 services.web.user: is empty → give it a value, or remove the line'],
  [
    'user: [a]',
    '4 services.web.user: must be one value, not a list → write the value on the same line as the key',
  ],
  [
    'working_dir: srv',
    '4 services.web.working_dir: "srv" is not an absolute path in the container → begin it with "/"',
  ],
  ['init: maybe', '4 services.web.init: "maybe" is neither true nor false → write true or false'],
  ['stop_grace_period: 10', '4 services.web.stop_grace_period: "10" is not a duration → add the unit: 10s'],
  [
    'stop_grace_period: 1d',
    '4 services.web.stop_grace_period: "1d" is not a duration → write it like 500ms, 10s or 1h30m, at most 720h',
  ],
  ['stop_signal: term', '4 services.web.stop_signal: "term" is not a signal → write it like SIGTERM'],
  [
    'restart: sometimes',
    '4 services.web.restart: "sometimes" is not a restart policy → write "no", always, unless-stopped, on-failure or on-failure:N',
  ],
  [
    'shm_size: big',
    '4 services.web.shm_size: "big" is not a size → write bytes, or a number with b, k, m or g: 512m, 1gb',
  ],
  [
    'mem_limit: 1m',
    '4 services.web.mem_limit: is below 6 MiB, the minimum of the engine → write 6m or more, or remove it',
  ],
  ['cpus: -1', '4 services.web.cpus: "-1" is not a number from 0 to 4096 → write a number in that range'],
  [
    'pids_limit: 010',
    '4 services.web.pids_limit: "010" is not a whole number from -1 to 4194304 → write a whole number in that range',
  ],
  ['cpuset: all', '4 services.web.cpuset: "all" is not a set of processors → write it like 0-3 or 0,2'],
  ['platform: amd64', '4 services.web.platform: "amd64" is not a platform → write it like linux/amd64'],
  [
    'pull_policy: build',
    '4 services.web.pull_policy: "build" is not supported here → write always, never, missing, if_not_present',
  ],
  [
    'cap_add: [a-b]',
    '4 services.web.cap_add[0]: "a-b" is not a capability → write it like NET_ADMIN, or ALL',
  ],
  [
    'devices: [vendor.com/gpu=all]',
    '4 services.web.devices[0]: "vendor.com/gpu=all" is not a device → write /dev/SOURCE[:/dev/TARGET[:rwm]]',
  ],
  [
    'ulimits: {core: {soft: 1}}',
    '4 services.web.ulimits.core: needs soft and hard → write {soft: N, hard: N}, or one number for both',
  ],
  ['pid: service:x', '4 services.web.pid: pid "service:x" is not supported → write host, container:NAME'],
  [
    'extra_hosts: [a=b]',
    '4 services.web.extra_hosts[0]: "b" is not an address for "a" → write NAME=ADDRESS; ADDRESS may be host-gateway',
  ],
  ['dns: resolver', '4 services.web.dns: "resolver" is not an address → write an IPv4 or IPv6 address'],
  ['tmpfs: run', '4 services.web.tmpfs: "run" is not an absolute path in the container → begin it with "/"'],
  ['volumes: [/a]\ntmpfs: /a', '4 services.web.volumes[0]: /a is mounted twice → keep one of the two'],
  ['expose: [x]', '4 services.web.expose[0]: "x" is not a port (1 to 65535) → write PORT or PORT/udp'],
  [
    'healthcheck: {test: [curl]}',
    '4 services.web.healthcheck.test: does not begin with CMD, CMD-SHELL or NONE → write ["CMD", "curl", "-f", "http://localhost/"], or one text for a shell',
  ],
  [
    'healthcheck: {disable: true, interval: 1s}',
    '4 services.web.healthcheck: is disabled and has settings → remove the settings, or what disables it',
  ],
  [
    'healthcheck: {disable: true, test: x}',
    '4 services.web.healthcheck: has both a test and disable: true → keep one of the two',
  ],
  [
    'healthcheck: {interval: 0s}',
    '4 services.web.healthcheck.interval: must be longer than 0 → write it like 500ms, 10s or 1h30m',
  ],
  [
    'healthcheck: {retires: 3}',
    '4 services.web.healthcheck.retires: unknown key "retires" → did you mean "retries"?',
  ],
  [
    'network_mode: service:db',
    '4 services.web.network_mode: network_mode "service:db" is not supported → give that service a container_name, and write container: and that name',
  ],
  [
    'network_mode: default',
    '4 services.web.network_mode: network_mode "default" is not supported → write host, none, bridge or container:NAME',
  ],
  [
    'network_mode: host\nnetworks: [default]',
    '5 services.web.networks: has both networks and network_mode → keep one of the two',
  ],
  [
    'network_mode: host\nports: [80]',
    '5 services.web.ports: ports has no effect with network_mode host → remove ports, or network_mode',
  ],
  [
    'network_mode: container:x\nhostname: h',
    '5 services.web.hostname: hostname has no effect with network_mode container:x → remove hostname, or network_mode',
  ],
  [
    'networks: [front]',
    '4 services.web.networks[0]: network "front" is not defined → add "front:" below networks: at the top level',
  ],
  [
    'networks: [constructor]',
    '4 services.web.networks[0]: network "constructor" is not defined → add "constructor:" below networks: at the top level',
  ],
  [
    'networks: {default: {ipv4_address: 10.0.0.1}}',
    '4 services.web.networks.default: a fixed address needs a network with a subnet → add ipam: {config: [{subnet: …}]} to network "default"',
  ],
  [
    'networks: {default: {gw_priority: 1}}',
    '4 services.web.networks.default.gw_priority: "gw_priority" is not supported → remove it: the engine chooses the network of the default route, never an internal one',
  ],
  [
    'secrets: [key]',
    '4 services.web.secrets[0]: "key" is not defined → add "key: {file: PATH}" below secrets: at the top level',
  ],
  [
    'restart: always\ndeploy: {restart_policy: {condition: on-failure}}',
    '4 services.web.restart: differs from deploy.restart_policy → keep one of restart and deploy.restart_policy',
  ],
  [
    'deploy: {update_config: {failure_action: stop}}',
    '4 services.web.deploy.update_config.failure_action: "stop" is not supported here → write rollback, pause',
  ],
  [
    'healthcheck: {test: [CMD-SHELL, a, -d, x]}',
    '4 services.web.healthcheck.test: needs exactly one text after CMD-SHELL: a shell reads only that one → write ["CMD", "curl", "-f", "http://localhost/"], or one text for a shell',
  ],
  [
    'healthcheck: {test: [CMD]}',
    '4 services.web.healthcheck.test: has no command after CMD → write ["CMD", "curl", "-f", "http://localhost/"], or one text for a shell',
  ],
  [
    'healthcheck: {start_interval: 1s}',
    '4 services.web.healthcheck.start_interval: has no effect without start_period → add start_period: DURATION, or remove it',
  ],
  [
    'environment: ["FOO =bar"]',
    '4 services.web.environment[0]: a name contains white space → write NAME=VALUE without spaces around "="',
  ],
  [
    'ulimits: {nofile: {soft: 2, hard: 1}}',
    '4 services.web.ulimits.nofile.soft: is above hard → lower soft, or raise hard; -1 is no limit',
  ],
  [
    'ulimits: {nofile: {soft: -1, hard: 1}}',
    '4 services.web.ulimits.nofile.soft: is above hard → lower soft, or raise hard; -1 is no limit',
  ],
  [
    'ulimits: {memlock: 9223372036854775807}',
    '4 services.web.ulimits.memlock: "9223372036854775807" is not a whole number from -1 to 9007199254740991 → write a whole number in that range',
  ],
  [
    'userns_mode: private',
    '4 services.web.userns_mode: userns_mode "private" is not supported → write host, or remove it: the engine’s mapping (userns-remap in daemon.json) is the default',
  ],
  [
    'scale: 2\ndeploy: {replicas: 3}',
    '4 services.web.scale: differs from deploy.replicas → keep one of scale and deploy.replicas',
  ],
  ['gpus: some', '4 services.web.gpus: is neither "all" nor a list → write all, or [{count: 1}]'],
  [
    'gpus: [{count: 1, device_ids: ["0"]}]',
    '4 services.web.gpus[0]: has both count and device_ids → keep one of the two',
  ],
  [
    'deploy: {resources: {reservations: {devices: [{count: 1}]}}}',
    '4 services.web.deploy.resources.reservations.devices[0]: has no capabilities → add capabilities: [gpu]',
  ],
  ['memswap_limit: 1g', '4 services.web.memswap_limit: needs mem_limit, which it includes → add mem_limit'],
  [
    'mem_limit: 1g\nmemswap_limit: 512m',
    '5 services.web.memswap_limit: is less than mem_limit, which it includes → raise memswap_limit, or write -1 for no limit',
  ],
  [
    'oom_score_adj: 1001',
    '4 services.web.oom_score_adj: "1001" is not a whole number from -1000 to 1000 → write a whole number in that range',
  ],
  [
    'security_opt: ["seccomp=./absent.json"]',
    '4 services.web.security_opt[0]: /etc/supercargo/absent.json does not exist → create the file, or correct the path',
  ],
  [
    'links: [wbe]',
    '4 services.web.links[0]: links to unknown service "wbe" → define that service, or remove this',
  ],
  ['links: ["db:a b"]', '4 services.web.links[0]: "db:a b" is not a link → write SERVICE or SERVICE:ALIAS'],
  [
    'pre_start: []',
    '4 services.web.pre_start: "pre_start" is not supported → put it into the image’s entrypoint, or into a job that this service depends on',
  ],
  [
    'volumes: ["backrest/data:/data"]',
    '4 services.web.volumes[0]: volume "backrest/data" is not defined → write ./backrest/data for a folder: a volume\'s name has only letters, digits, "_", "." and "-"',
  ],
  [
    'volumes: [{type: bind, source: /a, target: /b, bind: {recursive: disabled}}]',
    '4 services.web.volumes[0].bind.recursive: "recursive" is not supported → remove it: what is mounted below the source is always part of it',
  ],
  [
    'deploy: {mode: global}',
    '4 services.web.deploy.mode: "global" is not supported → remove it, and set replicas: each host runs its own',
  ],
  [
    'deploy: {replicas: 1001}',
    '4 services.web.deploy.replicas: "1001" is not a whole number from 0 to 1000 → write a whole number in that range',
  ],
  [
    'deploy: {update_config: {failure_action: continue}}',
    '4 services.web.deploy.update_config.failure_action: failure_action "continue" is not supported → write rollback or pause: a release that fails is never spread further',
  ],
  [
    'deploy: {update_config: {monitor: 5}}',
    '4 services.web.deploy.update_config.monitor: "5" is not a duration → add the unit: 5s',
  ],
  [
    'mem_limit: 64m\ndeploy: {resources: {limits: {memory: 65m}}}',
    '4 services.web.mem_limit: differs from deploy.resources.limits.memory → keep one of mem_limit and deploy.resources.limits.memory',
  ],
  [
    'cpus: 1\ndeploy: {resources: {limits: {cpus: "2"}}}',
    '4 services.web.cpus: differs from deploy.resources.limits.cpus → keep one of cpus and deploy.resources.limits.cpus',
  ],
  [
    'mem_limit: 64m\nmem_reservation: 65m',
    '5 services.web.mem_reservation: more memory is reserved than the limit allows → raise mem_limit, or reserve less',
  ],
  [
    'container_name: web\ndeploy: {replicas: 2}',
    '4 services.web.container_name: several containers cannot have the same name → remove it, or use one replica and order: stop-first',
  ],
  [
    'container_name: web\ndeploy: {update_config: {order: start-first}}',
    '4 services.web.container_name: several containers cannot have the same name → remove it, or use one replica and order: stop-first',
  ],
  [
    'ports: ["80:80"]\ndeploy: {replicas: 2}',
    '4 services.web.ports[0]: 2 replicas cannot share a host port → use one replica, leave the host port out, or use order: start-first',
  ],
  [
    'networks: {default: {mac_address: "02:42:ac:11:65:43"}}\ndeploy: {replicas: 2}',
    '4 services.web.networks: several containers cannot have the same address → remove the fixed addresses, or use one replica and order: stop-first',
  ],
  [
    'volumes: [/a]\ndeploy: {update_config: {order: start-first}}',
    '4 services.web.volumes: the anonymous volume /a cannot be in two containers → give it a name at the top level, or use order: stop-first',
  ],
  [
    'ports: ["53:53/udp"]\ndeploy: {update_config: {order: start-first}}',
    '4 services.web.ports[0]: start-first cannot hand over a UDP or SCTP port → use order: stop-first',
  ],
  [
    'ports: ["80:80", "127.0.0.1:80:81"]',
    '4 services.web.ports[1]: host port 80/tcp of "web" is also published by "web" (/etc/supercargo/compose.yaml:4) → publish another host port, or another address',
  ],
  [
    'depends_on: [wbe]',
    '4 services.web.depends_on: depends on unknown service "wbe" → define that service, or remove this',
  ],
  [
    'depends_on: {bd: {}, db: {}}',
    '4 services.web.depends_on: depends on unknown service "bd" → did you mean "db"?',
  ],
  [
    'depends_on: {db: {restart: true}}',
    '4 services.web.depends_on.db.restart: "true" is not supported → remove it: an update never restarts the services that depend on it',
  ],
  [
    'depends_on: {db: {required: false}}',
    '4 services.web.depends_on.db.required: "false" is not supported → remove the dependency if the service may be absent',
  ],
  [
    'depends_on: [web]',
    '4 services.web.depends_on: services wait for each other: web → web → remove one of these dependencies',
  ],
  [
    'x-supercargo: {drian: 5s}',
    '4 services.web.x-supercargo.drian: unknown key "drian" → did you mean "drain"?',
  ],
  [
    'x-supercargo: {ready: {http: /up}}',
    '4 services.web.x-supercargo.ready: is neither an HTTP nor a TCP check → write {http: /path, port: N} or {tcp: N}',
  ],
  [
    'x-supercargo: {ready: {tcp: 1, host: www.example.com}}',
    '4 services.web.x-supercargo.ready: is neither an HTTP nor a TCP check → write {http: /path, port: N} or {tcp: N}',
  ],
  [
    'x-supercargo: {ready: {http: /up, port: 1, host: "a b"}}',
    '4 services.web.x-supercargo.ready.host: "a b" is not a host → write it like www.example.com',
  ],
  [
    'x-supercargo: {ready: {http: /up, port: 1, headers: {Host: a}}}',
    '4 services.web.x-supercargo.ready.headers.Host: host is set by the check itself → remove it; for Host write host: NAME',
  ],
  [
    'x-supercargo: {ready: {http: /up, port: 1, headers: {"a b": a}}}',
    '4 services.web.x-supercargo.ready.headers.?: the name of a header has other characters → write it like X-Forwarded-Proto',
  ],
  [
    'x-supercargo: {ready: {http: up, port: 1}}',
    '4 services.web.x-supercargo.ready.http: "up" is not a path → write it like /health',
  ],
  [
    'x-supercargo: {version-from: nobody}',
    '4 services.web.x-supercargo.version-from: unknown service "nobody" → define that service, or remove this',
  ],
  [
    'x-supercargo: {version-from: web}',
    '4 services.web.x-supercargo.version-from: "web" has no version of its own → name a service without version-from',
  ],
  [
    'healthcheck: {x-supercargo: {}}',
    '4 services.web.healthcheck.x-supercargo: unknown key "x-supercargo" → remove it: supercargo reads a strict subset of the Compose Specification and ignores nothing silently',
  ],
];

describe('a wrong service', () => {
  it.each(ERRORS)('with %s', (lines, error) => {
    const others = lines.includes('db: {') ? '  db: {image: org/db}\n' : '';
    expect(webErrors(lines, others)).toEqual([error]);
  });

  it('tells everything that is wrong, not only the first thing', () => {
    expect(webErrors('ports: [0]\nuser: ""\nbuild: .').map((error) => error.split(':')[0])).toEqual([
      '4 services.web.ports[0]',
      '5 services.web.user',
      '6 services.web.build',
    ]);
  });

  it('names line and column', () => {
    const parsed = parseText('services:\n  web:\n    image: org/web\n    ports: ["80:80", "x"]\n');
    expect(parsed).toEqual({
      kind: 'errors',
      errors: [
        {
          file: '/etc/supercargo/compose.yaml',
          line: 4,
          column: 22,
          path: 'services.web.ports[1]',
          message: '"x" is not a port (1 to 65535)',
          advice: 'write [[ADDRESS:]HOST:]CONTAINER[/udp], for example "127.0.0.1:8080:80", in quotes',
        },
      ],
    });
  });
});

/** Whole files and the one error they give. */
const FILES: readonly (readonly [text: string, error: string])[] = [
  [
    'services: {a: {image: A}}',
    '1 services.a.image: "A" is not an image reference → write [HOST[:PORT]/]PATH in lower case; without tag and digest the manifest says which version',
  ],
  [
    'services: {"a b": {image: a}}',
    '1 services.?: this cannot be a name → use letters, digits, "_", "." and "-", beginning with a letter or digit',
  ],
  [
    'services: {constructor: {image: a}}',
    '1 services.constructor: "constructor" cannot be a name → use letters, digits, "_", "." and "-", beginning with a letter or digit',
  ],
  ['services: {a: }', '1 services.a: has no value → write KEY: VALUE lines below it, or remove it'],
  [
    'services:\n  a: {image: x, ports: ["80:1"]}\n  b: {image: x, ports: ["10.0.0.1:80:1"]}',
    '3 services.b.ports[0]: host port 80/tcp of "b" is also published by "a" (/etc/supercargo/compose.yaml:2) → publish another host port, or another address',
  ],
  [
    'services:\n  a: {image: x, container_name: n}\n  b: {image: x, container_name: n}',
    '3 services.b.container_name: "n" is also the name of "a" → choose another name',
  ],
  [
    'services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [c]}\n  c: {image: x, depends_on: [a]}',
    '2 services.a.depends_on: services wait for each other: a → b → c → a → remove one of these dependencies',
  ],
  [
    'services:\n  a: {image: x, container_name: one, pid: "container:two"}\n  b: {image: x, container_name: two, depends_on: [a]}',
    '2 services.a.pid: services wait for each other: a → b → a → remove one of these dependencies: a container starts after the one whose namespace it joins',
  ],
  [
    'services:\n  a: {image: x, container_name: one, network_mode: "container:one"}',
    '2 services.a.network_mode: services wait for each other: a → a → remove one of these dependencies: a container starts after the one whose namespace it joins',
  ],
  [
    'services:\n  a: {image: x, depends_on: {b: {condition: service_completed_successfully}}}\n  b: {image: x, restart: always}',
    '2 services.a.depends_on: waits until "b" completes, but "b" is started again when it ends → set restart: "no" or on-failure on "b", or wait for another condition',
  ],
  [
    'services:\n  a: {image: x}\n  b: {image: "x:1", x-supercargo: {version-from: a}}',
    '3 services.b.image: has a tag or digest beside version-from → write image: x',
  ],
  [
    'services:\n  a: {image: org/a}\n  b: {image: x, x-supercargo: {version-from: a}}',
    '3 services.b.image: is not the repository of "a" → use image: org/a, or publish a version for "b"',
  ],
  [
    'services:\n  a: {image: x, x-supercargo: {version-from: b}}\n  b: {image: x, x-supercargo: {version-from: c}}\n  c: {image: x}',
    '2 services.a.x-supercargo.version-from: "b" has no version of its own → name a service without version-from',
  ],
  [
    'services:\n  a: {image: x, depends_on: {b: {condition: service_completed_successfully}}}\n  b: {image: x, x-supercargo: {once: host}}',
    '3 services.b.x-supercargo.once: "host" is not supported here → write fleet',
  ],
  [
    'services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, x-supercargo: {once: fleet}}',
    '3 services.b.x-supercargo.once: is for jobs, and no service waits until this one completes → write depends_on: {b: {condition: service_completed_successfully}} in the service that needs it, or remove once',
  ],
  [
    'services:\n  a: {image: x, depends_on: {b: {condition: service_completed_successfully}}}\n  b: {image: "x:1", x-supercargo: {once: fleet}}',
    '3 services.b.image: has a tag or digest beside once: fleet → write image: x, and the manifest says which version',
  ],
  [
    'services:\n  a: {image: x, depends_on: {b: {condition: service_completed_successfully}}}\n  b: {image: x, scale: 2, x-supercargo: {once: fleet}}',
    '3 services.b.x-supercargo.once: runs one container, and replicas is 2 → remove replicas (or scale)',
  ],
  [
    'include: [x]',
    '1 include: "include" is not supported → put the files into compose.d: every *.yaml there belongs to the project',
  ],
  ['service: {}', '1 service: unknown key "service" → did you mean "services"?'],
  [
    'x-supercargo: {allow-emtpy: true}',
    '1 x-supercargo.allow-emtpy: unknown key "allow-emtpy" → did you mean "allow-empty"?',
  ],
  [
    'networks: {a: {external: true, driver: bridge}}',
    '1 networks.a.driver: "driver" is not allowed on an external network or volume → remove it: its owner decides that',
  ],
  [
    'networks: {a: {external: {name: x}}}',
    '1 networks.a.external: external is true or false → write external: true and name: NAME beside it',
  ],
  [
    'networks: {a: {ipam: {config: [{subnet: 10.0.0.0}]}}}',
    '1 networks.a.ipam.config[0].subnet: "10.0.0.0" is not a subnet → write it like 172.30.0.0/16',
  ],
  ['volumes: {a: {drivr: x}}', '1 volumes.a.drivr: unknown key "drivr" → did you mean "driver"?'],
  [
    'secrets: {a: {environment: X}}',
    '1 secrets.a.environment: variable X is not set → set it in .env beside compose.yaml, or write file: PATH',
  ],
  ['configs: {a: {}}', '1 configs.a: has no file → write file: PATH, and let Chef put the content there'],
  [
    'secrets: {a: {file: ./gone}}',
    '1 secrets.a.file: /etc/supercargo/gone does not exist → create the file, or correct the path',
  ],
  ['- a', '1 : is a list, not a map → begin with services:'],
  ['text', '1 : is a scalar, not a map → begin with services:'],
  ['services:\n\ta: 1', '2 : it is indented with a tab → indent with spaces'],
  [
    'x-a: 1\n---\nx-b: 2',
    '2 : it holds several YAML documents → keep one document in each file: put the other into compose.d/NAME.yaml',
  ],
  [
    'x-a:\n  k: 1\n  k: 2',
    '3 x-a.k: "k" is set twice → keep one of the two: the other would be lost silently',
  ],
  [
    'services: !reset {}',
    '1 : a value begins with "!", which is a tag in YAML → put the value into quotes; supercargo reads plain YAML without !reset, !override and other tags',
  ],
  ['x-a: *nothing', '1 x-a: this alias has no anchor above it → set the anchor first: &NAME'],
  [
    'x-a: &a [*a]',
    '1 x-a[0]: an alias that contains itself → write the value instead of the alias, or use fewer levels',
  ],
  ['? [a]\n: b', '1 : a key is not text → write keys as plain text'],
  ['x-a: {<<: 5}', '1 x-a.<<: "<<" needs a map, or a list of maps → name an anchored map: <<: *defaults'],
];

describe('a wrong file', () => {
  it.each(FILES)('%s', (text, error) => {
    expect(briefly(parseText(text))).toEqual([error]);
  });

  it('of aliases that multiply ends quickly', () => {
    const levels = Array.from(
      { length: 9 },
      (_empty, level) =>
        `x-${level}: &l${level} [${level === 0 ? 'x' : Array.from({ length: 9 }, () => `*l${level - 1}`).join(', ')}]`,
    );
    expect(briefly(parseText(levels.join('\n')))).toEqual([
      expect.stringMatching(/more than 50000 values → use fewer aliases: they multiply what they name$/),
    ]);
  });

  it('of a hundred thousand brackets is an error, not an exception', () => {
    expect(briefly(parseText('['.repeat(100_000)))).not.toEqual([]);
  });
});
