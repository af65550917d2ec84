/*
 * test.h
 *	  Checks and the main program of a unit test.
 *
 * A test is a function without arguments; a program lists its tests in
 * TEST_MAIN().  A failed CHECK reports and goes on, a failed REQUIRE ends the
 * test.  Arguments of the program are names of tests to run (substrings).
 * Last line of output: "<program>: N passed, N failed".
 *
 * Tables of cases: name the case with CASE() so that a failure tells which.
 */
#ifndef TEST_H
#define TEST_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bytes.h"

typedef struct Test
{
	const char *name;
	void		(*run) (void);
} Test;

#define TEST_MAX_REPORTS	20	/* failures printed per test */
#define TEST_SLOW			1.0 /* seconds: a test that takes longer says so */

/* One for the whole program, so that support files can check too. */
#define TEST_SHARED		__attribute__((weak))
extern int	test_failures;		/* of the running test */
extern char test_case_name[120];
extern jmp_buf test_abort;
TEST_SHARED int test_failures;
TEST_SHARED char test_case_name[120];
TEST_SHARED jmp_buf test_abort;

/* A failure; true, so that REQUIRE can act on it. */
static inline bool
test_fail(const char *file, int line, const char *what)
{
	if (test_failures++ < TEST_MAX_REPORTS)
		fprintf(stderr, "  %s:%d: %s%s%s\n", file, line, test_case_name,
				test_case_name[0] ? ": " : "", what);
	return true;
}

static inline bool
test_check_int(const char *file, int line, const char *expr, int64_t got, int64_t want)
{
	char		what[400];

	if (got == want)
		return true;
	snprintf(what, sizeof(what), "%s is %" PRId64 ", expected %" PRId64, expr, got, want);
	return !test_fail(file, line, what);
}

static inline bool
test_check_near(const char *file, int line, const char *expr, double got, double want, double eps)
{
	char		what[400];
	double		d = got - want;

	if (d <= eps && d >= -eps)
		return true;
	snprintf(what, sizeof(what), "%s is %.17g, expected %.17g within %g", expr, got, want, eps);
	return !test_fail(file, line, what);
}

/* At most 60 bytes of 'b', printable. */
static inline void
test_show(char *out, HsBytes b)
{
	size_t		n = b.size < 60 ? b.size : 60;

	for (size_t i = 0; i < n; i++)
		*out++ = b.data[i] >= 32 && b.data[i] < 127 ? (char) b.data[i] : '.';
	*out = '\0';
}

static inline bool
test_check_bytes(const char *file, int line, const char *expr, HsBytes got, HsBytes want)
{
	char		what[600],
				g[64],
				w[64];

	if (hs_bytes_cmp(got, want) == 0)
		return true;
	test_show(g, got);
	test_show(w, want);
	snprintf(what, sizeof(what), "%s is %zu bytes \"%s\", expected %zu bytes \"%s\"",
			 expr, got.size, g, want.size, w);
	return !test_fail(file, line, what);
}

/* For the verify functions: NULL is well. */
static inline bool
test_check_well(const char *file, int line, const char *expr, const char *complaint)
{
	char		what[600];

	if (complaint == NULL)
		return true;
	snprintf(what, sizeof(what), "%s says \"%s\"", expr, complaint);
	return !test_fail(file, line, what);
}

#define CASE(...)		((void) snprintf(test_case_name, sizeof(test_case_name), __VA_ARGS__))
#define CHECK(cond)		((cond) ? true : !test_fail(__FILE__, __LINE__, #cond))
#define CHECK_EQ(got, want) \
	test_check_int(__FILE__, __LINE__, #got, (int64_t) (got), (int64_t) (want))
#define CHECK_NEAR(got, want, eps) \
	test_check_near(__FILE__, __LINE__, #got, (got), (want), (eps))
#define CHECK_BYTES(got, want) test_check_bytes(__FILE__, __LINE__, #got, (got), (want))
#define CHECK_STR(got, want) CHECK_BYTES(got, hs_bytes_str(want))
#define CHECK_WELL(verify) test_check_well(__FILE__, __LINE__, #verify, (verify))
#define REQUIRE(cond)	((cond) ? (void) 0 : \
						 (test_fail(__FILE__, __LINE__, #cond), longjmp(test_abort, 1)))
#define REQUIRE_EQ(got, want) (CHECK_EQ(got, want) ? (void) 0 : longjmp(test_abort, 1))

/*
 * ---- Random numbers, the same in every run ---------------------------------
 */
typedef struct TestRandom
{
	uint64_t	state;
} TestRandom;

static inline uint64_t
test_random(TestRandom *r)
{
	uint64_t	z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 .. n-1 */
static inline uint64_t
test_below(TestRandom *r, uint64_t n)
{
	return test_random(r) % n;
}

/* Seed of randomised tests: TEST_SEED in the environment, else 'fallback'. */
static inline uint64_t
test_seed(uint64_t fallback)
{
	const char *s = getenv("TEST_SEED");

	return s != NULL ? strtoull(s, NULL, 0) : fallback;
}

/* How often to do it: 'normal' times TEST_SCALE of the environment. */
static inline uint64_t
test_scaled(uint64_t normal)
{
	const char *s = getenv("TEST_SCALE");
	double		n = s != NULL ? (double) normal * atof(s) : (double) normal;

	return n < 1 ? 1 : (uint64_t) n;
}

/*
 * ---- The main program -------------------------------------------------------
 */
static inline bool
test_selected(const Test *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strstr(t->name, argv[i]) != NULL)
			return true;
	return argc < 2;
}

static inline bool
test_run(const Test *t)
{
	struct timespec begin,
				end;
	double		seconds;

	test_failures = 0;
	test_case_name[0] = '\0';
	timespec_get(&begin, TIME_UTC);
	if (setjmp(test_abort) == 0)
		t->run();
	timespec_get(&end, TIME_UTC);
	seconds = (double) (end.tv_sec - begin.tv_sec) + (double) (end.tv_nsec - begin.tv_nsec) / 1e9;
	if (seconds >= TEST_SLOW)
		printf("  %s: %.1f s\n", t->name, seconds);
	if (test_failures > 0)
		fprintf(stderr, "FAILED %s: %d checks\n", t->name, test_failures);
	return test_failures == 0;
}

static inline int
test_main(const Test *tests, int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	int			passed = 0,
				failed = 0;

	for (const Test *t = tests; t->name != NULL; t++)
	{
		if (!test_selected(t, argc, argv))
			continue;
		if (test_run(t))
			passed++;
		else
			failed++;
	}
	printf("%s: %d passed, %d failed\n", slash != NULL ? slash + 1 : argv[0], passed, failed);
	return failed == 0 ? 0 : 1;
}

#define TEST(function)	{#function, function}
#define TEST_MAIN(...) \
	int \
	main(int argc, char **argv) \
	{ \
		static const Test tests[] = {__VA_ARGS__, {NULL, NULL}}; \
		return test_main(tests, argc, argv); \
	}

#endif							/* TEST_H */
