/* Tuned float kernels: attention, block by block of queries.
 *
 * The scores of a block of queries and all keys lie in the second cache, where they are softmaxed and used; as whole rows of them
 * are there, nothing has to be scaled anew as in Dao et al., "FlashAttention" (2022).  Products read the heads where they lie, in
 * (batch, steps, heads, size). */
#include "level.h"
#include "../attention.h"
#include "gemm.h"

enum {
  ATTENTION_SCORES = 65536, /* most scores of a block ... */
  ATTENTION_ROWS = 16,      /* ... but at least so many rows */
  ATTENTION_WORK = 200000,  /* multiply-adds of a chunk, at least */
  ATTENTION_HEADS = 16,     /* where there are fewer, their queries are shared out */
};
#define MINUS_INF (-__builtin_inff())

typedef struct {
  fn_attention s;
  const float *q, *k, *v, *y, *dy, *dlse, *lse;
  float *out, *sums, *dq, *dk, *dv;
  int64_t share, parts, rows, step; /* heads of a chunk, parts of a head; rows of a block, and from one to the next */
  int status;
} attention_job;

/* ---- One row of scores ---- */

FN_INLINE void attention_mask_row(const fn_attention *s, int64_t b, int64_t n, int64_t i, float *x, int64_t keys) {
  int64_t seen = s->causal ? FN_MIN(keys, i + 1) : keys;
  const uint8_t *mask = s->mask ? s->mask + b * s->mb + n * s->mn + i * s->mt : NULL;
  for (int64_t j = seen; j < keys; j++) x[j] = MINUS_INF;
  if (mask && s->ms == 1)
    for (int64_t j = 0; j < seen; j++) x[j] = mask[j] ? x[j] : MINUS_INF;
  else if (mask)
    for (int64_t j = 0; j < seen; j++) x[j] = mask[j * s->ms] ? x[j] : MINUS_INF;
}

/* exp(x - most) in place; returns the sum. */
FN_INLINE float attention_exp(float *x, int64_t n, float most) {
  vf sum = {0};
  int64_t j = 0;
  for (; j + VL <= n; j += VL) {
    vf e = vexp(vload(x + j) - most);
    vstore(x + j, e), sum += e;
  }
  if (j < n) {
    vf e = vexp(vload_or(x + j, n - j, MINUS_INF) - most);
    vstore_n(x + j, e, n - j), sum += vselect(vfirst(n - j), e, (vf){0});
  }
  return vsum(sum);
}

FN_INLINE float attention_most(const float *x, int64_t n) {
  vf most = vset1(MINUS_INF);
  int64_t j = 0;
  for (; j + VL <= n; j += VL) most = vlarger(vload(x + j), most);
  if (j < n) most = vlarger(vload_or(x + j, n - j, MINUS_INF), most);
  return vall_larger(most)[0];
}

/* A row that sees no key, or that holds nothing but NaN: ones; returns the logarithm of their sum as the reference has it. */
static float attention_blind(float *x, int64_t n, float *factor) {
  float lse = MINUS_INF;
  for (int64_t j = 0; j < n; j++) {
    if (x[j] != x[j]) lse = x[j];
    x[j] = 1;
  }
  *factor = lse == lse ? 1 / (float)n : lse;
  return lse;
}

/* The exponentials of a row; `factor` makes probabilities of them.  Returns the logarithm of their sum. */
FN_INLINE float attention_softmax(float *x, int64_t n, float *factor) {
  float most = attention_most(x, n);
  if (most == MINUS_INF) return attention_blind(x, n, factor);
  float sum = attention_exp(x, n, most);
  *factor = 1 / sum;
  return most + logf(sum);
}

FN_INLINE void attention_scale(float *to, const float *x, int64_t n, float factor) {
  for (int64_t d = 0; d < n; d++) to[d] = x[d] * factor;
}

/* ---- Products ---- */

/* c = op(a) op(b), of m rows, n columns, k deep; ld: from row to row as each lies there. */
static int attention_product(const float *a, int64_t lda, int ta, const float *b, int64_t ldb, int tb, float *c, int64_t ldc, int64_t m,
                             int64_t n, int64_t k) {
  gemm g = {.a = a, .b = b, .c = c, .m = m, .n = n, .k = k, .lda = lda, .ldb = ldb, .ldc = ldc, .ta = ta, .tb = tb};
  return m > 0 && n > 0 ? gemm_serial(&g) : FN_OK;
}

static void attention_report(attention_job *j, int status) {
  if (status) __atomic_store_n(&j->status, status, __ATOMIC_RELAXED);
}

