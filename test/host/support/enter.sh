#!/bin/bash
# enter.sh PID CGROUP COMMAND…   runs a command as root inside the host whose first process is PID
set -euo pipefail
pid=$1 group=$2/entered
shift 2
# Its own control group below the host's: what it starts is the host's too, and ends with it.
mkdir -p "$group"
echo $$ >"$group/cgroup.procs"
exec nsenter -t "$pid" -m -u -i -n -p -C -r -w -- /usr/bin/env -i container=oci HOME=/root LANG=C.UTF-8 TERM=dumb \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
