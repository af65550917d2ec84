/*
 * dict_run_test.h
 *	  Commands on one hash or set, each done on a model too and compared.
 *
 * They end the test at the first difference.
 */
#ifndef DICT_RUN_TEST_H
#define DICT_RUN_TEST_H

#include "dict_model_test.h"
#include "hash.h"
#include "heap_test.h"
#include "set.h"

typedef struct DictRun
{
	HsHandle   *h;
	HsType		type;			/* HS_HASH or HS_SET */
	const char *key;
	DictModel	m;
	TestRandom	r;
	HsOp		op;
	HsItems		out;
	HsEffects  *effects;		/* of every command, or NULL */
	HsStatus	allowed;		/* a failure that may happen: HS_NO_MEMORY, or HS_OK for none */
} DictRun;

extern void dict_run_open(DictRun *t, HsHandle *h, HsType type, const char *key, unsigned space,
						  bool with_long, uint64_t seed);
extern void dict_run_close(DictRun *t);

extern void dict_begin(DictRun *t, HsLockMode mode);
extern void dict_end(DictRun *t);
/* The status was HS_OK, or an allowed failure: then false. */
extern bool dict_went(DictRun *t, HsStatus status);

/* n members with random values, at most 400; false if an allowed failure prevented it. */
extern bool dict_put(DictRun *t, const unsigned *ids, unsigned n, bool nx);
extern bool dict_drop(DictRun *t, const unsigned *ids, unsigned n);
/* Ask for the member in every way. */
extern void dict_look(DictRun *t, unsigned id);
/* Random members, different ones or draws. */
extern void dict_draw(DictRun *t, int64_t count);
/* Sets only. */
extern void dict_pop(DictRun *t, unsigned count);

/* Structure, count and all contents, read in batches of 'capacity' bytes. */
extern void dict_check_all(DictRun *t, size_t capacity);

/* 'steps' random commands; the number of members drifts towards 'want'. */
extern void dict_random_steps(DictRun *t, uint64_t steps, unsigned want);

/* Does the key hold the model's contents in the large encoding? */
extern bool dict_is_large(DictRun *t);

/*
 * ---- Tests of either type ------------------------------------------------------------
 */
extern void dict_test_open(HsHandle *h);
extern void dict_test_done(HsHandle *h);

extern void dict_test_random_commands(HsType type);
extern void dict_test_encodings(HsType type);
extern void dict_test_growth(HsType type);
extern void dict_test_no_memory(HsType type);
extern void dict_test_promises(HsType type);
extern void dict_test_reads_across_writes(HsType type);
extern void dict_test_small_buffers(HsType type);
extern void dict_test_dumps(HsType type);
extern void dict_test_damaged_dumps(HsType type);
extern void dict_test_effects(HsType type);
extern void dict_test_freed_in_slices(HsType type);
extern void dict_test_random_members_are_fair(HsType type);
extern void dict_test_arguments(HsType type);

#endif							/* DICT_RUN_TEST_H */
