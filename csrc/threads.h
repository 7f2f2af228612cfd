/* The thread pool as its users outside the kernels see it. */
#ifndef FN_THREADS_H
#define FN_THREADS_H
#include "fn.h"

void fn_set_threads(int threads); /* waits for a running job; workers are made at the next one */
int fn_get_threads(void);
unsigned fn_flush_denormals(void); /* returns what fn_restore_denormals takes */
void fn_restore_denormals(unsigned before);
void *fn_aligned(size_t bytes); /* to be given back with free() */
const int64_t *fn_last_bad_index(void); /* position, value, limit; of this thread */
#endif
