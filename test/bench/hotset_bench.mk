# The benchmarks' own functions: make -f test/bench/hotset_bench.mk install
# from the top directory, after the extension was built.
MODULE_big = hotset_bench
OBJS = test/bench/hotset_bench.o src/pg/region.o $(patsubst %.c,%.o,$(sort $(wildcard src/engine/*.c)))
PG_CPPFLAGS = -DNDEBUG -iquote src/engine -iquote src/pg
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
# the extension's engine is in the same process: ours is to call itself
SHLIB_LINK = -Wl,-Bsymbolic
NO_INSTALL_BITCODE = 1
with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
