/* The loops around elementwise kernels and reductions: how the work is cut, shared by all types and instruction sets.
 * What is computed comes in as a function over a run of elements. */
#ifndef FN_MAP_H
#define FN_MAP_H
#include "fn.h"

/* Elements to a chunk: of kernels that memory limits, and of those that compute much (exp, tanh ...). */
enum { FN_GRAIN = 32768, FN_GRAIN_MATHS = 4096 };

/* ---- y[i] = f(x[i] ...) over n elements: body does the elements lo ... hi - 1 ---- */

typedef void (*fn_map_body)(const fn_arg *a, int64_t lo, int64_t hi);

typedef struct {
  const fn_arg *a;
  int64_t n, grain;
  fn_map_body body;
} fn_map_job;

static inline void fn_map_chunk(void *ctx, int64_t chunk) {
  const fn_map_job *job = ctx;
  int64_t lo = chunk * job->grain;
  job->body(job->a, lo, FN_MIN(lo + job->grain, job->n));
}

static inline int fn_map(const fn_arg *a, int64_t n, int64_t grain, fn_map_body body) {
  fn_map_job job = {a, n, grain, body};
  if (n <= grain) body(a, 0, n);
  else fn_parallel(FN_CEIL(n, grain), fn_map_chunk, &job);
  return FN_OK;
}

/* ---- y = f(a, b) with NumPy's broadcasting ----
 *
 * Arguments: a[na] b[nb] y[n] na nb n {extent stride_a stride_b}, strides in elements, 0 along broadcast axes.  Without
 * a group a and b have n elements each, or one, or a number that divides n: a row that repeats. */

#define FN_BROADCAST(A, Y) "a:" A "[na] b:" A "[nb] y:" Y "[n]= na:n nb:n n:n {d:n sa:n sb:n}"

enum { FN_MAX_DIMS = 16 };

typedef void (*fn_binary)(const void *a, int64_t sa, const void *b, int64_t sb, void *y, int64_t n);

typedef struct {
  const char *a, *b;
  char *y;
  size_t in, out; /* bytes of an element */
  int64_t n, d[FN_MAX_DIMS], sa[FN_MAX_DIMS], sb[FN_MAX_DIMS];
  int nd;
  fn_binary f;
} fn_broadcast_job;

static inline void fn_broadcast_chunk(void *ctx, int64_t chunk) {
  const fn_broadcast_job *job = ctx;
  int64_t index[FN_MAX_DIMS], lo = chunk * FN_GRAIN, hi = FN_MIN(lo + FN_GRAIN, job->n), oa = 0, ob = 0, rest = lo;
  int last = job->nd - 1;
  for (int k = last; k >= 0; k--) {
    index[k] = rest % job->d[k], rest /= job->d[k];
    oa += index[k] * job->sa[k], ob += index[k] * job->sb[k];
  }
  while (lo < hi) {
    int64_t run = FN_MIN(job->d[last] - index[last], hi - lo);
    job->f(job->a + oa * job->in, job->sa[last], job->b + ob * job->in, job->sb[last], job->y + lo * job->out, run);
    lo += run, index[last] += run, oa += run * job->sa[last], ob += run * job->sb[last];
    for (int k = last; k > 0 && index[k] == job->d[k]; k--) {
      oa += job->sa[k - 1] - index[k] * job->sa[k], ob += job->sb[k - 1] - index[k] * job->sb[k];
      index[k] = 0, index[k - 1]++;
    }
  }
}

static inline void fn_broadcast_dim(fn_broadcast_job *job, int64_t d, int64_t sa, int64_t sb) {
  job->d[job->nd] = d, job->sa[job->nd] = sa, job->sb[job->nd++] = sb;
}

/* Whether an array of n elements holds all that extents d and strides s >= 0 reach, of which there are total. */
static inline int fn_reaches(int nd, const int64_t *d, const int64_t *s, int64_t n, int64_t total) {
  int64_t product = 1, end = 0, far;
  for (int k = 0; k < nd; k++) {
    if (d[k] <= 0 || __builtin_mul_overflow(product, d[k], &product)) return 0;
    if (__builtin_mul_overflow(d[k] - 1, s[k], &far) || __builtin_add_overflow(end, far, &end)) return 0;
  }
  return product == total && end < n;
}

