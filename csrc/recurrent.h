/* What the reference and the tuned kernels of recurrent layers share: sizes, the order of the steps, and masks.
 *
 * Step s of the recurrence reads place t of the sequence: s, or counted from the end where `reverse` says so.  Results
 * lie in the order of the steps, gradients of z in that of the sequence.  What is kept for the gradient lies step by step, all
 * rows of the batch side by side: (t, b, ...), as it is written and read.
 *
 * Kernels take either z, the inputs of all gates, or x, of which they make z = x w + wb themselves: n is the width of
 * what they take.  Then z is nowhere in memory, nor is its gradient. */
#ifndef FN_RECURRENT_H
#define FN_RECURRENT_H
#include "fn.h"

#include <string.h>

enum { FN_HARD_SIGMOID = FN_LEAKY_RELU + 1 }; /* one more activation: x / 6 + 1/2 between 0 and 1 */
enum { FN_SIMPLE_RNN = 1, FN_GRU = 3, FN_LSTM = 4 }; /* kinds of cells are told by the number of their gates */

typedef struct {
  int64_t b, t, u, n, act, rec; /* rows of the batch, steps, units, inputs; activations of the state and of the gates */
  int reverse, zero, after;  /* zero: masked steps give zeros; after: GRU resets after the product */
  int gates, kept;           /* blocks of u in z; and among what is kept of a step for the gradient */
  const uint8_t *mask;       /* (b, t): 0 where a step is left out; NULL: none is */
} fn_recurrent;

#define FN_RECURRENT_SIZES "b:n t:n u:n n:n act:i rec:i reverse:i zero:i after:n"

static inline fn_recurrent fn_recurrent_of(const fn_arg *a, int gates, const void *mask) {
  int after = a[8].i != 0;
  return (fn_recurrent){a[0].i, a[1].i, a[2].i, a[3].i, a[4].i, a[5].i, a[6].i != 0, a[7].i != 0, after,
                        gates, gates == FN_GRU ? 3 + after : gates, mask};
}

/* Whether the numbers go together, and there is something to do. */
static inline int fn_recurrent_fits(const fn_recurrent *s, const void *w) { return s->u && (w || s->n == s->gates * s->u); }

static inline int64_t fn_recurrent_place(const fn_recurrent *s, int64_t step) { return s->reverse ? s->t - 1 - step : step; }

static inline int fn_recurrent_on(const fn_recurrent *s, int64_t row, int64_t step) {
  return !s->mask || s->mask[row * s->t + fn_recurrent_place(s, step)];
}

/* Where a step of a row is among what is kept, counted in rows. */
static inline int64_t fn_recurrent_kept(const fn_recurrent *s, int64_t row, int64_t step) { return step * s->b + row; }

/* The last step before this one that is not masked, -1 if there is none. */
static inline int64_t fn_recurrent_before(const fn_recurrent *s, int64_t row, int64_t step) {
  do step--;
  while (step >= 0 && !fn_recurrent_on(s, row, step));
  return step;
}

/* The first step of which the output is that of a cell; s->t if there is none. */
static inline int64_t fn_recurrent_first(const fn_recurrent *s, int64_t row) {
  int64_t step = 0;
  while (step < s->t && !fn_recurrent_on(s, row, step)) step++;
  return step;
}

/* Whether the output of a step is the state, so that its gradient goes there; if not it is zero. */
static inline int fn_recurrent_shows(const fn_recurrent *s, int64_t row, int64_t step, int64_t first) {
  return s->zero ? fn_recurrent_on(s, row, step) : step >= first;
}
#endif
