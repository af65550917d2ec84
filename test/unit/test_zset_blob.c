/*
 * test_zset_blob.c
 *	  Small sorted sets as runs of bytes: what they take, every way they change shape,
 *	  and damage.
 */
#include <math.h>
#include <stdio.h>

#include "test.h"
#include "zset_blob.h"

#define ANY_SIZE	((size_t) HS_ZBLOB_BYTES)

static void
put(HsZblob *b, const char *member, double score)
{
	REQUIRE(hs_zblob_put(b->data, hs_bytes_str(member), score, ANY_SIZE));
	CHECK_WELL(hs_zblob_verify(b->data, sizeof(b->data)));
}

static void
check_score(const HsZblob *b, const char *member, double want)
{
	double		score = NAN;

	REQUIRE(hs_zblob_find(b->data, hs_bytes_str(member), NULL, &score) != 0);
	CHECK(memcmp(&score, &want, 8) == 0);
}

/* Bytes of a score that is the only one of its set, and of all with one that does not suit it. */
static void
scores_take_the_bytes_they_need(void)
{
	static const struct
	{
		double		score;
		unsigned	alone;
		unsigned	with_a_half;	/* each */
	}			cases[] = {
		{0, 0, 2}, {1, 1, 2}, {-1, 1, 2}, {127, 1, 3}, {128, 2, 2}, {-128, 1, 2}, {-129, 2, 3},
		{255, 2, 3}, {32767, 2, 4}, {32768, 2, 2}, {65537, 3, 4}, {1000003, 3, 4},
		{1763737200, 4, 5}, {1763737200123, 6, 7}, {9007199254740991.0, 7, 8},
		{9007199254740992.0, 2, 2}, {-9007199254740993.0, 2, 2}, {1e15, 6, 6}, {1e300, 8, 8},
		{0.5, 2, 2}, {2.25, 2, 2}, {0.1, 8, 8}, {1.0 / 3, 8, 8}, {INFINITY, 2, 2}, {-INFINITY, 2, 2},
		{5e-324, 8, 8}, {-5e-324, 8, 8}, {1.7976931348623157e308, 8, 8}, {2.2250738585072014e-308, 2, 2},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HsZblob		b;

		CASE("%.17g", cases[i].score);
		hs_zblob_init(b.data);
		put(&b, "a", cases[i].score);
		CHECK_EQ(hs_zblob_used(b.data), HS_ZBLOB_HEADER + 1 + cases[i].alone);
		check_score(&b, "a", cases[i].score);
		put(&b, "b", 0.5);
		CHECK_EQ(hs_zblob_used(b.data), HS_ZBLOB_HEADER + 2 * (1 + cases[i].with_a_half));
		check_score(&b, "a", cases[i].score);
		check_score(&b, "b", 0.5);
	}
}

static void
minus_zero_is_zero(void)
{
	HsZblob		b;

	hs_zblob_init(b.data);
	put(&b, "a", -0.0);
	put(&b, "b", 1.5);
	check_score(&b, "a", 0.0);
	REQUIRE(hs_zblob_move(b.data, hs_zblob_find(b.data, hs_bytes_str("b"), NULL, NULL), hs_bytes_str("b"), -0.0, ANY_SIZE));
	check_score(&b, "b", 0.0);
	CHECK_WELL(hs_zblob_verify(b.data, sizeof(b.data)));
}

static void
what_members_begin_with_is_kept_once(void)
{
	HsZblob		b;
	char		name[24];
	unsigned	at;

	hs_zblob_init(b.data);
	for (int i = 0; i < 100; i++)
	{
		sprintf(name, "member:%06d", i * 7919);
		put(&b, name, i);
	}
	CHECK_EQ(hs_zblob_used(b.data), HS_ZBLOB_HEADER + 7 + 100 * (6 + 1));
	/* one of another size: each has its own */
	put(&b, "member:x", 3);
	CHECK_EQ(hs_zblob_used(b.data), HS_ZBLOB_HEADER + 7 + 100 * (1 + 6 + 1) + 1 + 1 + 1);
	/* one that shares less */
	put(&b, "me", 3);
	CHECK_EQ(hs_zblob_used(b.data), HS_ZBLOB_HEADER + 2 + 100 * (1 + 11 + 1) + 1 + 6 + 1 + 1 + 0 + 1);
	put(&b, "", 1e300);
	CHECK_EQ(hs_zblob_used(b.data), HS_ZBLOB_HEADER + 100 * (1 + 13 + 8) + 1 + 8 + 8 + 1 + 2 + 8 + 1 + 8);
	for (int i = 0; i < 100; i++)
	{
		sprintf(name, "member:%06d", i * 7919);
		check_score(&b, name, i);
	}
	/* without them it is what it was, once it is tightened */
	for (int i = 0; i < 3; i++)
	{
		static const char *const gone[] = {"me", "", "member:x"};
		HsZblobView v = hs_zblob_view(b.data);

		at = hs_zblob_find(b.data, hs_bytes_str(gone[i]), NULL, NULL);
		hs_zblob_cut(b.data, at, hs_zblob_next(&v, at), 1);
		CHECK_WELL(hs_zblob_verify(b.data, sizeof(b.data)));
	}
	hs_zblob_tighten(b.data);
	CHECK_WELL(hs_zblob_verify(b.data, sizeof(b.data)));
	CHECK_EQ(hs_zblob_used(b.data), HS_ZBLOB_HEADER + 7 + 100 * (6 + 1));
}

