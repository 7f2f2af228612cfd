/* Index arrays of any dtype, checked once and then read as int64: what gathers and scatters share. */
#ifndef FN_INDEX_H
#define FN_INDEX_H
#include "loss.h"

/* Of sums into the rows that an index names: fewest columns of a chunk, most chunks. */
enum { SCATTER_CUT = 128, SCATTER_CHUNKS = 8 };

/* Element i of an index array; floats lose their fraction, what is no number becomes one that is out of any range. */
static inline int64_t fn_index_at(const void *p, int64_t dtype, int64_t i) {
  double x;
  if (dtype == FN_F32) x = ((const float *)p)[i];
  else if (dtype == FN_F64) x = ((const double *)p)[i];
  else return fn_label(p, dtype, i);
  return x >= -9e15 && x <= 9e15 ? (int64_t)x : INT64_MIN;
}

typedef struct {
  const int64_t *at; /* m indices, all in 0 ... limit - 1 */
  int status;
} fn_indices;

/* The indices of an array of m elements of `size` bytes, in scratch slot 0 if they had to be converted.
 * wraps: whether a negative index counts from the end, else it is out of range. */
static inline fn_indices fn_checked_indices(const void *p, int64_t size, int64_t dtype, int64_t m, int64_t limit, int64_t wraps) {
  int64_t lowest = wraps ? -limit : 0, k = 0;
  const int64_t *same = p;
  if (m <= 0 || fn_dtype_size(dtype) > size) return (fn_indices){NULL, FN_OK};
  if (dtype == FN_I64) {
    while (k < m && same[k] >= 0 && same[k] < limit) k++;
    if (k == m) return (fn_indices){same, FN_OK};
  }
  int64_t *made = fn_scratch(0, (size_t)m * sizeof *made);
  if (!made) return (fn_indices){NULL, FN_NOMEM};
  if (dtype == FN_I32)
    for (k = 0; k < m; k++) made[k] = ((const int32_t *)p)[k];
  else
    for (k = 0; k < m; k++) made[k] = fn_index_at(p, dtype, k);
  for (k = 0; k < m; k++) {
    if (made[k] < lowest || made[k] >= limit) return (fn_indices){NULL, fn_bad_index(k, made[k], limit)};
    if (made[k] < 0) made[k] += limit;
  }
  return (fn_indices){made, FN_OK};
}
#endif
