#!/bin/sh
#
# Build and test on other Debian releases, each with its own PostgreSQL, in
# chroots made by debootstrap: trixie (PostgreSQL 17) and sid (18) unless named.
# As root.
#
#   test/versions.sh                        trixie and sid, all suites
#   test/versions.sh -d DIR bookworm        keep the chroots in DIR for the next time
#   test/versions.sh sid -- build regress   only these suites
#   test/versions.sh -c ./demo.sh bookworm  another command than ./test.sh
#
# DEBIAN_MIRROR: where to install from (default http://deb.debian.org/debian).
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
. "$top/test/lib.sh"

dir=
command=./test.sh
while getopts d:c: option
do
	case $option in
		d) dir=$OPTARG ;;
		c) command=$OPTARG ;;
		*) die "usage: $0 [-d directory] [-c command] [release ...] [-- arguments]" ;;
	esac
done
shift $((OPTIND - 1))
releases=
while [ $# -gt 0 ]
do
	if [ "$1" = -- ]; then shift; break; fi
	releases="$releases $1"
	shift
done
releases=${releases:-trixie sid}

is_root || die "debootstrap and chroot need root"
log_dir=$(mktemp -d)
need_packages debootstrap
[ -n "$dir" ] || { dir=$(mktemp -d "${TMPDIR:-/tmp}/hotset-versions.XXXXXX"); temporary=$dir; }
mkdir -p "$dir"

mounted=
leave()
{
	for path in $mounted; do umount "$path"; done
	mounted=
}
finish()
{
	leave
	rm -rf "$log_dir" ${temporary:+"$temporary"}
}
trap finish EXIT
trap 'exit 130' INT TERM

make_root()
{
	[ -e "$2/.hotset-complete" ] && return 0
	rm -rf "$2"
	debootstrap --variant=minbase "$1" "$2" "$mirror" >"$log_dir/$1" 2>&1 || { tail -n 20 "$log_dir/$1"; return 1; }
	# a mirror that lags behind by a week is good enough for tests
	echo 'Acquire::Check-Valid-Until "false";' >"$2/etc/apt/apt.conf.d/99hotset"
	touch "$2/.hotset-complete"
}

enter()
{
	mount -t proc proc "$1/proc"
	mounted="$1/proc"
	mkdir -p "$1/dev/shm"
	mount -t tmpfs tmpfs "$1/dev/shm"
	mounted="$1/dev/shm $mounted"
}

# A fresh copy of the tree, then the command, as on a machine of that release.
in_release()
{
	root=$1
	shift
	rm -rf "$root/hotset"
	mkdir "$root/hotset"
	tar -C "$top" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' --exclude=./build -cf - . |
		tar -C "$root/hotset" --no-same-owner -xf -
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CI="${CI:-}" \
		http_proxy="${http_proxy:-}" sh -c 'cd /hotset && exec "$@"' sh "$@"
}

results=
failed=0
for release in $releases
do
	root=$dir/$release
	begin=$(date +%s)
	say "=== $release"
	if make_root "$release" "$root" && enter "$root" && in_release "$root" $command "$@"
	then result=passed
	else result=FAILED failed=1
	fi
	leave
	results="$results$release: $result after $(($(date +%s) - begin)) s
"
done
printf '%s' "$results"
exit $failed
