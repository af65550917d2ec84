/*
 * test_hll.c
 *	  Sketches: canonical whatever the order, exact while sparse, close when
 *	  dense, and refused when damaged.
 */
#include "hll.h"

#include <assert.h>
#include <math.h>

#include "test.h"

#define MAX_HASHES	20000

static_assert(HS_HLL_DENSE_SIZE <= 12400, "fits into a record with room to spare");

typedef struct Sketch
{
	uint8_t		bytes[HS_HLL_MAX_SIZE];
} Sketch;

static const int sizes[] = {0, 1, 2, 15, 16, 17, 100, 1000, 3071, 3072, 3073, 3074, 5000, 20000};

#define NSIZES	((int) (sizeof(sizes) / sizeof(sizes[0])))

static uint64_t hashes[MAX_HASHES];

static void
make_hashes(uint64_t seed)
{
	TestRandom	r = {seed};

	for (int i = 0; i < MAX_HASHES; i++)
		hashes[i] = test_random(&r);
}

/* hashes [from, to) into a fresh sketch */
static void
fill(Sketch *s, int from, int to)
{
	memset(s, 0xee, sizeof(*s));
	hs_hll_init(s->bytes);
	for (int i = from; i < to; i++)
		CHECK(hs_hll_add(s->bytes, sizeof(s->bytes), hashes[i]) != HS_HLL_FULL);
}

static HsBytes
used(const Sketch *s)
{
	return hs_bytes(s->bytes, hs_hll_size(s->bytes));
}

/* The registers as the definition says, from all hashes at once. */
static void
naive_registers(int n, uint8_t *registers)
{
	memset(registers, 0, HS_HLL_REGISTERS);
	for (int i = 0; i < n; i++)
	{
		uint64_t	h = hashes[i];
		int			index = (int) (h >> 50);
		uint8_t		rank = 1;

		for (int bit = 49; bit >= 0 && !(h >> bit & 1); bit--)
			rank++;
		if (registers[index] < rank)
			registers[index] = rank;
	}
}

static unsigned
register_of(const Sketch *s, int i)
{
	unsigned	value = 0;

	for (int bit = 0; bit < 6; bit++)
	{
		int			at = i * 6 + bit;

		value |= (unsigned) (s->bytes[HS_HLL_HEADER + at / 8] >> (at % 8) & 1) << bit;
	}
	return value;
}

/* ---- hashes ------------------------------------------------------------------ */

/* Stored sketches depend on these; a change here is a change of format. */
static void
hashes_are_fixed(void)
{
	CHECK_EQ(hs_hll_hash(hs_bytes_str("")), INT64_C(-8143659251302871182));
	CHECK_EQ(hs_hll_hash(hs_bytes_str("hotset")), INT64_C(2005749579418171286));
	CHECK_EQ(hs_hll_hash_int64(0), INT64_C(-233637304505781276));
	CHECK_EQ(hs_hll_hash_int64(-1), INT64_C(-6273767687584611830));
}

static void
integer_hash_is_that_of_its_bytes(void)
{
	const uint8_t bytes[8] = {0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01};
	TestRandom	r = {10};

	CHECK_EQ(hs_hll_hash_int64(INT64_C(0x0123456789abcdef)), hs_hll_hash(hs_bytes(bytes, 8)));
	for (int i = 0; i < 1000; i++)
	{
		uint64_t	v = test_random(&r) >> test_below(&r, 64);
		uint8_t		little[8];

		for (int k = 0; k < 8; k++)
			little[k] = (uint8_t) (v >> (8 * k));
		CHECK_EQ(hs_hll_hash_int64((int64_t) v), hs_hll_hash(hs_bytes(little, 8)));
	}
}

/* ---- adding ------------------------------------------------------------------- */

static void
registers_follow_the_definition(void)
{
	static uint8_t registers[HS_HLL_REGISTERS];
	Sketch		s;

	make_hashes(1);
	hashes[0] = 0;				/* the largest ranks there are */
	hashes[1] = 1;
	hashes[2] = UINT64_MAX << 50;
	fill(&s, 0, MAX_HASHES);
	REQUIRE(hs_hll_is_dense(s.bytes));
	naive_registers(MAX_HASHES, registers);
	for (int i = 0; i < HS_HLL_REGISTERS; i++)
		CHECK_EQ(register_of(&s, i), registers[i]);
	CHECK_EQ(registers[0], 51);
	CHECK_EQ(registers[HS_HLL_REGISTERS - 1], 51);
}

