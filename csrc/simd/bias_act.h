/* Bias and activation where no product goes before, and the gradient of both in one pass. */
#include "../chunks.h"

typedef struct {
  const float *x, *y, *bias;
  float *out, *partial;
  int64_t m, n, rows; /* rows of a chunk */
  int act;
  float alpha;
} bias_act_job;

/* ---- y = act(x + bias) ---- */

FN_INLINE void bias_act_run(const bias_act_job *j, int64_t from, int64_t to, const int act) {
  for (int64_t r = from; r < to; r++)
    for (int64_t i = 0; i < j->n; i += VL) {
      int64_t lanes = FN_MIN(VL, j->n - i), at = r * j->n + i;
      vf x = lanes < VL ? vload_n(j->x + at, lanes) : vload(j->x + at);
      if (j->bias) x += lanes < VL ? vload_n(j->bias + i, lanes) : vload(j->bias + i);
      x = vactivate(act, x, j->alpha);
      if (lanes < VL) vstore_n(j->out + at, x, lanes);
      else vstore(j->out + at, x);
    }
}

static void bias_act_chunk(void *ctx, int64_t chunk) {
  const bias_act_job *j = ctx;
  int64_t from = chunk * j->rows, to = FN_MIN(from + j->rows, j->m);
  switch (j->act) {
    case FN_LINEAR: bias_act_run(j, from, to, FN_LINEAR); break;
    case FN_RELU: bias_act_run(j, from, to, FN_RELU); break;
    default: bias_act_run(j, from, to, j->act);
  }
}

FN_TUNED(bias_act) {
  bias_act_job j = {.x = a[0].p, .bias = a[1].p, .out = a[2].p, .m = a[3].i, .n = a[4].i, .alpha = (float)a[6].f};
  (void)count;
  j.act = a[5].i >= FN_LINEAR && a[5].i <= FN_LEAKY_RELU ? (int)a[5].i : FN_LINEAR;
  if (!j.m || !j.n) return FN_OK;
  if (!j.bias) { /* then it is one long row, but for the chunks */
    int64_t total = j.m * j.n;
    j.n = FN_MIN(total, FN_CHUNK / 4), j.m = total / j.n;
    if (j.m * j.n < total) {
      bias_act_job rest = j;
      rest.x += j.m * j.n, rest.out += j.m * j.n, rest.n = total - j.m * j.n, rest.m = rest.rows = 1;
      bias_act_chunk(&rest, 0);
    }
  }
  j.rows = FN_MAX(1, FN_CHUNK / j.n);
  fn_parallel(FN_CEIL(j.m, j.rows), bias_act_chunk, &j);
  return FN_OK;
}

/* ---- dz = dy act'(y), db = the sum of dz over rows ---- */

FN_INLINE vf bias_act_load(const float *p, int64_t lanes, const int whole) { return whole ? vload(p) : vload_n(p, lanes); }

/* Up to four vectors of columns over some rows, their sums in registers; called with constant whole and act only. */
FN_INLINE void bias_grad_columns(const bias_act_job *j, int64_t from, int64_t to, int64_t i, int64_t lanes, const int vectors,
                                 const int whole, const int act, float *sum) {
  vf s[4] = {{0}};
  for (int64_t r = from; r < to; r++)
    for (int v = 0; v < vectors; v++) {
      int64_t at = r * j->n + i + v * VL;
      vf d = bias_act_load(j->x + at, lanes, whole);
      if (j->y) d = vactivate_grad(act, d, bias_act_load(j->y + at, lanes, whole), j->alpha);
      if (j->out && whole) vstore(j->out + at, d);
      else if (j->out) vstore_n(j->out + at, d, lanes);
      s[v] += d;
    }
  if (!sum) return;
  for (int v = 0; v < vectors; v++) {
    if (whole) vstore(sum + i + v * VL, s[v]);
    else vstore_n(sum + i, s[v], lanes);
  }
}

FN_INLINE void bias_grad_rows(const bias_act_job *j, int64_t from, int64_t to, float *sum, const int act) {
  int64_t i = 0;
  for (; i + 4 * VL <= j->n; i += 4 * VL) bias_grad_columns(j, from, to, i, VL, 4, 1, act, sum);
  for (; i + VL <= j->n; i += VL) bias_grad_columns(j, from, to, i, VL, 1, 1, act, sum);
  if (i < j->n) bias_grad_columns(j, from, to, i, j->n - i, 1, 0, act, sum);
}

static void bias_grad_chunk(void *ctx, int64_t chunk) {
  const bias_act_job *j = ctx;
  int64_t from = chunk * j->rows, to = FN_MIN(from + j->rows, j->m);
  float *sum = j->partial ? j->partial + chunk * j->n : NULL;
  switch (j->y ? j->act : FN_LINEAR) {
    case FN_LINEAR: bias_grad_rows(j, from, to, sum, FN_LINEAR); break;
    case FN_RELU: bias_grad_rows(j, from, to, sum, FN_RELU); break;
    default: bias_grad_rows(j, from, to, sum, j->act);
  }
}

FN_TUNED(bias_act_grad) {
  bias_act_job j = {.x = a[0].p, .y = a[1].p, .out = a[2].p, .m = a[4].i, .n = a[5].i, .alpha = (float)a[7].f};
  float *db = a[3].p;
  (void)count;
  j.act = a[6].i >= FN_LINEAR && a[6].i <= FN_LEAKY_RELU ? (int)a[6].i : FN_LINEAR;
  if (db && j.n && !j.m) memset(db, 0, (size_t)j.n * 4);
  if (!j.m || !j.n || (!db && !j.out)) return FN_OK;
  j.rows = fn_bias_rows(j.m, j.n);
  int64_t chunks = FN_CEIL(j.m, j.rows);
  if (chunks == 1) {
    j.partial = db;
    bias_grad_chunk(&j, 0);
    return FN_OK;
  }
  if (db && !(j.partial = fn_scratch(0, (size_t)(chunks * j.n) * 4))) return FN_NOMEM;
  fn_parallel(chunks, bias_grad_chunk, &j);
  if (db) memcpy(db, j.partial, (size_t)j.n * 4);
  for (int64_t c = 1; db && c < chunks; c++)
    for (int64_t i = 0; i < j.n; i++) db[i] += j.partial[c * j.n + i];
  return FN_OK;
}
