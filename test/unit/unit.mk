# Tests of the engine that need no server.  Included by the top Makefile; works
# alone too: make -f test/unit/unit.mk unit
#
#   unit         every test/unit/test_*.c
#   unit-asan    the same with AddressSanitizer and UndefinedBehaviorSanitizer
#   unit-tsan    the lock-free reads under ThreadSanitizer
#   fuzz         every test/fuzz/fuzz_*.c: corpus, then FUZZ_SECONDS in all
#   stress       processes over one region: STRESS_SECONDS, STRESS_PROCS
#   stress-asan  the same with sanitizers
#
# A program is linked from all engine sources, the support files
# test/unit/*_test.c and its own file.  With make -j2 two programs run at a
# time, while the next are still compiled.

UNIT_CC ?= cc
UNIT_CLANG ?= $(shell command -v clang 2>/dev/null)
UNIT_DIR ?= build
UNIT_OPT ?= -O2 -g
STRESS_SECONDS ?= 10
STRESS_PROCS ?= 4
FUZZ_SECONDS ?= 20

UNIT_FLAGS = -std=c11 -Wall -Wextra -Werror -DHS_TESTING -iquote src/engine -iquote test/unit \
	-ffunction-sections -fdata-sections -MMD -MP
ASAN_FLAGS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
TSAN_FLAGS = -fsanitize=thread -DHS_TSAN -fno-omit-frame-pointer
# what a test does not use need not be there
# and the slabs can be made to fail, see slab_test.h
UNIT_LIBS = -Wl,--gc-sections -lpthread -lm \
	-Wl,--wrap=hs_slab_alloc,--wrap=hs_slab_free,--wrap=hs_slab_prepare,--wrap=hs_slab_settle

