/* How kernels over rows, and kernels over the elements of many variables, cut their work: by shape alone. */
#ifndef FN_CHUNKS_H
#define FN_CHUNKS_H
#include "fn.h"

enum { FN_CHUNK = 16384, FN_SERIAL = 65536 }; /* elements of a chunk; elements below which threads cost more than they give */

/* ---- Rows: body(a, extra, from, to) does the rows from ... to - 1 ---- */

typedef void (*fn_rows_body)(const fn_arg *a, int64_t extra, int64_t from, int64_t to);
typedef struct {
  const fn_arg *a;
  fn_rows_body body;
  int64_t extra, rows, rows_of_chunk;
} fn_rows_job;

static void fn_rows_chunk(void *ctx, int64_t chunk) {
  const fn_rows_job *job = ctx;
  int64_t from = chunk * job->rows_of_chunk;
  job->body(job->a, job->extra, from, FN_MIN(from + job->rows_of_chunk, job->rows));
}

/* `cost` is the number of elements in a row. */
static inline void fn_over_rows(const fn_arg *a, int64_t extra, int64_t rows, int64_t cost, fn_rows_body body) {
  int64_t rows_of_chunk = FN_MAX(1, FN_CHUNK / FN_MAX(1, cost));
  if (rows < 1) return;
  if (rows <= FN_SERIAL / FN_MAX(1, cost)) {
    body(a, extra, 0, rows);
    return;
  }
  fn_rows_job job = {a, body, extra, rows, rows_of_chunk};
  fn_parallel(FN_CEIL(rows, rows_of_chunk), fn_rows_chunk, &job);
}

/* Rows to a chunk of a sum over rows of n elements, as for the gradient of a bias: at most 64 chunks. */
static inline int64_t fn_bias_rows(int64_t rows, int64_t n) { return FN_MAX(1, FN_MAX(FN_CHUNK / n, FN_CEIL(rows, 64))); }

/* ---- Groups: the repeating arguments of a kernel, whose first is the number of elements `n` ----
 * body(c, group, slice, from, to) does the elements from ... to - 1 of one group; `slice` counts the slices of all groups. */

typedef void (*fn_slice_body)(const void *c, const fn_arg *group, int64_t slice, int64_t from, int64_t to);
typedef struct {
  const fn_arg *group;
  int64_t groups, size; /* size: arguments of one group */
  const void *c;
  fn_slice_body body;
} fn_groups_job;

static void fn_groups_chunk(void *ctx, int64_t chunk) {
  const fn_groups_job *job = ctx;
  const fn_arg *g = job->group;
  int64_t k = chunk;
  for (int64_t i = 0; i < job->groups; i++, g += job->size) {
    int64_t slices = FN_CEIL(g[0].i, FN_CHUNK);
    if (k < slices) {
      job->body(job->c, g, chunk, k * FN_CHUNK, FN_MIN((k + 1) * FN_CHUNK, g[0].i));
      return;
    }
    k -= slices;
  }
}

static inline int64_t fn_slices(const fn_arg *group, int64_t groups, int64_t size) {
  int64_t slices = 0;
  for (int64_t i = 0; i < groups; i++) slices += FN_CEIL(group[i * size].i, FN_CHUNK);
  return slices;
}

static inline void fn_over_groups(const fn_arg *group, int64_t groups, int64_t size, const void *c, fn_slice_body body) {
  fn_groups_job job = {group, groups, size, c, body};
  int64_t elements = 0, slices = fn_slices(group, groups, size);
  for (int64_t i = 0; i < groups; i++) elements += group[i * size].i;
  if (elements > FN_SERIAL) {
    fn_parallel(slices, fn_groups_chunk, &job);
    return;
  }
  for (int64_t slice = 0, i = 0; i < groups; i++, group += size)
    for (int64_t from = 0; from < group[0].i; from += FN_CHUNK)
      body(c, group, slice++, from, FN_MIN(from + FN_CHUNK, group[0].i));
}
#endif
