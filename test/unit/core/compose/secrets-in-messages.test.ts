import { describe, expect, it } from 'vitest';
import { parseTree } from '../../../../src/core/compose/tree.ts';
import { FOLDER, parseText, webFile } from './parsing.ts';
import { PLANTED, partsOf } from '../../../support/planted.ts';

/** Texts of an env file, and of a compose file, in which a value stands in a place that it may have. */
const ENV_FORMS: readonly ((value: string) => string)[] = [
  (value) => `DB_PASSWORD=${value}\n`,
  (value) => `export DB_PASSWORD = ${value}\n`,
  (value) => `DB_PASSWORD="${value}\n`,
  (value) => `DB_PASSWORD='${value}' x\n`,
  (value) => `DB_PASSWORD="${value}"\n`,
  (value) => `${value}\n`,
];
const YAML_FORMS: readonly ((value: string) => string)[] = [
  (value) => `environment: {PASSWORD: ${value}}`,
  (value) => `environment:\n  PASSWORD: ${value}`,
  (value) => `environment:\n  - PASSWORD=${value}`,
  (value) => `environment:\n  - PASSWORD: ${value}`,
  (value) => `environment:\n  PASSWORD: "${value}"`,
  (value) => `environment:\n  PASSWORD: '${value}'`,
  (value) => `environment:\n  PASSWORD:\n    - ${value}`,
  (value) => `environment:\n  PASSWORD:${value}`,
  (value) => `environment: ${value}`,
  (value) => `environment:\n ${value}`,
  (value) => `command: ["--password", ${value}]`,
  (value) => `command: --password ${value}`,
  (value) => `healthcheck: {test: [${value}]}`,
  (value) => `labels: {token: ${value}}`,
  (value) => `logging: {options: {token: ${value}}}`,
  (value) => `sysctls: {a.b: ${value}}`,
  (value) => `x-supercargo: {ready: {http: /up, port: 1, headers: {Authorization: ${value}}}}`,
  (value) =>
    `x-supercargo:\n  ready:\n    http: /up\n    port: 1\n    headers:\n      Authorization: "${value}\u0001"`,
  (value) => `environment:\n  A: &a ${value}\n  B: *b\n  A: *a`,
];

const leaked = (shown: unknown, value: string): readonly string[] => {
  const text = JSON.stringify(shown);
  return partsOf(value).filter((part) => text.includes(part));
};

describe('a problem quotes no value', () => {
  it.each(PLANTED)('of an env file, whatever it makes of %j', (value) => {
    for (const form of ENV_FORMS) {
      const parsed = parseText(webFile('env_file: [web.env]'), {
        [`${FOLDER}/web.env`]: { kind: 'text', text: form(value) },
      });
      expect(leaked(parsed.kind === 'errors' ? parsed.errors : [], value)).toEqual([]);
    }
  });

  it.each(PLANTED)('of the free text of a compose file, whatever it makes of %j', (value) => {
    for (const form of YAML_FORMS) {
      const parsed = parseText(webFile(form(value)));
      const shown = parsed.kind === 'errors' ? parsed.errors : parsed.project.hints;
      expect({ text: form(value), leaked: leaked(shown, value) }).toEqual({ text: form(value), leaked: [] });
    }
  });
});

