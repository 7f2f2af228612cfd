/* Recorded launches, run one after another as one call. */
#ifndef FN_PLAN_H
#define FN_PLAN_H
#include "fn.h"

typedef struct {
  fn_kernel call;
  fn_arg *args;
  int64_t count;
} fn_call;

typedef struct {
  fn_call *calls;
  int64_t count;
  int64_t done; /* calls of the last run that returned FN_OK: where it stopped */
  int64_t *ns;  /* if not NULL: takes the nanoseconds of each call */
} fn_plan;

/* A kernel as any other, so that the background thread can run it too: a[0].p is the fn_plan.  Returns the status of the
 * call that failed, or FN_OK. */
int fn_replay(const fn_arg *a, int64_t count);

int64_t fn_nanoseconds(void);
#endif
