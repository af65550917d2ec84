/*
 * hll_accuracy.c
 *	  How far sketches are off, from 10 to 10^8 different values.
 *
 *	cc -O2 -iquote src/engine test/bench/hll_accuracy.c src/engine/hll.c -lm -o /tmp/hll_accuracy
 *	/tmp/hll_accuracy [repetitions [largest count [seed]]]
 *
 * Each repetition feeds one sketch with random 64-bit hashes and notes its
 * relative error at each count of a fixed list, which is dense around the switch
 * to dense registers and where other estimators change formulas (2.5 to 5
 * times the number of registers).  Prints mean and root mean square over the
 * repetitions, in percent, and ends with status 1 if the latter is above
 * 0.85 % anywhere.  R repetitions know it to one part in sqrt(2 R).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "hll.h"

#define LIMIT_PERCENT	0.85

static const uint64_t counts[] = {
	10, 20, 50, 100, 200, 500, 1000, 2000, 2500, 3000, 3050, 3072, 3073, 3100, 3200, 3500, 4000,
	5000, 6000, 8000, 10000, 12000, 16000, 20000, 25000, 30000, 35000, 41000, 45000, 50000, 60000, 70000,
	82000, 100000, 120000, 150000, 200000, 300000, 500000, 1000000, 2000000, 5000000, 10000000,
	20000000, 50000000, 100000000
};

#define NCOUNTS	((int) (sizeof(counts) / sizeof(counts[0])))

typedef struct Errors
{
	double		sum;
	double		squares;
	double		largest;
} Errors;

static uint64_t
next_random(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
one_repetition(uint64_t *state, uint64_t largest, Errors *errors)
{
	uint8_t		sketch[HS_HLL_MAX_SIZE];
	uint64_t	n = 0;

	hs_hll_init(sketch);
	for (int i = 0; i < NCOUNTS && counts[i] <= largest; i++)
	{
		double		error;

		for (; n < counts[i]; n++)
			hs_hll_add(sketch, sizeof(sketch), next_random(state));
		error = 100 * (hs_hll_estimate(sketch) / (double) n - 1);
		errors[i].sum += error;
		errors[i].squares += error * error;
		errors[i].largest = fmax(errors[i].largest, fabs(error));
	}
}

int
main(int argc, char **argv)
{
	long		repetitions = argc > 1 ? atol(argv[1]) : 1000;
	uint64_t	largest = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000;
	uint64_t	state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	static Errors errors[NCOUNTS];
	double		worst = 0;

	if (repetitions < 1)
		return 2;
	for (long r = 0; r < repetitions; r++)
		one_repetition(&state, largest, errors);
	printf("%12s %10s %10s %10s\n", "values", "mean %", "rms %", "largest %");
	for (int i = 0; i < NCOUNTS && counts[i] <= largest; i++)
	{
		double		rms = sqrt(errors[i].squares / (double) repetitions);

		printf("%12llu %10.4f %10.4f %10.4f\n", (unsigned long long) counts[i],
			   errors[i].sum / (double) repetitions, rms, errors[i].largest);
		worst = fmax(worst, rms);
	}
	printf("worst rms error %.4f %%, limit %.2f %%, %ld repetitions\n", worst, LIMIT_PERCENT, repetitions);
	return worst <= LIMIT_PERCENT ? 0 : 1;
}
