/* The thread pool as its users outside the kernels see it. */
#ifndef FN_THREADS_H
#define FN_THREADS_H
#include <pthread.h>

#include "fn.h"

void fn_set_threads(int threads); /* waits for a running job; workers are made at the next one */
int fn_get_threads(void);
unsigned fn_flush_denormals(void); /* returns what fn_restore_denormals takes */
void fn_restore_denormals(unsigned before);
int fn_start_thread(pthread_t *thread, void *(*body)(void *), void *arg); /* as pthread_create, and deaf to signals */
void fn_stay_alone(void); /* from now on this thread runs all chunks itself, and leaves the pool to others */
void fn_pause(void);      /* between two looks at what another thread is to change */
void *fn_aligned(size_t bytes); /* to be given back with free() */
const int64_t *fn_last_bad_index(void); /* position, value, limit; of this thread */
#endif
