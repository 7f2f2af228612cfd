/* Tuned kernels: penalties on weights.  Sums are kept in lanes over a short block, then in double. */
#include "level.h"

#define PENALTY_CHUNK 65536 /* as the reference cuts it */
#define PENALTY_BLOCK 1024

typedef struct {
  const float *x, *dy;
  float *dx;
  double *sums;
  int64_t n;
  double l1, l2;
} penalty_job;

/* sum |x| and sum x^2 of at most PENALTY_BLOCK numbers */
FN_INLINE void penalty_block(const float *x, int64_t n, double *l1, double *l2) {
  vf abs0 = {0}, abs1 = {0}, sq0 = {0}, sq1 = {0};
  int64_t i = 0;
  for (; i + 2 * VL <= n; i += 2 * VL) {
    vf v = vload(x + i), w = vload(x + i + VL);
    abs0 += vselect(v < 0, -v, v);
    abs1 += vselect(w < 0, -w, w);
    sq0 += v * v;
    sq1 += w * w;
  }
  for (; i < n; i += VL) {
    vf v = vload_n(x + i, FN_MIN(n - i, VL));
    abs0 += vselect(v < 0, -v, v);
    sq0 += v * v;
  }
  *l1 += vsum(abs0 + abs1);
  *l2 += vsum(sq0 + sq1);
}

static void penalty_chunk(void *ctx, int64_t chunk) {
  penalty_job *job = ctx;
  int64_t begin = chunk * PENALTY_CHUNK, end = FN_MIN(begin + PENALTY_CHUNK, job->n);
  double l1 = 0, l2 = 0;
  for (int64_t i = begin; i < end; i += PENALTY_BLOCK) penalty_block(job->x + i, FN_MIN(end - i, PENALTY_BLOCK), &l1, &l2);
  job->sums[chunk] = (job->l1 != 0 ? job->l1 * l1 : 0) + (job->l2 != 0 ? job->l2 * l2 : 0);
}

FN_TUNED(penalty) {
  int64_t n = a[2].i, chunks = FN_CEIL(n, PENALTY_CHUNK);
  double *sums = fn_scratch(0, (size_t)(chunks + 1) * sizeof *sums), total = 0;
  if (!sums) return FN_NOMEM;
  penalty_job job = {a[0].p, 0, 0, sums, n, a[3].f, a[4].f};
  fn_parallel(chunks, penalty_chunk, &job);
  for (int64_t i = 0; i < chunks; i++) total += sums[i];
  *(float *)a[1].p = (float)total;
  return FN_OK;
}

static void penalty_grad_chunk(void *ctx, int64_t chunk) {
  penalty_job *job = ctx;
  int64_t i = chunk * PENALTY_CHUNK, end = FN_MIN(i + PENALTY_CHUNK, job->n);
  float dy = job->dy[0], l2 = dy * (float)(2 * job->l2);
  vf vl1 = vset1(dy * (float)job->l1), vl2 = vset1(l2), one = vset1(1);
  for (; i < end; i += VL) {
    int64_t left = FN_MIN(end - i, VL);
    vf v = left == VL ? vload(job->x + i) : vload_n(job->x + i, left);
    vf sign = vselect(v > 0, one, vselect(v < 0, -one, v)); /* NaN stays NaN */
    vf dx = vl1 * sign + vl2 * v;
    if (left == VL) vstore(job->dx + i, dx);
    else vstore_n(job->dx + i, dx, left);
  }
}

FN_TUNED(penalty_grad) {
  penalty_job job = {a[1].p, a[0].p, a[2].p, 0, a[3].i, a[4].f, a[5].f};
  fn_parallel(FN_CEIL(job.n, PENALTY_CHUNK), penalty_grad_chunk, &job);
  return FN_OK;
}