/** A value that fits nowhere, and numbers that fit somewhere, in every place of a compose file that is not free text. */
const PLACES = [
  'image: ${S}',
  'ports: ["${S}"]',
  'ports: ["${S}:80"]',
  'ports: [{target: "${S}"}]',
  'ports: [{target: 80, published: "${S}", host_ip: "${S}", protocol: "${S}", app_protocol: "${S}"}]',
  'ports: ["80:80", "${S}:81", "${S}:82"]',
  'expose: ["${S}"]',
  'volumes: ["${S}:/data"]',
  'volumes: ["/a:/${S}", "/b:/${S}"]',
  'volumes: ["/data:/data:${S}"]',
  'volumes: ["/${S}"]\ndeploy: {update_config: {order: start-first}}',
  'volumes: [{type: volume, source: "${S}", target: "${S}"}]',
  'volumes: [{type: tmpfs, target: /x, tmpfs: {size: "${S}", mode: "${S}"}}]',
  'tmpfs: ["${S}"]',
  'env_file: ["${S}.env"]',
  'env_file: [{path: "${S}", required: "${S}"}]',
  'secrets: ["${S}"]',
  'secrets: [{source: "${S}", target: x}]',
  'configs: ["${S}"]',
  'networks: ["${S}"]',
  'networks: {default: {ipv4_address: "${S}", ipv6_address: "${S}", mac_address: "${S}"}}',
  'networks: {default: {link_local_ips: ["${S}"], priority: "${S}"}}',
  'network_mode: "${S}"',
  'network_mode: "container:${S}"\nports: ["80:80"]',
  'network_mode: "container:${S}"\ndeploy: {update_config: {order: start-first}}',
  'restart: "${S}"',
  'deploy: {replicas: "${S}"}',
  'deploy: {replicas: "${S}", mode: "${S}", update_config: {order: "${S}", delay: "${S}"}}',
  'deploy: {resources: {limits: {cpus: "${S}", memory: "${S}", pids: "${S}"}}}',
  'depends_on: ["${S}"]',
  'depends_on: {web: {condition: "${S}", required: "${S}", restart: "${S}"}}',
  'healthcheck: {interval: "${S}", retries: "${S}", disable: "${S}"}',
  'container_name: "${S}"\ndeploy: {replicas: 2}',
  'container_name: "${S}!"',
  'working_dir: "${S}"',
  'extra_hosts: ["${S}", "a:${S}", "${S}=b"]',
  'extra_hosts: {a: "${S}"}',
  'dns: "${S}"',
  'init: "${S}"',
  'stop_signal: "${S}"',
  'stop_grace_period: "${S}"',
  'cap_add: ["${S}!"]',
  'devices: ["${S}"]',
  'ulimits: {nofile: "${S}"}',
  'shm_size: "${S}"',
  'pid: "${S}"',
  'ipc: "${S}"',
  'cpuset: "${S}"',
  'platform: "${S}"',
  'pull_policy: "${S}"',
  'user: "${S}${S:?${S}}${T:?${S}}"',
  'environment: ["${S}", "${S}"]',
  'environment: ["${S}=1", "${S}=2"]',
  'x-supercargo: {drain: "${S}", ready: {http: "${S}", port: "${S}"}, version-from: "${S}", replaces: "${S}!"}',
];

describe('a variable that is named in the wrong place', () => {
  it.each(PLACES)('is named, and never told, in %s', (lines) => {
    for (const value of ['zQ7wVx3KjY8mB2n', '004217', '42170', 'Xk9#mQ!2v', '4217-9217', '9217:9217'])
      for (const text of [webFile(lines), webFile(lines.replaceAll('${S}', '$S'))]) {
        const parsed = parseText(text, { [`${FOLDER}/.env`]: { kind: 'text', text: `S='${value}'\n` } });
        const shown = parsed.kind === 'errors' ? parsed.errors : parsed.project.hints;
        expect(leaked(shown, value)).toEqual([]);
      }
  });

  it('is named, so that it can be found', () => {
    const parsed = parseText(webFile('ports: ["${DB_PASSWORD}"]'), {
      [`${FOLDER}/.env`]: { kind: 'text', text: 'DB_PASSWORD=zQ7wVx3K\n' },
    });
    expect(parsed).toMatchObject({
      kind: 'errors',
      errors: [{ line: 4, message: 'the value of ${DB_PASSWORD} is not a port (1 to 65535)' }],
    });
  });

  it('is quoted where it stands literally in the file', () => {
    expect(parseText(webFile('ports: ["eighty"]'))).toMatchObject({
      errors: [{ message: '"eighty" is not a port (1 to 65535)' }],
    });
  });
});

