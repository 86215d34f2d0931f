import { expect, it } from 'vitest';
import { parseOwnContainer } from '../../../src/adapters/own-container.ts';

const ID = 'f00d'.repeat(16);
const line = (root: string, point: string): string =>
  `615 603 254:1 ${root} ${point} rw,relatime - ext4 /dev/vda1 rw,discard\n`;

it.each<readonly [string, string, string | undefined]>([
  ['the usual folder', line(`/var/lib/docker/containers/${ID}/hostname`, '/etc/hostname'), ID],
  ['a data root of its own disk', line(`/containers/${ID}/hosts`, '/etc/hosts'), ID],
  ['Podman', line(`/srv/overlay-containers/${ID}/userdata/resolv.conf`, '/etc/resolv.conf'), ID],
  ['among others', line('/', '/') + line(`/x/containers/${ID}/hosts`, '/etc/hosts') + line('/', '/proc'), ID],
  [
    'the host, which sees mounts of all of them',
    line('/', `/var/lib/docker/containers/${ID}/mounts/shm`),
    undefined,
  ],
  [
    'a container that mounts the folder of another',
    line(`/var/lib/docker/containers/${ID}`, '/logs'),
    undefined,
  ],
  ['a name on the host', line('/', '/etc/hostname'), undefined],
  ['nothing', '', undefined],
])('the own container is told by what the engine mounts into it: %s', (_, mountinfo, id) => {
  expect(parseOwnContainer(mountinfo)).toBe(id);
});
