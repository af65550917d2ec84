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

/*
 * hs_port_interrupted() says yes from the n-th question on, until this is called again; a
 * negative number: never.
 */
extern void port_interrupt_after(int questions);
/* How many questions are left until then. */
extern int	port_questions_left(void);

/* hs_port_random() gives the sequence that starts here. */
extern void port_seed(uint64_t seed);

#endif							/* PORT_TEST_H */
