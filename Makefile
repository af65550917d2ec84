# hotset: PGXS makefile.  PG_CONFIG chooses the PostgreSQL to build for.
#
#   make                 build                make install       as root or with sudo
#   make installcheck    SQL, isolation and TAP tests of what is installed; starts its
#                        own server, so not as root
#   make unit, fuzz      tests of the engine alone; no server (test/unit/unit.mk)
#   ./test.sh            everything, including what has to be installed first

MODULE_big = hotset
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/engine/*.c src/pg/*.c)))
PGFILEDESC = "hotset - keys, counters, sorted sets and sketches in shared memory"

EXTENSION = hotset
DATA = $(wildcard sql/hotset--*.sql)

# -Werror is for test.sh (COPT=-Werror); the exceptions are for PostgreSQL's headers.
# HOTSET_ASSERT=1 keeps the engine's assertions, as test.sh does.
# HOTSET_BREAKABLE=1 adds the setting hotset.break, for test/stress/coherence.sh alone.
PG_CPPFLAGS = $(if $(HOTSET_ASSERT),,-DNDEBUG) $(if $(HOTSET_BREAKABLE),-DHS_BREAKABLE)
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -fno-semantic-interposition
# Calls and variables of our own go straight, not through tables that another library
# could change: 3 % fewer instructions in most functions.
SHLIB_LINK = $(if $(filter darwin,$(PORTNAME)),,-Wl,-Bsymbolic)

# One test after the other, by name; zz_verify, the last, checks all of the region.
TEST_CONF = --temp-config=test/hotset.conf --load-extension=hotset
REGRESS = $(patsubst sql/%.sql,%,$(filter-out sql/hotset--%,$(sort $(wildcard sql/*.sql))))
REGRESS_OPTS = --temp-instance=./tmp_check $(TEST_CONF)
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --temp-instance=./tmp_check_iso --inputdir=test/isolation $(TEST_CONF)
# pg_regress looks for sql/ and expected/; the recipes are documents, so links stand in.
RECIPES = $(patsubst docs/recipes/%.sql,%,$(sort $(wildcard docs/recipes/*.sql)))
RECIPES_OPTS = --temp-instance=./tmp_check_recipes --inputdir=output_recipes --outputdir=output_recipes $(TEST_CONF)
PROVE_TESTS = $(sort $(wildcard test/tap/*.pl))
ifneq ($(PROVE_TESTS),)
TAP_TESTS = 1
endif
ENCODING = UTF8
NO_LOCALE = 1

EXTRA_CLEAN = build output_recipes tmp_check_recipes

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS on Debian does not track headers; with builds this short, all for all is enough.
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/engine/*.h src/pg/*.h)

# One suite at a time; installcheck runs all three.
.PHONY: check-regress check-isolation check-recipes check-tap
check-regress:
	$(pg_regress_installcheck) $(REGRESS_OPTS) $(REGRESS)
check-isolation:
	$(if $(ISOLATION),$(pg_isolation_regress_installcheck) $(ISOLATION_OPTS) $(ISOLATION),@true)
check-recipes:
	rm -rf output_recipes && mkdir output_recipes
	ln -s ../docs/recipes output_recipes/sql && ln -s ../docs/recipes/expected output_recipes/expected
	$(pg_regress_installcheck) $(RECIPES_OPTS) $(RECIPES)
check-tap:
	$(if $(TAP_TESTS),$(prove_installcheck),@true)

-include test/unit/unit.mk
