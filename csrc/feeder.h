/* Calls of kernels that run in the background, one after another: how the next batch is gathered while a step computes. */
#ifndef FN_FEEDER_H
#define FN_FEEDER_H
#include "fn.h"

enum { FN_NEW = 0, FN_QUEUED, FN_RUNNING, FN_DONE };

typedef struct fn_later {
  fn_kernel call;
  fn_arg *args;
  int64_t count;
  int state, status; /* FN_NEW ...; what the kernel returned */
  int64_t bad[3];    /* fn_last_bad_index() of the thread that ran it */
  struct fn_later *next;
} fn_later;

/* Hands over a call; it and its arguments must stay where they are until fn_later_wait has returned. */
void fn_later_begin(fn_later *job);

/* Returns when the call is done.  If nobody has begun with it, the caller does it, on the pool. */
void fn_later_wait(fn_later *job);
#endif
