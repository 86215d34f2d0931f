/** What an image of the tests runs and declares. Times in milliseconds. */
export interface Flavour {
  /** A busybox sh script, PID 1 of the container. `$VERSION` is the image's version. */
  readonly entry: string;
  readonly healthcheck?: {
    readonly test: readonly string[];
    readonly intervalMs: number;
    readonly retries: number;
    readonly startPeriodMs?: number;
  };
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Container ports of EXPOSE; 8888/tcp unless given. */
  readonly expose?: readonly string[];
}

/** A shell with a trap as PID 1: httpd alone would ignore SIGTERM, and every stop would last its whole grace time. */
const serve = `
trap 'echo "web $VERSION: stopping"; kill $child; wait $child; exit 0' TERM INT
httpd -f -p "\${PORT:-8888}" -h /www &
child=$!
echo "web $VERSION: listening on port \${PORT:-8888}"
wait $child`;

const wget = ['CMD', '/bin/busybox', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:8888/healthz'];
/** Rarely: each check is a process in the container, which costs the machine more than what the container does. */
const check = { intervalMs: 1_000, retries: 2 };

/** Ends at once with this code. */
export const job = (code: number): Flavour => ({
  entry: `echo "job $VERSION: ends with ${String(code)}"\nexit ${String(code)}`,
  expose: [],
});

/** Serves after so many seconds; healthy then, and not counted as unhealthy before. */
export const slowStart = (seconds: number): Flavour => ({
  entry: `echo "web $VERSION: starting"\nsleep ${String(seconds)}\n${serve}`,
  healthcheck: { test: wget, ...check, startPeriodMs: seconds * 1000 + 5000 },
});

/**
 * Port 8888: `/` answers the version, `/healthz` ok, `/cgi-bin/env` the environment, `/cgi-bin/slow?N` after N seconds.
 * Every one ends promptly on SIGTERM, except `stubborn`.
 */
export const flavours = {
  /** No HEALTHCHECK. */
  web: { entry: serve },
  /** HEALTHCHECK that passes after a second. */
  healthy: { entry: serve, healthcheck: { test: wget, ...check } },
  /** Serves, but its HEALTHCHECK says unhealthy after about half a second. */
  unhealthy: {
    entry: serve,
    healthcheck: { test: ['CMD', '/bin/busybox', 'false'], intervalMs: 200, retries: 2 },
  },
  /** Serves; its HEALTHCHECK never passes, and says "starting" for at least eight seconds. */
  neverHealthy: {
    entry: serve,
    healthcheck: { test: ['CMD', '/bin/busybox', 'false'], ...check, startPeriodMs: 8_000 },
  },
  /** Ends with 1 at once. */
  crash: { entry: 'echo "web $VERSION: cannot start: no configuration" >&2\nexit 1' },
  /** Runs, and never opens its port. */
  deaf: { entry: 'trap "exit 0" TERM\nwhile :; do sleep 1 & wait $!; done' },
  /** Serves, and ignores SIGTERM. */
  stubborn: { entry: 'trap "" TERM\nexec httpd -f -p 8888 -h /www' },
  /** Declares VOLUME /state and counts its starts in /state/starts. */
  stateful: { entry: `echo "$VERSION" >>/state/starts\n${serve}`, volumes: ['/state'] },
  /** Writes a marked line to standard output and to standard error every 100 ms. */
  chatty: {
    entry: `trap 'exit 0' TERM
n=0
while :; do n=$((n + 1)); echo "MARK-OUT $VERSION $n"; echo "MARK-ERR $VERSION $n" >&2; usleep 100000; done`,
  },
} as const satisfies Readonly<Record<string, Flavour>>;
