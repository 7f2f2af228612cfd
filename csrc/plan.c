/* A recorded step as one call: no Python between kernels, so that the workers of the pool are still awake for the next one. */
#define _GNU_SOURCE /* clock_gettime */
#include "plan.h"

#include <time.h>

int64_t fn_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int fn_replay(const fn_arg *a, int64_t count) {
  (void)count;
  fn_plan *plan = a[0].p;
  int64_t i, before = plan->ns ? fn_nanoseconds() : 0;
  int status = FN_OK;
  for (i = 0; i < plan->count; i++) {
    const fn_call *c = &plan->calls[i];
    if ((status = c->call(c->args, c->count)) != FN_OK) break;
    if (plan->ns) {
      int64_t now = fn_nanoseconds();
      plan->ns[i] = now - before;
      before = now;
    }
  }
  plan->done = i;
  return status;
}
