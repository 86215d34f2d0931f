/** A release of Debian with the engine that it ships: what our hosts run. */
export interface Suite {
  readonly name: string;
  readonly engine: string;
  readonly api: string;
  /** /etc/docker/daemon.json */
  readonly daemon: Readonly<Record<string, unknown>>;
}

const CLASSIC = { 'storage-driver': 'overlay2', 'exec-opts': ['native.cgroupdriver=systemd'] };
/** Where an image's id is the digest of its manifest; what Docker 29 begins with. */
const CONTAINERD = { features: { 'containerd-snapshotter': true } };

/** The oldest engine that we support, and the newest that Debian has. */
export const suites = {
  bookworm: { name: 'bookworm', engine: '20.10', api: '1.41', daemon: CLASSIC },
  trixie: { name: 'trixie', engine: '26.1', api: '1.45', daemon: CLASSIC },
  forky: { name: 'forky', engine: '28.5', api: '1.51', daemon: CONTAINERD },
} as const satisfies Readonly<Record<string, Suite>>;

const SHARED = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'libpam-systemd',
  'init-system-helpers',
  'docker.io',
  'iptables',
  'iproute2',
  'procps',
  'ca-certificates',
  'rsyslog',
];

/** Without any that our own package would have to bring. */
export const packagesOf = ({ name }: Suite): readonly string[] =>
  name === 'bookworm' ? SHARED : [...SHARED, 'docker-cli'];

/** What a host that is no machine can't do, and what would only make noise there. */
const MASKED = [
  'getty@.service',
  'console-getty.service',
  'serial-getty@.service',
  'systemd-udevd.service',
  'systemd-timesyncd.service',
  'systemd-firstboot.service',
  'systemd-networkd-wait-online.service',
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'motd-news.timer',
];

/** Run by mmdebstrap with the new root as "$1". The log of the kernel is an empty file there, which rsyslog would read for ever. */
export const customize = ({ daemon }: Suite): string => `set -e
: >"$1/etc/machine-id"
: >"$1/etc/resolv.conf"
rm -f "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
mkdir -p "$1/etc/docker"
printf %s '${JSON.stringify(daemon)}' >"$1/etc/docker/daemon.json"
sed -i '/imklog/s/^/#/' "$1/etc/rsyslog.conf"
for unit in ${MASKED.join(' ')}; do ln -sf /dev/null "$1/etc/systemd/system/$unit"; done`;
