/* The shape of a matrix product, as the reference and the tuned kernels read it from their arguments.
 *
 * C = act(alpha; op(A) op(B) + bias), op(A) (m, k), op(B) (k, n), all contiguous; ta: A lies there as (k, m), tb: B as (n, k).
 * `batch` products side by side in C; the groups {d sa sb} say how A and B follow: extents of the batch axes, and strides
 * in elements, 0 along axes that broadcast.  Without a group there is one product. */
#ifndef FN_MATMUL_H
#define FN_MATMUL_H
#include "fn.h"

#define FN_MATMUL \
  "a:T[na] b:T[nb] bias:T[n]? c:T[batch*m*n]= na:n nb:n m:n n:n k:n batch:n ta:i tb:i act:i alpha:f {d:n sa:n sb:n}"
enum { FN_MATMUL_ARGS = 14, FN_MATMUL_DIMS = 16 };

typedef struct {
  int64_t m, n, k, batch, act;
  int ta, tb, dims;
  double alpha;
  int64_t d[FN_MATMUL_DIMS], sa[FN_MATMUL_DIMS], sb[FN_MATMUL_DIMS];
} fn_matmul;

/* Adds (d - 1) * s to *end; 0 on overflow. */
static inline int fn_matmul_extend(int64_t *end, int64_t d, int64_t s) {
  int64_t far;
  return !__builtin_mul_overflow(d - 1, s, &far) && !__builtin_add_overflow(*end, far, end);
}

/* Reads the shape; 0 if there is nothing to compute, or if A or B do not hold all that the numbers reach. */
static inline int fn_matmul_read(fn_matmul *s, const fn_arg *a, int64_t count) {
  int64_t ea, eb, total = 1;
  *s = (fn_matmul){.m = a[6].i, .n = a[7].i, .k = a[8].i, .batch = a[9].i, .act = a[12].i, .alpha = a[13].f};
  s->ta = a[10].i != 0, s->tb = a[11].i != 0;
  if (!s->m || !s->n || !s->batch || (count - FN_MATMUL_ARGS) / 3 > FN_MATMUL_DIMS) return 0;
  if (__builtin_mul_overflow(s->m, s->k, &ea) || __builtin_mul_overflow(s->k, s->n, &eb)) return 0;
  for (int64_t i = FN_MATMUL_ARGS; i + 2 < count; i += 3) {
    int64_t d = a[i].i, sa = a[i + 1].i, sb = a[i + 2].i;
    if (!d || __builtin_mul_overflow(total, d, &total)) return 0;
    if (s->k && (!fn_matmul_extend(&ea, d, sa) || !fn_matmul_extend(&eb, d, sb))) return 0;
    s->d[s->dims] = d, s->sa[s->dims] = sa, s->sb[s->dims++] = sb;
  }
  return total == s->batch && ea <= a[4].i && eb <= a[5].i;
}

/* Where the matrices of one product of the batch begin. */
static inline void fn_matmul_at(const fn_matmul *s, int64_t index, int64_t *a, int64_t *b) {
  *a = *b = 0;
  for (int i = s->dims - 1; i >= 0; index /= s->d[i--]) {
    *a += index % s->d[i] * s->sa[i];
    *b += index % s->d[i] * s->sb[i];
  }
}
#endif