static inline int fn_broadcast(const fn_arg *a, int64_t count, size_t in, size_t out, fn_binary f) {
  int64_t na = a[3].i, nb = a[4].i, n = a[5].i;
  fn_broadcast_job job = {.a = a[0].p, .b = a[1].p, .y = a[2].p, .in = in, .out = out, .n = n, .f = f};
  if (n <= 0 || na <= 0 || nb <= 0) return FN_OK;
  if (count > 6) {
    if ((count - 6) / 3 > FN_MAX_DIMS) return FN_OK;
    for (int64_t k = 6; k + 2 < count; k += 3) fn_broadcast_dim(&job, a[k].i, a[k + 1].i, a[k + 2].i);
  } else if (na == n && nb < n && nb > 1 && n % nb == 0) {
    fn_broadcast_dim(&job, n / nb, nb, 0), fn_broadcast_dim(&job, nb, 1, 1);
  } else if (nb == n && na < n && na > 1 && n % na == 0) {
    fn_broadcast_dim(&job, n / na, 0, na), fn_broadcast_dim(&job, na, 1, 1);
  } else {
    fn_broadcast_dim(&job, n, na == 1 ? 0 : 1, nb == 1 ? 0 : 1);
  }
  if (!fn_reaches(job.nd, job.d, job.sa, na, n) || !fn_reaches(job.nd, job.d, job.sb, nb, n)) return FN_OK;
  fn_parallel(FN_CEIL(n, FN_GRAIN), fn_broadcast_chunk, &job);
  return FN_OK;
}

/* A function over a run of elements for fn_broadcast: expr of x and z (of type A) gives a Y. */
#define FN_RUN(run, A, Y, expr)                                                                              \
  static void run(const void *pa, int64_t sa, const void *pb, int64_t sb, void *py, int64_t n) {             \
    const A *a = pa, *b = pb;                                                                                \
    Y *y = py;                                                                                               \
    if (sa == 1 && sb == 1) {                                                                                \
      _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) { A x = a[i], z = b[i]; y[i] = (Y)(expr); }       \
    } else if (sa == 1 && sb == 0) {                                                                         \
      A z = *b;                                                                                              \
      _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) { A x = a[i]; y[i] = (Y)(expr); }                 \
    } else if (sa == 0 && sb == 1) {                                                                         \
      A x = *a;                                                                                              \
      _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) { A z = b[i]; y[i] = (Y)(expr); }                 \
    } else {                                                                                                 \
      for (int64_t i = 0; i < n; i++) { A x = a[i * sa], z = b[i * sb]; y[i] = (Y)(expr); }                  \
    }                                                                                                        \
  }

/* ---- y[o, i] = fold of x[o, 0 ... r-1, i] ----
 *
 * fold reduces a block of rows x cols, whose rows lie `stride` elements apart, to cols results.  Long axes are cut into
 * pieces by shape alone; the pieces' results are folded in their order, so that sums come out the same on any number
 * of threads. */

typedef void (*fn_fold)(const void *x, int64_t stride, int64_t rows, int64_t cols, void *y);

enum { FN_FOLD_COLS = 256 }; /* columns of a block */

typedef struct {
  const char *x;
  char *y;
  size_t size;
  int64_t r, i, rows, pieces, blocks, tasks, share; /* a chunk does `share` tasks */
  fn_fold fold;
} fn_reduce_job;

static inline void fn_reduce_chunk(void *ctx, int64_t chunk) {
  const fn_reduce_job *job = ctx;
  int64_t t = chunk * job->share, end = FN_MIN(t + job->share, job->tasks);
  int64_t block = t % job->blocks, piece = t / job->blocks % job->pieces, o = t / job->blocks / job->pieces;
  for (; t < end; t++) {
    int64_t j = block * FN_FOLD_COLS, k = piece * job->rows;
    job->fold(job->x + ((o * job->r + k) * job->i + j) * job->size, job->i, FN_MIN(job->rows, job->r - k),
              FN_MIN(FN_FOLD_COLS, job->i - j), job->y + ((o * job->pieces + piece) * job->i + j) * job->size);
    if (++block < job->blocks) continue;
    block = 0;
    if (++piece == job->pieces) piece = 0, o++;
  }
}