static void
order_and_repetition_do_not_matter(void)
{
	Sketch		a,
				b;

	for (int k = 0; k < NSIZES; k++)
	{
		CASE("%d hashes", sizes[k]);
		make_hashes(2);
		fill(&a, 0, sizes[k]);
		CHECK_WELL(hs_hll_check(used(&a)));
		hs_hll_init(b.bytes);
		for (int i = sizes[k] - 1; i >= 0; i--)
		{
			hs_hll_add(b.bytes, sizeof(b.bytes), hashes[i]);
			CHECK_EQ(hs_hll_add(b.bytes, sizeof(b.bytes), hashes[i]), HS_HLL_SAME);
		}
		CHECK_BYTES(used(&a), used(&b));
	}
}

static void
turns_dense_when_sparse_is_full(void)
{
	Sketch		s;

	make_hashes(3);
	fill(&s, 0, HS_HLL_MAX_ENTRIES);
	CHECK(!hs_hll_is_dense(s.bytes));
	CHECK_EQ(hs_hll_size(s.bytes), HS_HLL_HEADER + 4 * HS_HLL_MAX_ENTRIES);
	fill(&s, 0, HS_HLL_MAX_ENTRIES + 1);
	CHECK(hs_hll_is_dense(s.bytes));
	CHECK_EQ(hs_hll_size(s.bytes), HS_HLL_DENSE_SIZE);
}

/* The same first bits, but longer and longer runs of zeros behind them. */
static void
sparse_keeps_the_larger_rank(void)
{
	Sketch		s,
				t;

	hs_hll_init(s.bytes);
	for (int zeros = 0; zeros < 38; zeros++)
		CHECK_EQ(hs_hll_add(s.bytes, sizeof(s.bytes), UINT64_C(1) << (37 - zeros)), HS_HLL_CHANGED);
	CHECK_EQ(hs_hll_add(s.bytes, sizeof(s.bytes), 0), HS_HLL_CHANGED);
	CHECK_EQ(hs_hll_add(s.bytes, sizeof(s.bytes), 1), HS_HLL_SAME);
	CHECK_EQ(hs_hll_size(s.bytes), HS_HLL_HEADER + 4);
	CHECK_WELL(hs_hll_check(used(&s)));
	hs_hll_init(t.bytes);
	hs_hll_add(t.bytes, sizeof(t.bytes), 0);
	CHECK_BYTES(used(&s), used(&t));
}

/* With the capacity asked for and not a byte more, at each growth. */
static void
full_changes_nothing_and_growing_helps(void)
{
	size_t		capacity = HS_HLL_EMPTY_SIZE;
	uint8_t    *s = malloc(capacity);
	Sketch		want;

	REQUIRE(s != NULL);
	make_hashes(4);
	hs_hll_init(s);
	for (int i = 0; i < 5000; i++)
	{
		while (hs_hll_add(s, capacity, hashes[i]) == HS_HLL_FULL)
		{
			size_t		grown = hs_hll_grown_size(capacity);

			if (i % 64 == 0)
			{
				fill(&want, 0, i);
				CHECK_BYTES(hs_bytes(s, hs_hll_size(s)), used(&want));
			}
			REQUIRE(grown > capacity && grown <= HS_HLL_MAX_SIZE);
			s = realloc(s, grown);
			REQUIRE(s != NULL);
			capacity = grown;
		}
	}
	fill(&want, 0, 5000);
	CHECK_BYTES(hs_bytes(s, hs_hll_size(s)), used(&want));
	free(s);
}

/* ---- merging ------------------------------------------------------------------ */

