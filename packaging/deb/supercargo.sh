#!/bin/sh
# The program on the Node that came with it; the daemon and the hub with settings of their own (bin/supercargo
# says why).
folder=/usr/lib/supercargo
case " $* " in
  *' run '*) flags=$(cat $folder/node-flags) ;;
  *' hub '*) flags=--max-semi-space-size=8 ;;
  *) flags= ;;
esac
# No part of the program is a link: Node need not look for one in each folder above each part (5 ms of CPU).
flags="$flags --preserve-symlinks --preserve-symlinks-main"
# shellcheck disable=SC2086 # a list of words
exec $folder/node $flags $folder/supercargo.mjs "$@"
