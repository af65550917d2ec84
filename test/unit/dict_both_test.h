/*
 * dict_both_test.h
 *	  The tests that hashes and sets have in common, for the program of one of
 *	  them: it defines TYPE before, and lists DICT_TESTS in TEST_MAIN().
 */
#ifndef DICT_BOTH_TEST_H
#define DICT_BOTH_TEST_H

#include "dict_run_test.h"

#define DICT_TEST(name, function) \
	static void name(void) { function(TYPE); }

DICT_TEST(random_commands, dict_test_random_commands)
DICT_TEST(encoding_changes_at_its_limits, dict_test_encodings)
DICT_TEST(large_one_grows_and_shrinks, dict_test_growth)
DICT_TEST(without_memory_nothing_changes, dict_test_no_memory)
DICT_TEST(promises_suffice, dict_test_promises)
DICT_TEST(walk_meets_what_stays_once, dict_test_reads_across_writes)
DICT_TEST(small_buffers_are_told_what_is_needed, dict_test_small_buffers)
DICT_TEST(dumps_come_back, dict_test_dumps)
DICT_TEST(damaged_dumps_are_refused, dict_test_damaged_dumps)
DICT_TEST(effects_replayed_give_the_same, dict_test_effects)
DICT_TEST(freed_in_slices, dict_test_freed_in_slices)
DICT_TEST(random_members_are_fair, dict_test_random_members_are_fair)
DICT_TEST(arguments_are_checked, dict_test_arguments)

#define DICT_TESTS \
	TEST(random_commands), \
	TEST(encoding_changes_at_its_limits), \
	TEST(large_one_grows_and_shrinks), \
	TEST(without_memory_nothing_changes), \
	TEST(promises_suffice), \
	TEST(walk_meets_what_stays_once), \
	TEST(small_buffers_are_told_what_is_needed), \
	TEST(dumps_come_back), \
	TEST(damaged_dumps_are_refused), \
	TEST(effects_replayed_give_the_same), \
	TEST(freed_in_slices), \
	TEST(random_members_are_fair), \
	TEST(arguments_are_checked)

#endif							/* DICT_BOTH_TEST_H */
