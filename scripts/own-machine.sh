#!/usr/bin/env bash
# own-machine.sh PROGRAM [ARGUMENT…]   the first process of a run's namespaces (own-machine.ts)
set -euo pipefail
# Engines share volumes with containers that mount them so; network namespaces of the machine are not ours.
mount --make-rshared /
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
ip link set lo up
# Not by exec: this shell collects processes whose parents have ended, which engines wait for.
"$@"
