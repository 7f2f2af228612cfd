/* What the kernels of metrics share: many sums over many values, gathered in chunks. */
#ifndef FN_METRIC_H
#define FN_METRIC_H
#include "chunks.h"
#include "loss.h"

#include <string.h>

enum { FN_PARTS = 64 }; /* chunks of a sum, at most */

/* Adds to the sums what values (or rows) from ... to - 1 give. */
typedef void (*fn_gather_body)(const fn_arg *a, double *sums, int64_t from, int64_t to);
typedef struct {
  const fn_arg *a;
  fn_gather_body body;
  double *sums;
  int64_t size, count, of_chunk;
} fn_gather_job;

static void fn_gather_chunk(void *ctx, int64_t chunk) {
  const fn_gather_job *job = ctx;
  double *sums = job->sums + chunk * job->size;
  memset(sums, 0, (size_t)job->size * sizeof(double));
  job->body(job->a, sums, chunk * job->of_chunk, FN_MIN((chunk + 1) * job->of_chunk, job->count));
}

/* `size` sums over `count` rows of `cost` elements, added in an order that the shapes alone decide; NULL if there is no memory.
 * Few values for many sums make few chunks: more would cost more to add up than they save. */
static inline double *fn_gather(const fn_arg *a, int64_t count, int64_t cost, int64_t size, fn_gather_body body) {
  const int64_t work = count * cost;
  int64_t chunks = work <= FN_SERIAL ? 1 : FN_MIN(FN_CEIL(work, FN_CHUNK), work / (4 * FN_MAX(1, size)));
  chunks = FN_MAX(1, FN_MIN(chunks, FN_MIN(count, FN_PARTS)));
  const int64_t of_chunk = FN_CEIL(count, chunks);
  chunks = of_chunk ? FN_CEIL(count, of_chunk) : 1;
  double *sums = size > INT64_MAX / 8 / FN_PARTS ? NULL : fn_scratch(0, (size_t)(size * chunks) * sizeof(double));
  if (!sums) return NULL;
  fn_gather_job job = {a, body, sums, size, count, of_chunk};
  if (chunks > 1) fn_parallel(chunks, fn_gather_chunk, &job);
  else fn_gather_chunk(&job, 0);
  for (int64_t k = 1; k < chunks; k++)
    for (int64_t i = 0; i < size; i++) sums[i] += sums[k * size + i];
  return sums;
}

/* A number cut towards 0, as an integer; INT64_MIN for what is out of reach. */
static inline int64_t fn_whole(double x) { return x > -9e15 && x < 9e15 ? (int64_t)x : INT64_MIN; }
#endif