/* Queries [i, i + rows) of head n, times the scale, and their scores. */
static int attention_scores(const attention_job *j, int64_t b, int64_t n, int64_t i, int64_t rows, int64_t keys, float *q, float *p) {
  const fn_attention *s = &j->s;
  const float *from = j->q + ((b * s->t + i) * s->n + n) * s->h, *k = j->k + (b * s->s * s->g + n / (s->n / s->g)) * s->h;
  for (int64_t r = 0; r < rows; r++) attention_scale(q + r * s->h, from + r * s->n * s->h, s->h, (float)s->scale);
  int status = attention_product(q, s->h, 0, k, s->g * s->h, 1, p, j->step, rows, keys, s->h);
  if (s->causal || s->mask)
    for (int64_t r = 0; r < rows; r++) attention_mask_row(s, b, n, i + r, p + r * j->step, keys);
  return status;
}

/* ---- Forward ---- */

static int attention_block(const attention_job *j, int64_t b, int64_t n, int64_t i, int64_t rows, float *space) {
  const fn_attention *s = &j->s;
  int64_t keys = fn_attention_keys(s, i + rows), row = (b * s->t + i) * s->n + n;
  float *p = space, *q = p + j->rows * j->step, *factor = q + j->rows * s->h, *y = j->out + row * s->c;
  if (attention_scores(j, b, n, i, rows, keys, q, p)) return FN_NOMEM;
  for (int64_t r = 0; r < rows; r++)
    j->sums[(b * s->n + n) * s->t + i + r] = attention_softmax(p + r * j->step, keys, factor + r);
  const float *v = j->v + (b * s->s * s->g + n / (s->n / s->g)) * s->c;
  int status = attention_product(p, j->step, 0, v, s->g * s->c, 0, y, s->n * s->c, rows, s->c, keys);
  for (int64_t r = 0; r < rows; r++, y += s->n * s->c) attention_scale(y, y, s->c, factor[r]);
  return status;
}

static void attention_chunk(void *ctx, int64_t chunk) {
  attention_job *j = ctx;
  const fn_attention *s = &j->s;
  int64_t part = chunk % j->parts, from = part * s->t / j->parts, to = (part + 1) * s->t / j->parts;
  int64_t first = chunk / j->parts * j->share, end = FN_MIN(first + j->share, s->b * s->n);
  float *space = fn_scratch(3, (size_t)(j->rows * (j->step + s->h + 1)) * 4);
  if (!space) {
    attention_report(j, FN_NOMEM);
    return;
  }
  for (int64_t head = first; head < end; head++)
    for (int64_t i = from; i < to; i += j->rows)
      attention_report(j, attention_block(j, head / s->n, head % s->n, i, FN_MIN(j->rows, to - i), space));
}

/* How the work is cut; heads: what a chunk has at least one of. */
static void attention_cut(attention_job *j, int64_t heads) {
  const fn_attention *s = &j->s;
  int64_t work = s->t * s->s * (s->h + s->c) * (s->b * s->n / heads);
  j->rows = FN_MIN(s->t, FN_MAX(ATTENTION_ROWS, ATTENTION_SCORES / s->s));
  j->rows = FN_CEIL(s->t, FN_CEIL(s->t, j->rows));
  j->step = FN_CEIL(s->s, 16) * 16;
  if (j->step % 256 == 0) j->step += 16; /* else the rows share cache sets */
  j->share = FN_MAX(1, ATTENTION_WORK / FN_MAX(1, work));
  j->parts = j->share > 1 || heads >= ATTENTION_HEADS ? 1 : FN_MIN(FN_CEIL(s->t, 64), FN_CEIL(ATTENTION_HEADS, heads));
}

FN_TUNED(attention) {
  attention_job j = {.s = fn_attention_of(a + 6, a[3].p), .q = a[0].p, .k = a[1].p, .v = a[2].p, .out = a[4].p, .sums = a[5].p};
  if (fn_attention_is_empty(&j.s)) return FN_OK;
  attention_cut(&j, j.s.b * j.s.n);
  fn_parallel(FN_CEIL(j.s.b * j.s.n, j.share) * j.parts, attention_chunk, &j);
  return j.status;
}

/* ---- Backward ---- */

/* From scores to probabilities p, from dp to the gradient of the scores (without the scale). */
FN_INLINE void attention_grad_row(float *p, float *dp, int64_t n, float lse, float mean) {
  float same = 1 / (float)n;
  if (lse == MINUS_INF) {
    for (int64_t j = 0; j < n; j++) p[j] = same, dp[j] = 0;
    return;
  }
  for (int64_t j = 0; j < n; j += VL) {
    int64_t lanes = FN_MIN(VL, n - j);
    vf e = vexp((lanes == VL ? vload(p + j) : vload_or(p + j, lanes, MINUS_INF)) - lse);
    store_lanes(p + j, e, lanes), store_lanes(dp + j, e * (load_lanes(dp + j, lanes) - mean), lanes);
  }
}