/* One level: (o, r, i) -> (o, pieces, i). */
static inline void fn_reduce_level(const void *x, void *y, size_t size, int64_t o, int64_t r, int64_t i, int64_t rows,
                                   fn_fold fold) {
  fn_reduce_job job = {.x = x, .y = y, .size = size, .r = r, .i = i, .rows = rows, .fold = fold};
  job.pieces = FN_CEIL(r, rows);
  job.blocks = FN_CEIL(i, FN_FOLD_COLS);
  job.tasks = o * job.pieces * job.blocks;
  job.share = FN_MAX(1, FN_GRAIN / FN_MAX(1, rows * FN_MIN(i, FN_FOLD_COLS)));
  fn_parallel(FN_CEIL(job.tasks, job.share), fn_reduce_chunk, &job);
}

/* fold over no rows gives the neutral element. */
static inline int fn_reduce(const void *x, void *y, size_t size, int64_t o, int64_t r, int64_t i, fn_fold fold) {
  if (o <= 0 || i <= 0) return FN_OK;
  if (r <= 0) {
    for (int64_t k = 0; k < o * i; k++) fold(x, 1, 0, 1, (char *)y + k * size);
    return FN_OK;
  }
  int64_t rows = FN_GRAIN / FN_MIN(i, FN_FOLD_COLS);
  if (r <= 2 * rows) {
    fn_reduce_level(x, y, size, o, r, i, r, fold);
    return FN_OK;
  }
  int64_t pieces = FN_CEIL(r, rows);
  void *partial = fn_scratch(0, (size_t)(o * pieces * i) * size);
  if (!partial) return FN_NOMEM;
  fn_reduce_level(x, partial, size, o, r, i, rows, fold);
  fn_reduce_level(partial, y, size, o, pieces, i, pieces, fold);
  return FN_OK;
}

/* A function for fn_reduce that combines v, the result so far, and x, one after the other. */
#define FN_FOLD(run, A, neutral, combine)                                          \
  static void run(const void *px, int64_t stride, int64_t rows, int64_t cols, void *py) { \
    const A *in = px;                                                              \
    A *y = py;                                                                     \
    if (cols == 1) {                                                               \
      A v = neutral;                                                               \
      for (int64_t k = 0; k < rows; k++) { A x = in[k * stride]; v = combine; }    \
      y[0] = v;                                                                    \
      return;                                                                      \
    }                                                                              \
    for (int64_t j = 0; j < cols; j++) y[j] = neutral;                             \
    for (int64_t k = 0; k < rows; k++) {                                           \
      const A *row = in + k * stride;                                              \
      for (int64_t j = 0; j < cols; j++) { A x = row[j], v = y[j]; y[j] = combine; } \
    }                                                                              \
  }

/* y[o, i] = the k at which x[o, k, i] is best: the first among equals, the first NaN if there is one. */
#define FN_ARG(A, better)                                                          \
  const A *x = a[0].p;                                                             \
  int32_t *y = a[1].p;                                                             \
  int64_t o = a[2].i, r = a[3].i, inner = a[4].i;                                  \
  if (o <= 0 || r <= 0 || inner <= 0) return FN_OK;                                \
  for (int64_t m = 0; m < o; m++)                                                  \
    for (int64_t j = 0; j < inner; j++) {                                          \
      const A *p = x + m * r * inner + j;                                          \
      A v = p[0];                                                                  \
      int64_t at = 0;                                                              \
      for (int64_t k = 1; k < r; k++) {                                            \
        A z = p[k * inner];                                                        \
        if (better) v = z, at = k;                                                 \
      }                                                                            \
      y[m * inner + j] = (int32_t)at;                                              \
    }                                                                              \
  return FN_OK;

#endif
