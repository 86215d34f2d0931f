#!/bin/sh
# The program on the Node that came with it.
exec /usr/lib/supercargo/node /usr/lib/supercargo/supercargo.mjs "$@"
