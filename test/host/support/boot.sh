#!/bin/bash
# The first process of a host's namespaces: makes its tree of mounts and its network, then becomes systemd.
#   ROOT (folder with upper, work, root, docker, containerd) · BASE · HOST · SHARE (seen at /mnt/share) · CGROUP
#   LINK BRIDGE ADDRESS, in the network of the process OUTSIDE
set -euo pipefail
if [ "${1:-}" != inside ]; then
  # Joined here and not by our parent: a control group with a process of the outside can't be the root of systemd's.
  echo 0 >"$CGROUP/cgroup.procs"
  exec unshare --cgroup -- "$0" inside
fi
read -r pid _ </proc/self/stat # The old /proc: as the outside sees us.

outside() { nsenter --net="/proc/$OUTSIDE/ns/net" "$@"; }
outside ip link delete "$LINK" 2>/dev/null || true # Of the last boot: it goes with its namespace, but not at once.
outside ip link add "$LINK" type veth peer name eth0 netns 1
outside ip link set "$LINK" master "$BRIDGE" up
ip address add "$ADDRESS" dev eth0
ip link set eth0 up
ip link set lo up

mount -t overlay overlay -o "lowerdir=$BASE,upperdir=$ROOT/upper,workdir=$ROOT/work" "$ROOT/root"
cd "$ROOT/root"
mkdir -p var/lib/docker var/lib/containerd var/log/journal mnt/share .old
# The engine's overlays can't be on ours.
mount --bind "$ROOT/docker" var/lib/docker
mount --bind "$ROOT/containerd" var/lib/containerd
mount --bind "$SHARE" mnt/share
mount -o remount,bind,ro mnt/share
mount -t proc -o nosuid,noexec,nodev proc proc
mount -t sysfs -o nosuid,noexec,nodev,ro sysfs sys
mount -t cgroup2 -o nosuid,noexec,nodev cgroup2 sys/fs/cgroup

mount -t tmpfs -o mode=755,nosuid tmpfs dev
mkdir -p dev/{pts,shm,mqueue,net}
device() { mknod -m "$5" "dev/$1" "$2" "$3" "$4"; }
device null c 1 3 666
device zero c 1 5 666
device full c 1 7 666
device random c 1 8 666
device urandom c 1 9 666
device tty c 5 0 666
device console c 1 3 600
device net/tun c 10 200 666
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
ln -s pts/ptmx dev/ptmx
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5,nosuid,noexec devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp

# A boot id of its own: else the journal sees one endless boot.
mkdir -p run/host
cat /proc/sys/kernel/random/uuid >run/host/boot_id
mount --bind run/host/boot_id proc/sys/kernel/random/boot_id
# The kernel's settings are the machine's, those of the network are ours.
mount --rbind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,rw proc/sys/net
for file in sysrq-trigger kcore kmsg; do
  if [ -e proc/$file ]; then mount --bind dev/null proc/$file; fi
done
if [ "$(cat sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
  echo N >run/host/apparmor
  mount --bind run/host/apparmor sys/module/apparmor/parameters/enabled
fi
ulimit -HSn 524288 2>/dev/null || true
ulimit -Sn 1024

hostname "$HOST"
echo "$HOST" >etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n' "$HOST" >etc/hosts
echo "$pid" >"$ROOT/pid.new"
mv "$ROOT/pid.new" "$ROOT/pid"
pivot_root . .old
cd /
umount -l /.old
rmdir /.old
mount --make-rshared /
exec env -i container=oci PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
  setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-mac_admin,-mac_override \
  /lib/systemd/systemd --system --log-target=journal --show-status=0 --crash-reboot=0