static float attention_mean(const attention_job *j, int64_t b, int64_t n, int64_t i) {
  const fn_attention *s = &j->s;
  int64_t at = ((b * s->t + i) * s->n + n) * s->c;
  float mean = 0;
  for (int64_t d = 0; d < s->c; d++) mean += j->dy[at + d] * j->y[at + d];
  return j->dlse ? mean - j->dlse[(b * s->n + n) * s->t + i] : mean;
}

/* d += p^T x, p having `keys` columns; where nothing was added yet, and p has all columns, d = p^T x. */
static int attention_add(const attention_job *j, const float *p, const float *x, int64_t ldx, float *d, int64_t ldd, int64_t rows,
                         int64_t keys, int64_t size, int fresh, float *space) {
  if (fresh && keys == j->s.s) return attention_product(p, j->step, 1, x, ldx, 0, d, ldd, keys, size, rows);
  if (attention_product(p, j->step, 1, x, ldx, 0, space, size, keys, size, rows)) return FN_NOMEM;
  for (int64_t r = 0; r < keys; r++)
    for (int64_t c = 0; c < size; c++) d[r * ldd + c] = space[r * size + c] + (fresh ? 0 : d[r * ldd + c]);
  for (int64_t r = keys; fresh && r < j->s.s; r++) memset(d + r * ldd, 0, (size_t)size * 4);
  return FN_OK;
}

static int attention_grad_block(const attention_job *j, int64_t b, int64_t n, int64_t i, int64_t rows, int fresh, float *space) {
  const fn_attention *s = &j->s;
  int64_t keys = fn_attention_keys(s, i + rows), row = (b * s->t + i) * s->n + n, head = b * s->s * s->g + n / (s->n / s->g);
  float *p = space, *dp = p + j->rows * j->step, *q = dp + j->rows * j->step, *sums = q + j->rows * s->h, *dq = j->dq + row * s->h;
  const float *dy = j->dy + row * s->c, *lse = j->lse + (b * s->n + n) * s->t + i;
  int status = attention_scores(j, b, n, i, rows, keys, q, p);
  status |= attention_product(dy, s->n * s->c, 0, j->v + head * s->c, s->g * s->c, 1, dp, j->step, rows, keys, s->c);
  for (int64_t r = 0; r < rows; r++)
    attention_grad_row(p + r * j->step, dp + r * j->step, keys, lse[r], attention_mean(j, b, n, i + r));
  status |= attention_add(j, p, dy, s->n * s->c, j->dv + head * s->c, s->g * s->c, rows, keys, s->c, fresh, sums);
  status |= attention_add(j, dp, q, s->h, j->dk + head * s->h, s->g * s->h, rows, keys, s->h, fresh, sums);
  status |= attention_product(dp, j->step, 0, j->k + head * s->h, s->g * s->h, 0, dq, s->n * s->h, rows, s->h, keys);
  for (int64_t r = 0; r < rows; r++, dq += s->n * s->h) attention_scale(dq, dq, s->h, (float)s->scale);
  return status ? FN_NOMEM : FN_OK;
}

static void attention_grad_chunk(void *ctx, int64_t chunk) {
  attention_job *j = ctx;
  const fn_attention *s = &j->s;
  int64_t first = chunk * j->share, end = FN_MIN(first + j->share, s->b * s->g), group = s->n / s->g;
  float *space = fn_scratch(3, (size_t)(j->rows * (2 * j->step + s->h) + s->s * FN_MAX(s->h, s->c)) * 4);
  if (!space) {
    attention_report(j, FN_NOMEM);
    return;
  }
  for (int64_t head = first; head < end; head++)
    for (int64_t n = 0; n < group; n++)
      for (int64_t i = 0; i < s->t; i += j->rows)
        attention_report(j, attention_grad_block(j, head / s->g, head % s->g * group + n, i, FN_MIN(j->rows, s->t - i), !n && !i, space));
}

FN_TUNED(attention_grad) {
  attention_job j = {.s = fn_attention_of(a + 11, a[5].p), .dy = a[0].p, .dlse = a[1].p, .q = a[2].p, .k = a[3].p, .v = a[4].p,
                     .y = a[6].p, .lse = a[7].p, .dq = a[8].p, .dk = a[9].p, .dv = a[10].p};
  if (fn_attention_is_empty(&j.s)) return FN_OK;
  attention_cut(&j, j.s.b * j.s.g);
  fn_parallel(FN_CEIL(j.s.b * j.s.g, j.share), attention_grad_chunk, &j);
  return j.status;
}