describe('a file whose parts are many', () => {
  it.each([
    ['quotes', '"'.repeat(1_000_000), 'has too many parts'],
    ['brackets', '['.repeat(1_000_000), 'it is nested too deeply'],
    ['braces', '{'.repeat(1_000_000), 'it is nested too deeply'],
    ['lists in one line', '- '.repeat(500_000), 'it is nested too deeply'],
    ['empty lines', '\n'.repeat(1_000_000), 'has too many parts'],
  ])('of %s is one problem', (_, text, message) => {
    expect(parseTree('f', text)).toEqual({
      root: undefined,
      problems: [expect.objectContaining({ message }) as unknown],
    });
  });
});

const services = (count: number, dependency: (index: number) => string): string =>
  `services:\n${Array.from({ length: count }, (_, i) => `  s${String(i)}: {image: a, depends_on: [${dependency(i)}]}\n`).join('')}`;

/** Each link has an alias of its own. */
const linked = (count: number, targets = count): string => {
  const links = Array.from({ length: count }, (_, i) => `"s${String(i % targets)}:a${String(i)}"`);
  return `${services(targets, () => '')}  web: {image: a, links: [${links.join(', ')}]}\n`;
};

/** Many services with one large text. */
const configured = (count: number): string =>
  `${services(count, () => '').replaceAll('depends_on', 'configs: [c], depends_on')}configs: {c: {content: ${'x'.repeat(100_000)}}}\n`;

const grown = (text: string, env = ''): readonly string[] => {
  const parsed = parseText(text, { [`${FOLDER}/web.env`]: { kind: 'text', text: env } });
  return parsed.kind === 'ok' ? [] : parsed.errors.map(({ message }) => message);
};

describe('a project that a few lines make large', () => {
  it('by variables inside variables is refused at the first that is too long', () => {
    const letters = 'ABCDEFGHIJ'.split('');
    const lines = letters.slice(1).map((name, index) => `${name}=${`$${letters[index] ?? ''}`.repeat(10)}`);
    const [first] = grown(webFile('env_file: [web.env]'), `A=xxxxxxxxxx\n${lines.join('\n')}\n`);
    expect(first).toBe('becomes too long');
  });

  it('by many values that each are long is refused', () => {
    const lines = Array.from({ length: 2_000 }, (_, index) => `B${String(index)}=$A`);
    expect(
      grown(webFile('env_file: [web.env]'), `A=${'x'.repeat(100_000)}\n${lines.join('\n')}\n`),
    ).toContain('becomes too long');
  });

  it('by defaults inside of defaults is refused', () => {
    const deep = `A=${'${V:-'.repeat(100_000)}x${'}'.repeat(100_000)}\n`;
    expect(grown(webFile('env_file: [web.env]'), deep)).toEqual(['nests variables too deeply']);
  });

  it.each([
    ['ranges of ports', webFile(`ports:\n${'  - "1-65535"\n'.repeat(2_000)}`)],
    ['ranges to expose', webFile(`expose:\n${'  - "1-65535"\n'.repeat(2_000)}`)],
    ['one env file named again and again', webFile(`env_file:\n${'  - web.env\n'.repeat(2_000)}`)],
    ['a ring of dependencies', services(5_000, (i) => `s${String((i + 1) % 5_000)}`)],
    ['links to many services', linked(5_000)],
    ['links to one service', linked(20_000, 1)],
    ['one config named again and again', configured(2_000)],
    ['dependencies on what is not there', services(5_000, (i) => `t${String(i)}`)],
  ])('by %s is refused, with few problems', (_, text) => {
    const problems = grown(text, 'A=1\n'.repeat(10_000));
    expect([problems.length > 0, problems.length <= 101]).toEqual([true, true]);
  });

  it('reads a quoted value over many lines once', () => {
    expect(grown(webFile('env_file: [web.env]'), `A="\n${'b\n'.repeat(400_000)}`)).toEqual([
      'the quotes do not match',
    ]);
  });
});