ENGINE_NAMES := $(basename $(notdir $(wildcard src/engine/*.c)))
SUPPORT_NAMES := $(basename $(notdir $(wildcard test/unit/*_test.c)))
TEST_NAMES := $(basename $(notdir $(wildcard test/unit/test_*.c)))
FUZZ_NAMES := $(basename $(notdir $(wildcard test/fuzz/fuzz_*.c)))

# $(1) variant, $(2) compiler, $(3) flags: rules for objects and programs
define unit_variant
$(1)_OBJS := $$(ENGINE_NAMES:%=$$(UNIT_DIR)/$(1)/engine/%.o) $$(SUPPORT_NAMES:%=$$(UNIT_DIR)/$(1)/unit/%.o)
$$(UNIT_DIR)/$(1)/engine/%.o: src/engine/%.c | $$(UNIT_DIR)/$(1)/dirs
	$(2) $$(UNIT_FLAGS) $(3) -c -o $$@ $$<
$$(UNIT_DIR)/$(1)/unit/%.o: test/unit/%.c | $$(UNIT_DIR)/$(1)/dirs
	$(2) $$(UNIT_FLAGS) $(3) -c -o $$@ $$<
$$(UNIT_DIR)/$(1)/stress/%.o: test/stress/%.c | $$(UNIT_DIR)/$(1)/dirs
	$(2) $$(UNIT_FLAGS) $(3) -c -o $$@ $$<
$$(UNIT_DIR)/$(1)/fuzz/%.o: test/fuzz/%.c | $$(UNIT_DIR)/$(1)/dirs
	$(2) $$(UNIT_FLAGS) $(3) -c -o $$@ $$<
$$(UNIT_DIR)/$(1)/test_%: $$(UNIT_DIR)/$(1)/unit/test_%.o $$($(1)_OBJS)
	$(2) $(3) -o $$@ $$^ $$(UNIT_LIBS)
$$(UNIT_DIR)/$(1)/%_stress: $$(UNIT_DIR)/$(1)/stress/%_stress.o $$(UNIT_DIR)/$(1)/stress/mix.o $$($(1)_OBJS)
	$(2) $(3) -o $$@ $$^ $$(UNIT_LIBS)
$$(UNIT_DIR)/$(1)/%.log: $$(UNIT_DIR)/$(1)/% unit-again
	@test/unit/run.sh $$< $$@
$$(UNIT_DIR)/$(1)/dirs:
	@mkdir -p $$(UNIT_DIR)/$(1)/engine $$(UNIT_DIR)/$(1)/unit $$(UNIT_DIR)/$(1)/stress $$(UNIT_DIR)/$(1)/fuzz
	@touch $$@
endef

$(eval $(call unit_variant,unit,$(UNIT_CC),$(UNIT_OPT)))
$(eval $(call unit_variant,asan,$(UNIT_CC),-O1 -g $(ASAN_FLAGS)))
# clang knows atomic_thread_fence() under ThreadSanitizer, gcc refuses it
$(eval $(call unit_variant,tsan,$(or $(UNIT_CLANG),$(UNIT_CC)),-O1 -g $(TSAN_FLAGS)))
ifneq ($(UNIT_CLANG),)
$(eval $(call unit_variant,fuzz,$(UNIT_CLANG),-O1 -g -fsanitize=fuzzer-no-link $(ASAN_FLAGS)))
else
$(eval $(call unit_variant,fuzz,$(UNIT_CC),-O1 -g $(ASAN_FLAGS)))
endif

# With clang the fuzzer brings its own main(); the replayer always has one.
$(UNIT_DIR)/fuzz/fuzz_%: $(UNIT_DIR)/fuzz/fuzz/fuzz_%.o $(fuzz_OBJS)
	$(UNIT_CLANG) -fsanitize=fuzzer $(ASAN_FLAGS) -o $@ $^ $(UNIT_LIBS)
$(UNIT_DIR)/fuzz/replay_%: $(UNIT_DIR)/fuzz/fuzz/fuzz_%.o $(UNIT_DIR)/fuzz/fuzz/replay.o $(fuzz_OBJS)
	$(or $(UNIT_CLANG),$(UNIT_CC)) $(ASAN_FLAGS) -o $@ $^ $(UNIT_LIBS)

unit: $(TEST_NAMES:%=$(UNIT_DIR)/unit/%.log)
	@test/unit/total.sh $^

# region memory is mapped, not allocated: what leaks there the tests check
unit-asan: export UBSAN_OPTIONS = print_stacktrace=1
unit-asan: $(TEST_NAMES:%=$(UNIT_DIR)/asan/%.log)
	@test/unit/total.sh $^

unit-tsan: $(UNIT_DIR)/tsan/thread_stress $(UNIT_DIR)/tsan/test_bits $(UNIT_DIR)/tsan/test_tag $(UNIT_DIR)/tsan/test_cached
	TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 $< 8 4
	TSAN_OPTIONS=halt_on_error=1 $(UNIT_DIR)/tsan/test_bits readers_see_whole_commands
	TSAN_OPTIONS=halt_on_error=1 TEST_SCALE=0.2 $(UNIT_DIR)/tsan/test_tag readers_miss_all_keys
	TSAN_OPTIONS=halt_on_error=1 TEST_SCALE=0.2 $(UNIT_DIR)/tsan/test_cached readers_see_whole_entries

stress: $(UNIT_DIR)/unit/engine_stress
	$< $(STRESS_SECONDS) $(STRESS_PROCS)

stress-asan: $(UNIT_DIR)/asan/engine_stress
	$< $(STRESS_SECONDS) $(STRESS_PROCS)

fuzz: $(FUZZ_NAMES:%=$(UNIT_DIR)/fuzz/%) $(FUZZ_NAMES:fuzz_%=$(UNIT_DIR)/fuzz/replay_%)
	@UBSAN_OPTIONS=print_stacktrace=1 test/fuzz/smoke.sh $(UNIT_DIR)/fuzz $(FUZZ_SECONDS) $(FUZZ_NAMES)
ifeq ($(UNIT_CLANG),)
$(FUZZ_NAMES:%=$(UNIT_DIR)/fuzz/%): $(UNIT_DIR)/fuzz/fuzz_%: $(UNIT_DIR)/fuzz/replay_%
	cp $< $@
endif

unit-clean:
	rm -rf $(UNIT_DIR)

-include $(wildcard $(UNIT_DIR)/*/*/*.d)

# what depends on this is made every time
unit-again:

.PHONY: unit-again unit unit-asan unit-tsan fuzz stress stress-asan unit-clean
.SECONDARY:
