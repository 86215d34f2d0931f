import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, startService } from './command.ts';
import { eventually } from './poll.ts';
import { freePort } from './ports.ts';

/** nginx with the settings of docs/PUBLISHING.md: a store that keeps what it is sent, and ignores conditions. */
export interface WebServer {
  readonly url: string;
  /** `user:password` of who publishes, and of every host. */
  readonly publishToken: string;
  readonly reportToken: string;
  readonly remove: () => Promise<void>;
}

const publishToken = 'jenkins:password-of-the-build-server';
const reportToken = 'host:password-of-the-hosts';

const documented = async (): Promise<string> => {
  const path = join(import.meta.dirname, '..', '..', 'docs', 'PUBLISHING.md');
  const [, settings] = /```nginx\n([\s\S]*?)```/.exec(await readFile(path, 'utf8')) ?? [];
  if (settings === undefined) throw new Error(`${path} has no settings for nginx`);
  return settings;
};

/** What a distribution's nginx.conf has around a server block, in a folder of our own. */
const configuration = (folder: string, port: number, settings: string): string => {
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
user root;
daemon off;
pid ${folder}/pid;
error_log stderr;
events {}
http {
  access_log off;
  ${scratch.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${String(port)};
    ${settings.replaceAll('/srv/supercargo', join(folder, 'root')).replaceAll('/etc/nginx', folder)}
  }
}
`;
};

/** A password file's line; nginx reads passwords in the clear, too. */
const passwordLine = (token: string): string => `${token.replace(':', ':{PLAIN}')}\n`;

export const startWebServer = async (): Promise<WebServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-nginx-'));
  const logFile = join(folder, 'log');
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  await mkdir(join(folder, 'root'));
  await writeFile(join(folder, 'supercargo-publish.passwd'), passwordLine(publishToken));
  await writeFile(join(folder, 'supercargo-report.passwd'), passwordLine(reportToken));
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, port, await documented()));
  const words = ['-e', 'stderr', '-c', join(folder, 'nginx.conf')];
  const service: Service = startService('/usr/sbin/nginx', words, { logFile });
  await eventually(async () => (await fetch(url)).ok, {
    describe: async () => `nginx answers at ${url}; its log:\n${await readFile(logFile, 'utf8')}`,
  });
  return {
    url,
    publishToken,
    reportToken,
    remove: async () => {
      // With SIGTERM: killed, it would leave its workers behind.
      await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
