/*
 * slot.h
 *	  Hash slots of Redis Cluster, so that keys can be spread over servers
 *	  the way its clients expect.
 */
#ifndef HS_SLOT_H
#define HS_SLOT_H

#include "bytes.h"

#define HS_SLOTS	16384

/* Slot of a key: CRC16 of its {tag} if it has a non-empty one, else of all. */
extern unsigned hs_slot(HsBytes key);

#endif							/* HS_SLOT_H */
