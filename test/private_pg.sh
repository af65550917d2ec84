#!/bin/sh
#
# Make a private copy of the installed PostgreSQL (50 MB) below a directory and
# print the path of its pg_config.  What is built with that PG_CONFIG is
# installed into the copy: no root needed, and neither the PostgreSQL of the
# machine nor another checkout notices.
#
#   PG_CONFIG=$(test/private_pg.sh /tmp/mine)
#   make PG_CONFIG=$PG_CONFIG install && make PG_CONFIG=$PG_CONFIG installcheck
#
# This works because PostgreSQL finds its files relative to its programs, and
# its headers and the make rules of PGXS by asking pg_config.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 directory" >&2; exit 2; }
from=${PG_CONFIG:-pg_config}
mkdir -p "$1"
to=$(cd "$1" && pwd)

# The programs and libraries of one version share a directory on Debian; other
# installations keep them as siblings, so each path is copied where it was.
for dir in --bindir --pkglibdir --sharedir
do
	path=$("$from" $dir)
	mkdir -p "$to$path"
	cp -a "$path/." "$to$path/"
done
# What only is read can stay where it is.
headers=$("$from" --pkgincludedir)
mkdir -p "$to$(dirname "$headers")"
[ -e "$to$headers" ] || ln -s "$headers" "$to$headers"

echo "$to$("$from" --bindir)/pg_config"
