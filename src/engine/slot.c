/*
 * slot.c
 *	  CRC16 (XMODEM: polynomial 0x1021, start 0, not reflected) modulo 16384.
 */
#include "slot.h"

/* One nibble at a time: 16 entries instead of 256, and slots are not hot. */
static const uint16_t crc_nibble[16] = {
	0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
	0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
};

static HsBytes hash_part(HsBytes key);

unsigned
hs_slot(HsBytes key)
{
	HsBytes		part = hash_part(key);
	uint16_t	crc = 0;

	for (size_t i = 0; i < part.size; i++)
	{
		crc = (uint16_t) ((crc << 4) ^ crc_nibble[(crc >> 12) ^ (part.data[i] >> 4)]);
		crc = (uint16_t) ((crc << 4) ^ crc_nibble[(crc >> 12) ^ (part.data[i] & 15)]);
	}
	return crc % HS_SLOTS;
}

/* What stands between the first '{' and the next '}', unless that is nothing. */
static HsBytes
hash_part(HsBytes key)
{
	const uint8_t *open;
	const uint8_t *close;

	if (key.size == 0)
		return key;
	open = memchr(key.data, '{', key.size);
	if (open == NULL)
		return key;
	open++;
	close = memchr(open, '}', key.size - (size_t) (open - key.data));
	if (close == NULL || close == open)
		return key;
	return hs_bytes(open, (size_t) (close - open));
}