static void
what_does_not_fit_changes_nothing(void)
{
	HsZblob		b,
				before;
	char		longest[HS_ZSET_BLOB_MEMBER + 2] = "";
	unsigned	at;

	hs_zblob_init(b.data);
	for (int i = 0; i < HS_ZSET_BLOB_MAX - 1; i++)
	{
		char		name[24];

		sprintf(name, "member:%d", i);
		put(&b, name, i);
	}
	before = b;
	memset(longest, 'x', sizeof(longest) - 1);
	at = hs_zblob_find(b.data, hs_bytes_str("member:5"), NULL, NULL);
	CHECK(!hs_zblob_put(b.data, hs_bytes_str(longest), 1, ANY_SIZE));
	CHECK(!hs_zblob_put(b.data, hs_bytes_str("member:x"), 1, hs_zblob_used(b.data) + 2));
	CHECK(!hs_zblob_put(b.data, hs_bytes_str("x"), 1, hs_zblob_used(b.data) + 100));
	CHECK(!hs_zblob_put(b.data, hs_bytes_str("member:x"), 1000, hs_zblob_used(b.data) + 100));
	CHECK(!hs_zblob_move(b.data, at, hs_bytes_str("member:5"), 0.1, hs_zblob_used(b.data) + 100));
	CHECK(memcmp(before.data, b.data, hs_zblob_used(b.data)) == 0);
	put(&b, "member:x", 1);
	CHECK(!hs_zblob_put(b.data, hs_bytes_str("member:y"), 1, ANY_SIZE));
}

/*
 * ---- Against a model ---------------------------------------------------------------
 */
#define SPACE	200

typedef struct Model
{
	char		name[SPACE][HS_ZSET_BLOB_MEMBER + 1];
	bool		has[SPACE];
	double		score[SPACE];
	unsigned	n;
} Model;

static double
any_score(TestRandom *r, unsigned kind)
{
	static const double special[] = {-INFINITY, INFINITY, 0, -0.0, 0.1, 1e300, -7};

	switch (kind)
	{
		case 0:
			return 0;
		case 1:
			return (double) test_below(r, 10) - 5;
		case 2:
			return (double) test_below(r, 10000000) - 5000000;
		case 3:
			return (double) test_below(r, 100000) / 8;
		default:
			return test_below(r, 20) == 0 ? special[test_below(r, 7)] : (double) test_below(r, 300);
	}
}

static void
make_names(Model *m, TestRandom *r, unsigned kind)
{
	for (unsigned i = 0; i < SPACE; i++)
	{
		if (kind == 0)
			sprintf(m->name[i], "player:%06u", i * 4999);
		else if (kind == 1)
			sprintf(m->name[i], "%.*s%u", (int) test_below(r, 50), "a long name that many members have in common, more or less", i);
		else if (kind == 2)
			sprintf(m->name[i], "%.*s%03u", i < 190 ? 40 : 3, "forty bytes that nearly all of them share", i);
		else
			sprintf(m->name[i], "%u", i);
	}
}

static bool
comes_before(const Model *m, unsigned a, unsigned b)
{
	if (m->score[a] != m->score[b])
		return m->score[a] < m->score[b];
	return strcmp(m->name[a], m->name[b]) < 0;
}