/* a = hashes [0,na), b = hashes [from, from+nb) in memory of exactly the right size */
static void
check_merge(int na, int from, int nb)
{
	int			to = from + nb > na ? from + nb : na;
	Sketch		a,
				b,
				want;
	HsHllPlan	plan;
	uint8_t    *exact;

	CASE("%d with %d from %d", na, nb, from);
	fill(&a, 0, na);
	fill(&b, from, from + nb);
	fill(&want, 0, to);
	plan = hs_hll_plan_merge(a.bytes, b.bytes);
	CHECK_EQ(plan.size, hs_hll_size(want.bytes));
	CHECK_EQ(plan.changes, hs_bytes_cmp(used(&a), used(&want)) != 0);
	CHECK(hs_hll_merge_room(a.bytes, b.bytes) >= plan.size);
	exact = malloc(plan.size);
	REQUIRE(exact != NULL);
	memcpy(exact, a.bytes, hs_hll_size(a.bytes));
	hs_hll_merge(exact, plan.size, b.bytes);
	CHECK_BYTES(hs_bytes(exact, hs_hll_size(exact)), used(&want));
	free(exact);
}

static void
merging_equals_adding_all(void)
{
	make_hashes(5);
	for (int i = 0; i < NSIZES; i++)
		for (int j = 0; j < NSIZES; j++)
		{
			int			from = sizes[i] < MAX_HASHES - sizes[j] ? sizes[i] : MAX_HASHES - sizes[j];

			check_merge(sizes[i], from, sizes[j]);	/* nothing in common */
			check_merge(sizes[i], from / 2, sizes[j]);	/* some */
			if (sizes[j] <= sizes[i])
				check_merge(sizes[i], 0, sizes[j]); /* contained */
		}
}

static void
merging_entries_keeps_the_larger_rank(void)
{
	Sketch		low,
				high,
				merged;

	hs_hll_init(low.bytes);
	hs_hll_init(high.bytes);
	for (uint64_t i = 0; i < 40; i++)
	{
		hs_hll_add(low.bytes, sizeof(low.bytes), i << 40 | UINT64_C(1) << 30);
		hs_hll_add(high.bytes, sizeof(high.bytes), i << 40 | 1);
	}
	merged = low;
	CHECK(hs_hll_plan_merge(low.bytes, high.bytes).changes);
	CHECK(!hs_hll_plan_merge(high.bytes, low.bytes).changes);
	hs_hll_merge(merged.bytes, sizeof(merged.bytes), high.bytes);
	CHECK_BYTES(used(&merged), used(&high));
	hs_hll_merge(merged.bytes, sizeof(merged.bytes), low.bytes);
	CHECK_BYTES(used(&merged), used(&high));
}

/* ---- estimates ------------------------------------------------------------------ */

static void
sparse_counts_exactly(void)
{
	Sketch		s;
	int			wrong = 0;

	make_hashes(6);
	hs_hll_init(s.bytes);
	CHECK_NEAR(hs_hll_estimate(s.bytes), 0, 0);
	for (int n = 1; n <= HS_HLL_MAX_ENTRIES; n++)
	{
		hs_hll_add(s.bytes, sizeof(s.bytes), hashes[n - 1]);
		wrong += hs_hll_estimate(s.bytes) != n;
	}
	CHECK_EQ(wrong, 0);
}

static void
estimates_never_fall(void)
{
	for (uint64_t seed = 100; seed < 108; seed++)
	{
		Sketch		s;
		double		last = 0;

		CASE("seed %" PRIu64, seed);
		make_hashes(seed);
		hs_hll_init(s.bytes);
		for (int n = 0; n < 6000; n++)
		{
			bool		changed = hs_hll_add(s.bytes, sizeof(s.bytes), hashes[n]) == HS_HLL_CHANGED;

			if (n < 3000 || !changed)
				continue;
			CHECK(hs_hll_estimate(s.bytes) >= last);
			last = hs_hll_estimate(s.bytes);
		}
	}
}

/*
 * Root mean square and mean of the relative error over seeded repetitions.
 * 60 of them know the former to 10 %: the limits are four times that away.
 */
