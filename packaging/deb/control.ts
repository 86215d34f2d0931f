import type { Release } from './release.ts';

/** The libraries that the pinned Node is linked to. What else is needed is in the package. */
const DEPENDS = 'libc6 (>= 2.28), libgcc-s1, libstdc++6, passwd, init-system-helpers (>= 1.54)';

export const MAINTAINER = 'supercargo contributors <maintainers@supercargo.invalid>';

/**
 * deb-control(5). The engine is only suggested: apt installs what is recommended, and would put Debian's
 * engine, and its socket, in the place of one that came from elsewhere.
 */
export const renderControl = ({ version, architecture }: Release, installedKiB: number): string => `\
Package: supercargo
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${String(installedKiB)}
Depends: ${DEPENDS}
Suggests: docker.io | docker-ce | docker-engine
Section: admin
Priority: optional
Description: agent that keeps a Docker host at its desired versions
 A supercargo travels aboard for the owner of the goods and sees to it that
 the cargo matches the manifest. This one lives on a Docker host: it reads
 which version of each service its environment should run, from a signed
 manifest, and makes the host run it: it pulls, starts the new version, sees
 that it is good, switches, drains and removes the old one, or goes back.
 .
 The package brings its own Node.js. It starts nothing until
 /etc/supercargo/agent.env is there. The same program publishes versions from
 a build server and keeps manifests and reports as a hub.
`;