static void
compare(const HsZblob *b, const Model *m)
{
	HsZblobIndex index;
	HsZblobName name;
	size_t		bytes = 0;
	int			before = -1;

	CHECK_EQ(hs_zblob_n(b->data), m->n);
	if (m->n == 0)
		return;
	CHECK_WELL(hs_zblob_verify(b->data, sizeof(b->data)));
	hs_zblob_index(b->data, m->n, &index);
	hs_zblob_name_init(&name, &index.view);
	for (unsigned i = 0; i < SPACE; i++)
	{
		unsigned	rank = 0;
		double		score = 0;
		unsigned	at = hs_zblob_find(b->data, hs_bytes_str(m->name[i]), &rank, &score);
		HsZsetBound bound = {HS_ZBOUND_MEMBER, true, hs_zset_key(m->score[i]), hs_bytes_str(m->name[i])};

		CHECK_EQ(at != 0, m->has[i]);
		if (at == 0)
			continue;
		bytes += strlen(m->name[i]);
		CHECK(score == m->score[i]);
		CHECK_EQ(hs_zblob_at(&index, rank), at);
		CHECK_EQ(hs_zblob_rank(b->data, &bound), rank + 1);
		CHECK_BYTES(hs_zblob_member(&index.view, at, &name), hs_bytes_str(m->name[i]));
	}
	CHECK_EQ(hs_zblob_member_bytes(b->data), bytes);
	for (unsigned rank = 0; rank < m->n; rank++)
	{
		HsBytes		member = hs_zblob_member(&index.view, hs_zblob_at(&index, rank), &name);
		int			id = 0;

		while (hs_bytes_cmp(hs_bytes_str(m->name[id]), member) != 0)
			id++;
		CHECK(before < 0 || comes_before(m, (unsigned) before, (unsigned) id));
		before = id;
	}
}

static void
random_changes(void)
{
	for (unsigned round = 0; round < 60; round++)
	{
		TestRandom	r = {round + 1};
		unsigned	names = round % 4,
					scores = round % 5;
		static Model m;
		HsZblob		b;

		CASE("names %u, scores %u", names, scores);
		memset(&m, 0, sizeof(m));
		make_names(&m, &r, names);
		hs_zblob_init(b.data);
		for (int step = 0; step < 800; step++)
		{
			unsigned	id = (unsigned) test_below(&r, SPACE);
			HsBytes		name = hs_bytes_str(m.name[id]);
			double		score = any_score(&r, scores);
			unsigned	at = hs_zblob_find(b.data, name, NULL, NULL);
			HsZblobView v = hs_zblob_view(b.data);
			size_t		limit = test_below(&r, 10) == 0 ? test_below(&r, 3000) : ANY_SIZE;
			bool		done = true;

			if (at == 0)
			{
				done = hs_zblob_put(b.data, name, score, limit);
				CHECK(!done || hs_zblob_used(b.data) <= limit);
			}
			else if (test_below(&r, 3) > 0)
				done = hs_zblob_move(b.data, at, name, score, limit);
			else
			{
				hs_zblob_cut(b.data, at, hs_zblob_next(&v, at), 1);
				m.has[id] = false;
				m.n--;
				if (m.n > 0 && test_below(&r, 2) == 0)
					hs_zblob_tighten(b.data);
				compare(&b, &m);
				continue;
			}
			CHECK(done || limit < ANY_SIZE || m.n == HS_ZSET_BLOB_MAX);
			if (done)
			{
				m.n += !m.has[id];
				m.has[id] = true;
				m.score[id] = score;
			}
			if (step % 8 == 0)
				compare(&b, &m);
		}
		/* all of them at once, in the end */
		compare(&b, &m);
	}
}

/* Bytes changed at random are noticed or harmless: nothing is read beyond the blob. */
static void
damage_is_noticed_or_harmless(void)
{
	TestRandom	r = {1};
	HsZblob		good[2];
	unsigned	noticed = 0;

	for (int i = 0; i < 2; i++)
	{
		hs_zblob_init(good[i].data);
		for (int k = 0; k < 60; k++)
		{
			char		name[24];

			sprintf(name, i == 0 ? "user:%03d" : "user:%d", k);
			put(&good[i], name, k % 3 == 0 ? k : k + 0.5);
		}
	}
	for (int i = 0; i < 20000; i++)
	{
		const HsZblob *from = &good[i % 2];
		unsigned	used = hs_zblob_used(from->data);
		/* exactly its bytes, so that a sanitizer sees what is read behind them */
		uint8_t    *bytes = malloc(8 + used);

		REQUIRE(bytes != NULL);
		memset(bytes, 0, 8);
		memcpy(bytes + 8, from->data, used);
		for (uint64_t n = 1 + test_below(&r, 3); n > 0; n--)
			bytes[8 + test_below(&r, test_below(&r, 2) ? 16 : used)] = (uint8_t) test_random(&r);
		noticed += hs_zblob_verify(bytes + 8, used) != NULL;
		free(bytes);
	}
	CHECK(noticed > 10000);
}

TEST_MAIN(
		  TEST(scores_take_the_bytes_they_need),
		  TEST(minus_zero_is_zero),
		  TEST(what_members_begin_with_is_kept_once),
		  TEST(what_does_not_fit_changes_nothing),
		  TEST(random_changes),
		  TEST(damage_is_noticed_or_harmless))
