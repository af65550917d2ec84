/*
 * glob.c
 *	  Patterns as in Redis: * ? [a-z] [^a] \x, byte by byte.
 *
 * Only the last star is ever tried again: whatever an earlier star could take
 * more, the later one can take as well.  So the work is bounded by pattern
 * size times string size, however many stars there are.
 */
#include "postgres.h"

#include "hotset.h"

static size_t match_class(HsBytes pattern, size_t p, uint8_t c, bool *matches);

/* Does one element of the pattern at p match c?  *next: where it ends. */
static bool
match_one(HsBytes pattern, size_t p, uint8_t c, size_t *next)
{
	bool		matches;

	switch (pattern.data[p])
	{
		case '?':
			*next = p + 1;
			return true;
		case '[':
			*next = match_class(pattern, p + 1, c, &matches);
			return matches;
		case '\\':
			if (p + 1 < pattern.size)
				p++;			/* a final backslash stands for itself */
			break;
	}
	*next = p + 1;
	return pattern.data[p] == c;
}

/*
 * The class that begins after '[' at p.  As in Redis, one without ']' ends with
 * the pattern, and a range may be written backwards.  Returns where it ends.
 */
static size_t
match_class(HsBytes pattern, size_t p, uint8_t c, bool *matches)
{
	const uint8_t *pat = pattern.data;
	size_t		n = pattern.size;
	bool		negated = p < n && pat[p] == '^';
	bool		found = false;

	if (negated)
		p++;
	while (p < n && pat[p] != ']')
	{
		uint8_t		low;
		uint8_t		high;

		if (pat[p] == '\\' && p + 1 < n)
			p++;
		low = high = pat[p++];
		if (p + 1 < n && pat[p] == '-' && pat[p + 1] != ']')
		{
			p++;
			if (pat[p] == '\\' && p + 1 < n)
				p++;
			high = pat[p++];
		}
		if (low > high)
		{
			uint8_t		swap = low;

			low = high;
			high = swap;
		}
		if (c >= low && c <= high)
			found = true;
	}
	*matches = found != negated;
	return p < n ? p + 1 : n;
}

bool
hsg_glob_match(HsBytes pattern, HsBytes string)
{
	size_t		p = 0;
	size_t		s = 0;
	size_t		star = SIZE_MAX;	/* after the last star, if any */
	size_t		taken = 0;		/* where in the string that star ends so far */

	while (s < string.size)
	{
		size_t		next;

		if (p < pattern.size && pattern.data[p] == '*')
		{
			star = ++p;
			taken = s;
		}
		else if (p < pattern.size && match_one(pattern, p, string.data[s], &next))
		{
			p = next;
			s++;
		}
		else if (star != SIZE_MAX)
		{
			p = star;
			s = ++taken;
		}
		else
			return false;
	}
	while (p < pattern.size && pattern.data[p] == '*')
		p++;
	return p == pattern.size;
}
