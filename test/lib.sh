# What test.sh, demo.sh and the benchmarks share: packages, the choice of a
# PostgreSQL, a copy of it to play with, and a plain user to run servers as.
# Sourced by POSIX shells that run with set -eu and have set $top.

export LC_ALL=C.UTF-8

# What leads to a server of the user's must not lead us there, nor ours to another port.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE PGSERVICEFILE \
	PGSSLMODE PGREQUIRESSL PGOPTIONS PGDATA PGTZ PGDATESTYLE PGCLIENTENCODING PGTARGETSESSIONATTRS

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s\n' "$*" >&2
	exit 1
}

is_root()
{
	[ "$(id -u)" -eq 0 ]
}

as_root()
{
	if is_root; then "$@"; else sudo "$@"; fi
}

can_be_root()
{
	is_root && return 0
	command -v sudo >/dev/null 2>&1 || return 1
	sudo -n true 2>/dev/null || [ -t 0 ]
}

# Servers refuse to run as root: run a command as a plain user, which is
# ourselves or else postgres.
as_user()
{
	if is_root; then runuser -u postgres -- "$@"; else "$@"; fi
}

apt_updated=
apt_update()
{
	[ -z "$apt_updated" ] || return 0
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
	apt_updated=yes
}

# Those of the packages that are not installed.
missing_packages()
{
	for package in "$@"
	do
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || printf '%s ' "$package"
	done
}

# Install what is missing of the packages.
need_packages()
{
	command -v dpkg-query >/dev/null 2>&1 || return 0
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	can_be_root || die "These packages are missing; install them as root, then run this again:
  apt-get install $missing"
	install_missing || { tail -n 20 "$log_dir/packages.log"; die "apt-get install failed"; }
}

# The same for packages that one can do without: false if they are not to be had.
try_packages()
{
	command -v dpkg-query >/dev/null 2>&1 || return 1
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	can_be_root && install_missing
}

# Install the packages of $missing.  A PostgreSQL that comes this way gets no
# cluster: nothing but our own temporary servers is to run.
install_missing()
{
	say "Installing $missing..."
	apt_update || return 1
	no_cluster=/etc/postgresql-common/createcluster.d/zz-hotset-no-cluster.conf
	as_root mkdir -p "${no_cluster%/*}"
	echo 'create_main_cluster = off' | as_root tee "$no_cluster" >/dev/null
	status=0
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing </dev/null >"$log_dir/packages.log" 2>&1 ||
		status=$?
	as_root rm -f "$no_cluster"
	return $status
}

# Choose the PostgreSQL and install the packages named by the arguments, where
# PGVERSION stands for its major version.  Honours $PG_CONFIG; else takes the
# newest that is installed, else Debian's own.  Sets pg_config.
need_postgres()
{
	pg_config=${PG_CONFIG:-}
	if [ -n "$pg_config" ]
	then
		version=$("$pg_config" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
		[ -x "/usr/lib/postgresql/$version/bin/postgres" ] || command -v dpkg-query >/dev/null 2>&1 || return 0
	else
		version=$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sed 's,.*/postgresql/\([0-9]*\)/.*,\1,' | sort -n | tail -n 1)
		if [ -z "$version" ]
		then
			debian_postgres >/dev/null || { can_be_root || die "PostgreSQL is missing; install it as root: apt-get install postgresql"; apt_update; }
			version=$(debian_postgres) || die "found no package postgresql; is this Debian?"
		fi
		pg_config=/usr/lib/postgresql/$version/bin/pg_config
	fi
	# shellcheck disable=SC2046
	need_packages $(printf '%s ' "$@" | sed "s/PGVERSION/$version/g")
}

# Major version of the PostgreSQL of this Debian release.
debian_postgres()
{
	apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1 | grep .
}

# Copy the tree without products of other builds to $1/tree, a PostgreSQL to
# $1/pg, and give both to the plain user.  Sets pg_config to the copy's.
private_copy()
{
	mkdir -p "$1/tree"
	tar -C "$top" --exclude=./.git --exclude='*.o' --exclude='*.bc' --exclude='*.so' --exclude=./build \
		--exclude=./tmp_check --exclude=./tmp_check_iso --exclude=./results --exclude=./output_iso --exclude=./output_recipes --exclude=./tmp_check_recipes -cf - . |
		tar -C "$1/tree" -xf -
	pg_config=$(PG_CONFIG=$pg_config "$top/test/private_pg.sh" "$1/pg")
	if is_root; then chown -R postgres: "$1"; fi
	chmod 755 "$1"
}