static void
dense_error_is_as_promised(void)
{
	enum
	{
		REPEATS = 60, POINTS = 7
	};
	static const int points[POINTS] = {3200, 5000, 16384, 40000, 80000, 200000, 500000};
	double		sum[POINTS] = {0};
	double		squares[POINTS] = {0};
	TestRandom	r = {7};

	for (int rep = 0; rep < REPEATS; rep++)
	{
		Sketch		s;
		int			n = 0;

		hs_hll_init(s.bytes);
		for (int p = 0; p < POINTS; p++)
		{
			double		error;

			for (; n < points[p]; n++)
				hs_hll_add(s.bytes, sizeof(s.bytes), test_random(&r));
			error = hs_hll_estimate(s.bytes) / n - 1;
			sum[p] += error;
			squares[p] += error * error;
		}
	}
	for (int p = 0; p < POINTS; p++)
	{
		CASE("%d values", points[p]);
		CHECK_NEAR(sum[p] / REPEATS, 0, 0.0045);
		CHECK(sqrt(squares[p] / REPEATS) < 0.0115);
		CHECK(sqrt(squares[p] / REPEATS) > 0.0025);	/* too good would be wrong too */
	}
}

/* Every register at its end: no infinity, no NaN from what can occur. */
static void
estimates_are_finite_up_to_the_end(void)
{
	Sketch		s;
	double		last = 0;

	for (unsigned rank = 1; rank <= 51; rank++)
	{
		fill(&s, 0, HS_HLL_MAX_ENTRIES + 1);
		for (unsigned i = 0; i < HS_HLL_REGISTERS; i++)
			hs_hll_raise(s.bytes + HS_HLL_HEADER, i, rank);
		if (rank == 51)
		{
			CHECK(isinf(hs_hll_estimate(s.bytes)));	/* more than 64 bits can tell */
			continue;
		}
		CHECK(isfinite(hs_hll_estimate(s.bytes)));
		CHECK(hs_hll_estimate(s.bytes) > last);
		last = hs_hll_estimate(s.bytes);
	}
}

/* ---- damage ---------------------------------------------------------------------- */

/* A change of any byte is refused, or leaves a sketch that could exist. */
static void
damage_is_refused_or_harmless(void)
{
	static const int counts[] = {0, 3, 200, 4000};

	make_hashes(8);
	for (int k = 0; k < 4; k++)
	{
		Sketch		s;
		size_t		size;
		int			refused = 0;

		fill(&s, 0, counts[k]);
		size = hs_hll_size(s.bytes);
		for (size_t at = 0; at < size; at++)
		{
			uint8_t		was = s.bytes[at];
			uint8_t		seal[HS_HLL_SEAL_SIZE],
						other[HS_HLL_SEAL_SIZE];

			hs_hll_seal(s.bytes, seal);
			s.bytes[at] ^= (uint8_t) (1u << at % 8);
			if (hs_hll_check(hs_bytes(s.bytes, size)) != NULL)
				refused++;
			else
			{
				hs_hll_seal(s.bytes, other);
				CHECK(memcmp(seal, other, sizeof(seal)) != 0);
				CHECK(at >= HS_HLL_HEADER);
			}
			s.bytes[at] = was;
		}
		CHECK(refused >= HS_HLL_HEADER);
		CHECK(hs_hll_check(hs_bytes(s.bytes, size - 1)) != NULL);
		CHECK(hs_hll_check(hs_bytes(s.bytes, 0)) != NULL);
		CHECK(!hs_hll_is_sketch(hs_bytes(s.bytes, size - 1), true));
		CHECK(hs_hll_is_sketch(hs_bytes(s.bytes, size), false));
	}
}

static void
slack_is_allowed_where_asked_for(void)
{
	Sketch		s;

	make_hashes(9);
	fill(&s, 0, 10);
	CHECK(hs_hll_is_sketch(hs_bytes(s.bytes, 100), true));
	CHECK(!hs_hll_is_sketch(hs_bytes(s.bytes, 100), false));
}

TEST_MAIN(
		  TEST(hashes_are_fixed),
		  TEST(integer_hash_is_that_of_its_bytes),
		  TEST(registers_follow_the_definition),
		  TEST(order_and_repetition_do_not_matter),
		  TEST(turns_dense_when_sparse_is_full),
		  TEST(sparse_keeps_the_larger_rank),
		  TEST(full_changes_nothing_and_growing_helps),
		  TEST(merging_equals_adding_all),
		  TEST(merging_entries_keeps_the_larger_rank),
		  TEST(sparse_counts_exactly),
		  TEST(estimates_never_fall),
		  TEST(dense_error_is_as_promised),
		  TEST(estimates_are_finite_up_to_the_end),
		  TEST(damage_is_refused_or_harmless),
		  TEST(slack_is_allowed_where_asked_for))
