/*
 * lock_token.c
 *	  Fencing tokens: numbers that only grow, whatever becomes of the server.
 *
 * A token is the real time in microseconds since 1970, or one more than the
 * last token if that is not less.  One counter serves all keyspaces.
 *
 * A file in the data directory holds a number that no token has reached yet, the
 * ceiling.  It is written and synced before tokens come near it, and after a
 * crash the first token is above it, even if the clock was set back.  A server that is
 * shut down leaves its last token there.  The ceiling is not far ahead, so that
 * after a crash tokens are not ahead of the clock for long: a server that
 * takes over without the file (a standby) goes by the clock.
 *
 * The file is read when the first token is asked for.  One that cannot be read or is
 * damaged is an error then, for what the tokens of before were cannot be known.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "storage/ipc.h"

#include "glue.h"

#define TOKEN_FILE		"hotset_tokens"
#define TOKEN_MAGIC		0x4e4b5448	/* "HTKN" */
#define TOKEN_VERSION	1
#define AHEAD_US		INT64CONST(60000000)	/* the ceiling above the last token */
#define CLOCK_MAX_US	(PG_INT64_MAX / 2)	/* a later time is not believed */

#define UNIX_EPOCH_US	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* On disk; in the byte order of the machine, as the rest of the data directory. */
typedef struct TokenFile
{
	uint32		magic;
	uint32		version;
	int64		ceiling;
	uint32		pad;
	pg_crc32c	crc;			/* of what comes before */
} TokenFile;

static int64 next_token(int64 last, int64_t now_us);
static int64 room_left(int64_t now_us);
static int64 file_read(void);
static void file_write(int64 ceiling, int elevel);
static void file_trouble(int elevel, const char *what, const char *path);
static void at_shutdown(int code, Datum arg);

/*
 * ---- Tokens --------------------------------------------------------------------
 */

void
hsg_token_shmem_startup(bool is_new)
{
	if (is_new)
	{
		LWLockInitialize(&hsg_shared->token_lock, hsg_shared->tranche_id);
		pg_atomic_init_u64(&hsg_shared->last_token, 0);
		pg_atomic_init_u64(&hsg_shared->token_ceiling, 0);
	}
	if (!IsUnderPostmaster)
		on_shmem_exit(at_shutdown, (Datum) 0);
}

int64
hsg_token_take(int64_t now_us)
{
	for (;;)
	{
		uint64		last = pg_atomic_read_u64(&hsg_shared->last_token);
		int64		token = next_token((int64) last, now_us);

		/* who reads a new ceiling with an older 'last' does not get through below */
		if (token > (int64) pg_atomic_read_u64(&hsg_shared->token_ceiling))
			return 0;
		if (pg_atomic_compare_exchange_u64(&hsg_shared->last_token, &last, (uint64) token))
			return token;
	}
}

/*
 * Who finds little left raises the ceiling.  Nobody waits for that unless there
 * is nothing left.
 */
void
hsg_token_reserve(int64_t now_us)
{
	int64		last;

	if (room_left(now_us) > AHEAD_US / 2)
		return;
	if (room_left(now_us) < 0)
		LWLockAcquire(&hsg_shared->token_lock, LW_EXCLUSIVE);
	else if (!LWLockConditionalAcquire(&hsg_shared->token_lock, LW_EXCLUSIVE))
		return;
	if (room_left(now_us) <= AHEAD_US / 2)
	{
		if (pg_atomic_read_u64(&hsg_shared->token_ceiling) == 0)
			pg_atomic_write_u64(&hsg_shared->last_token, (uint64) file_read());
		last = next_token((int64) pg_atomic_read_u64(&hsg_shared->last_token), now_us);
		file_write(last + AHEAD_US, ERROR);
		pg_write_barrier();
		pg_atomic_write_u64(&hsg_shared->token_ceiling, (uint64) (last + AHEAD_US));
	}
	LWLockRelease(&hsg_shared->token_lock);
}

static int64
next_token(int64 last, int64_t now_us)
{
	if (now_us < CLOCK_MAX_US && now_us + UNIX_EPOCH_US > last)
		return now_us + UNIX_EPOCH_US;
	return last + 1;
}

/* From the next token to the ceiling; negative if it is above. */
static int64
room_left(int64_t now_us)
{
	int64		last = (int64) pg_atomic_read_u64(&hsg_shared->last_token);

	return (int64) pg_atomic_read_u64(&hsg_shared->token_ceiling) - next_token(last, now_us);
}

/*
 * ---- The file ------------------------------------------------------------------
 */

/* No token has been above this; 0 if there is no file. */
static int64
file_read(void)
{
	TokenFile	f;
	pg_crc32c	crc;
	int			fd = OpenTransientFile(TOKEN_FILE, O_RDONLY | PG_BINARY);
	ssize_t		n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		file_trouble(ERROR, "open", TOKEN_FILE);
	n = read(fd, &f, sizeof(f));
	if (n < 0)
		file_trouble(ERROR, "read", TOKEN_FILE);
	CloseTransientFile(fd);
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, &f, offsetof(TokenFile, crc));
	FIN_CRC32C(crc);
	if (n != sizeof(f) || f.magic != TOKEN_MAGIC || !EQ_CRC32C(crc, f.crc))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("file \"%s\" is damaged", TOKEN_FILE),
				 errdetail("Which tokens were given out before is not known."),
				 errhint("If the clock has not been set back since, remove the file: tokens go on from the time of day.")));
	if (f.version != TOKEN_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("file \"%s\" is of version %u, not %d", TOKEN_FILE, f.version, TOKEN_VERSION)));
	return f.ceiling;
}

/* On disk when it returns, whatever happens then. */
static void
file_write(int64 ceiling, int elevel)
{
	static const char *const temp = TOKEN_FILE ".tmp";
	TokenFile	f = {.magic = TOKEN_MAGIC,.version = TOKEN_VERSION,.ceiling = ceiling};
	int			fd = OpenTransientFile(temp, O_CREAT | O_WRONLY | O_TRUNC | PG_BINARY);

	INIT_CRC32C(f.crc);
	COMP_CRC32C(f.crc, &f, offsetof(TokenFile, crc));
	FIN_CRC32C(f.crc);
	if (fd < 0)
	{
		file_trouble(elevel, "create", temp);
		return;
	}
	errno = 0;
	if (write(fd, &f, sizeof(f)) != sizeof(f))
	{
		if (errno == 0)
			errno = ENOSPC;		/* as elsewhere: a short write is a full disk */
		file_trouble(elevel, "write", temp);
		CloseTransientFile(fd);
		return;
	}
	if (pg_fsync(fd) != 0)		/* no reason for PANIC: this one is not looked at again */
	{
		file_trouble(elevel, "fsync", temp);
		CloseTransientFile(fd);
		return;
	}
	if (CloseTransientFile(fd) != 0)
	{
		file_trouble(elevel, "close", temp);
		return;
	}
	(void) durable_rename(temp, TOKEN_FILE, elevel);
}

static void
file_trouble(int elevel, const char *what, const char *path)
{
	ereport(elevel,
			(errcode_for_file_access(),
			 errmsg("could not %s file \"%s\": %m", what, path)));
}

/* No crash: tokens can go on from the last one. */
static void
at_shutdown(int code, Datum arg)
{
	if (code == 0 && hsg_shared != NULL && pg_atomic_read_u64(&hsg_shared->token_ceiling) != 0)
		file_write((int64) pg_atomic_read_u64(&hsg_shared->last_token), LOG);
}
