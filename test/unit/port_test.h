/*
 * port_test.h
 *	  What tests may ask of their implementation of port.h.
 */
#ifndef PORT_TEST_H
#define PORT_TEST_H

#include "port.h"

/* Number of locks the calling thread holds. */
extern int	port_locks_held(void);

/* Forget the locks of the calling thread: their memory is about to go. */
extern void port_forget_locks(void);

/* hs_port_random() gives the sequence that starts here. */
extern void port_seed(uint64_t seed);

#endif							/* PORT_TEST_H */
