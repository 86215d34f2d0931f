# supercargo as an image: the agent of a host, or the publisher of a build server. Made from the Debian package:
#   npm run package && docker build -t supercargo .
# How to run both: packaging/README.md.

# Pin it by digest: --build-arg BASE=docker.io/library/debian:trixie-slim@sha256:…
ARG BASE=docker.io/library/debian:trixie-slim

FROM ${BASE} AS package
# Needed only where packaging/out holds several.
ARG PACKAGE=packaging/out/supercargo_*.deb
COPY ${PACKAGE} /packages/
RUN set -- /packages/*.deb; \
    [ $# = 1 ] || { echo "error: $# packages: name one with --build-arg PACKAGE=packaging/out/FILE.deb" >&2; exit 1; }; \
    dpkg-deb -x "$1" /package && mkdir -p /empty

FROM ${BASE}
COPY --from=package /package/usr/bin/supercargo /usr/bin/supercargo
COPY --from=package /package/usr/lib/supercargo /usr/lib/supercargo
COPY --from=package /package/usr/share/doc/supercargo/copyright /usr/share/doc/supercargo/copyright
# Nobody's by name: a host gives it the id of the user that owns the folders which it mounts.
ARG USER=65532
COPY --from=package --chown=${USER}:${USER} /empty /var/lib/supercargo
COPY --from=package --chown=${USER}:${USER} /empty /run/supercargo
ENV HOME=/var/lib/supercargo
USER ${USER}:${USER}
ENTRYPOINT ["/usr/bin/supercargo"]
CMD ["--help"]
