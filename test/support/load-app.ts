import type { Flavour } from './flavours.ts';

/** RFC 6455, 1.3. */
const WEBSOCKET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * One connection; busybox has no server that keeps connections and speaks WebSocket, and its shell is quick enough. Every
 * write is one `printf`: what is sent in pieces can be cut in pieces.
 */
const connection = `
answer() {
  printf 'HTTP/1.1 200 OK\\r\\nX-App: %s\\r\\nContent-Length: %s\\r\\n\\r\\n%s' "$VERSION" "\${#1}" "$1"
}
while IFS= read -r first; do
  length=0 key=
  while IFS= read -r line; do
    line=\${line%$CR}
    case $line in
    '') break ;;
    [Cc]ontent-[Ll]ength:*) length=\${line#*: } ;;
    [Ss]ec-[Ww]eb[Ss]ocket-[Kk]ey:*) key=\${line#*: } ;;
    esac
  done
  case $first in
  'POST '*)
    IFS= read -r -n "$length" body
    answer "$body"
    ;;
  'GET /slow '*)
    usleep 300000
    answer "$VERSION"
    ;;
  'GET /events '*)
    printf 'HTTP/1.1 200 OK\\r\\nX-App: %s\\r\\nContent-Type: text/event-stream\\r\\nConnection: close\\r\\n\\r\\n' "$VERSION"
    while printf 'data: %s\\n\\n' "$VERSION"; do usleep 100000; done
    exit
    ;;
  'GET /ws '*)
    accept=$(printf %s "$key${WEBSOCKET}" | sha1sum | cut -c 1-40 | xxd -r -p | base64)
    printf 'HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: %s\\r\\n\\r\\n' "$accept"
    exec cat
    ;;
  'GET /ready '*) answer ready ;;
  *)
    : >/served
    answer "$VERSION"
    ;;
  esac
done
`;

/** As many as its backlog shall be: busybox counts the letters. */
const LISTEN = `-${'l'.repeat(128)}`;

const serve = (then: string, atTheStart: string, atTheEnd: string): string => `
if [ -n "$CR" ]; then
${connection}
exit
fi
export CR=$(printf '\\r')
trap 'kill $child; ${atTheEnd}exit 0' TERM INT
${atTheStart}nc ${LISTEN} -p 8888 -e /entry &
child=$!
${then}`;

const app = (then: string, atTheStart = '', atTheEnd = ''): Flavour => ({
  entry: serve(then, atTheStart, atTheEnd),
});

/**
 * Port 8888: `GET` its version, `POST` the body, `/slow` after 300 ms, `/events` a stream, `/ws` an echo; `x-app` says its
 * version too. Ends promptly on SIGTERM. No HEALTHCHECK: its readiness is asked from outside, at `/ready`.
 */
export const loadApp = app('wait $child');

/** Serves half a second after its start. At SIGTERM it takes no new connection, and answers for another half what it has begun. */
export const patientApp = app('wait $child', 'usleep 500000\n', 'usleep 500000; ');

/** Serves three seconds after its start: for as long, only its readiness tells. */
export const lateApp = app('wait $child', 'sleep 3\n');

/** Fails half a second after its first client came, in the middle of what it is doing. */
export const dyingApp = app(`
until [ -e /served ]; do usleep 50000; done
usleep 500000
exit 1`);
