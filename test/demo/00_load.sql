-- The system of record: the Debian package index of this machine, in ordinary tables.
-- Variable: loader, the directory of packages.pl.
\echo
\echo The package index of this machine, as plain tables: the system of record.
CREATE TABLE package (name text PRIMARY KEY, version text, section text,
                      installed_size bigint, maintainer text, description text);
CREATE TABLE dependency (package text, needs text, PRIMARY KEY (package, needs));
\set QUIET off
\set load_package '\\copy package FROM PROGRAM ''apt-cache dumpavail | perl ' :loader '/packages.pl package'''
\set load_dependency '\\copy dependency FROM PROGRAM ''apt-cache dumpavail | perl ' :loader '/packages.pl dependency'''
:load_package
:load_dependency
\set QUIET on
CREATE INDEX ON dependency (needs);
CREATE INDEX ON package (maintainer);
VACUUM ANALYZE package;
VACUUM ANALYZE dependency;
CREATE EXTENSION hotset;
