/* Values combined into the rows that an index names, one kernel for each type: y = x, then y[index[k], :] takes u[k, :] in, in
 * the order of the index. */
#ifndef FN_SCATTER_H
#define FN_SCATTER_H
#include "map.h"

/* What a row does with the values that come in; ops/scatter.py has the same codes. */
enum { FN_SET, FN_ADD, FN_LARGER, FN_SMALLER, FN_TIMES };

typedef struct {
  const void *x, *u;
  const int64_t *index;
  void *y;
  int64_t limit, m, row, band, mode;
} fn_scatter_job;

#define FN_TAKE_IN(expr)                                                                  \
  for (int64_t c = 0; c < s->row; c++) { A z = u[c], v = y[c]; y[c] = (A)(expr); }        \
  break

/* A chunk owns a band of rows: copies them, and takes in what the index has for them. */
#define FN_SCATTER(kernel, type, Type, U)                                                 \
  static void FN_NAME(band_##kernel)(void *ctx, int64_t chunk) {                          \
    typedef Type A;                                                                       \
    const fn_scatter_job *s = ctx;                                                        \
    int64_t lo = chunk * s->band, hi = FN_MIN(lo + s->band, s->limit);                    \
    memcpy((A *)s->y + lo * s->row, (const A *)s->x + lo * s->row, (size_t)((hi - lo) * s->row) * sizeof(A)); \
    for (int64_t k = 0; k < s->m; k++) {                                                  \
      int64_t to = s->index[k];                                                           \
      if (to < lo || to >= hi) continue;                                                  \
      A *y = (A *)s->y + to * s->row;                                                     \
      const A *u = (const A *)s->u + k * s->row;                                          \
      switch (s->mode) {                                                                  \
        case FN_SET: FN_TAKE_IN(((void)v, z));                                            \
        case FN_ADD: FN_TAKE_IN((U)v + (U)z);                                             \
        case FN_LARGER: FN_TAKE_IN(z > v || z != z ? z : v);                              \
        case FN_SMALLER: FN_TAKE_IN(z < v || z != z ? z : v);                             \
        case FN_TIMES: FN_TAKE_IN((U)v * (U)z);                                           \
      }                                                                                   \
    }                                                                                     \
  }                                                                                       \
  FN_KERNEL(kernel, "x:" type "[limit*row] index:i64[m] u:" type "[m*row] y:" type "[limit*row]= limit:n m:n row:n mode:n drop:n") { \
    return fn_scatter(a, FN_NAME(band_##kernel));                                         \
  }

/* An index outside is an error, or (drop) nothing happens. */
static inline int fn_scatter(const fn_arg *a, void (*band)(void *, int64_t)) {
  fn_scatter_job s = {.x = a[0].p, .index = a[1].p, .u = a[2].p, .y = a[3].p, .limit = a[4].i, .m = a[5].i, .row = a[6].i, .mode = a[7].i};
  if (!a[8].i)
    for (int64_t k = 0; k < s.m; k++)
      if (s.index[k] < 0 || s.index[k] >= s.limit) return fn_bad_index(k, s.index[k], s.limit);
  if (s.row <= 0 || s.limit <= 0) return FN_OK;
  int64_t bands = FN_MIN(8, FN_CEIL((s.m + s.limit) * s.row, FN_GRAIN));
  s.band = FN_CEIL(s.limit, FN_MAX(1, bands));
  fn_parallel(FN_CEIL(s.limit, s.band), band, &s);
  return FN_OK;
}
#endif
