/* Tuned float kernels: normalisation over the rows of a matrix (rows, c); norm_strip.h has the loops. */
#include "norm_strip.h"

static inline int64_t norm_chunk_rows(int64_t rows, int64_t c) {
  double chunks = FN_MIN(FN_MAX((double)rows * (double)c / 65536, 1.), 64.);
  return FN_MAX(64, (int64_t)((double)rows / chunks) + 1);
}

/* ---- Statistics ---- */

static void norm_statistics_chunk(void *ctx, int64_t chunk) {
  const norm *p = ctx;
  int64_t from = chunk * p->chunk_rows, to = FN_MIN(from + p->chunk_rows, p->rows);
#define STRIP(p, from, to, j, V, lanes) norm_strip(p, from, to, j, V, lanes, chunk)
  NORM_STRIPS(STRIP, p, from, to);
#undef STRIP
}

/* Joins the chunks: means in the first row of p->first, biased variances in that of p->second. */
static inline void norm_join(const norm *p, int64_t chunks) {
  for (int64_t k = 1; k < chunks; k++) {
    double n = (double)(k * p->chunk_rows), m = (double)(FN_MIN((k + 1) * p->chunk_rows, p->rows) - k * p->chunk_rows);
    const double *mean = p->first + k * p->c, *square = p->second + k * p->c;
    for (int64_t j = 0; j < p->c; j++) {
      double apart = mean[j] - p->first[j];
      p->first[j] += apart * (m / (n + m));
      p->second[j] += square[j] + apart * apart * (n * m / (n + m));
    }
  }
  for (int64_t j = 0; j < p->c; j++) p->second[j] = (p->second[j] < 0 ? 0 : p->second[j]) / (double)p->rows; /* NaN stays */
}

/* ---- Normalising ---- */

static void norm_apply_chunk(void *ctx, int64_t chunk) {
  const norm *p = ctx;
  int64_t first = chunk * p->chunk_rows, last = FN_MIN(first + p->chunk_rows, p->rows);
  for (int64_t from = first, to; from < last; from = to) {
    to = FN_MIN(from + NORM_LEAD, last);
#define STRIP(p, from, to, j, V, lanes) norm_apply_strip(p, from, to, j, V, lanes, 1)
    if (p->relu) NORM_STRIPS(STRIP, p, from, to);
#undef STRIP
#define STRIP(p, from, to, j, V, lanes) norm_apply_strip(p, from, to, j, V, lanes, 0)
    else NORM_STRIPS(STRIP, p, from, to);
#undef STRIP
  }
}

static void norm_write(norm *p, int64_t chunks, void (*chunk)(void *, int64_t)) {
  p->stream = worth_streaming(p->to, p->rows * p->c, p->c);
  fn_parallel(chunks, chunk, p);
  vfence(p->stream);
}

/* scale and beta of each column: gamma rstd and beta, where those may be absent. */
static inline void norm_constants(const float *gamma, const float *beta, const float *rstd, int64_t c, float *scale, float *shift) {
  for (int64_t j = 0; j < c; j++) {
    scale[j] = rstd[j] * (gamma ? gamma[j] : 1.0f);
    shift[j] = beta ? beta[j] : 0.0f;
  }
}

FN_TUNED(batch_norm) {
  const float *gamma = a[1].p, *beta = a[2].p;
  float *moving_mean = a[3].p, *moving_variance = a[4].p, *mean = a[6].p, *rstd = a[7].p;
  norm p = {.x = a[0].p, .to = a[5].p, .rows = a[8].i, .c = a[9].i, .mean = mean, .relu = a[12].i == FN_RELU};
  double keep = a[10].f, epsilon = a[11].f;
  int64_t c = p.c;
  if (!c) return FN_OK;
  p.chunk_rows = norm_chunk_rows(p.rows, c);
  int64_t chunks = FN_CEIL(p.rows, p.chunk_rows), held = FN_MAX(chunks, 1) * c;
  if (!(p.first = fn_scratch(0, (size_t)held * 16 + (size_t)c * 8))) return FN_NOMEM;
  p.second = p.first + held;
  float *scale = (float *)(p.second + held), *shift = scale + c;
  if (!p.rows) memset(p.first, 0, (size_t)held * 16);
  fn_parallel(chunks, norm_statistics_chunk, &p);
  if (p.rows) norm_join(&p, chunks);
  for (int64_t j = 0; j < c; j++) {
    mean[j] = (float)p.first[j];
    rstd[j] = (float)(1 / __builtin_sqrt(p.second[j] + epsilon));
    if (moving_mean && p.rows) moving_mean[j] = (float)(moving_mean[j] * keep + p.first[j] * (1 - keep));
    if (moving_variance && p.rows) moving_variance[j] = (float)(moving_variance[j] * keep + p.second[j] * (1 - keep));
  }
  norm_constants(gamma, beta, rstd, c, scale, shift);
  p.scale = scale, p.beta = shift;
  norm_write(&p, chunks, norm_apply_chunk);
  return FN_OK;
}

FN_TUNED(batch_norm_inference) {
  const float *variance = a[4].p;
  float *rstd = a[6].p;
  norm p = {.x = a[0].p, .mean = a[3].p, .to = a[5].p, .rows = a[7].i, .c = a[8].i, .relu = a[10].i == FN_RELU};
  if (!p.c) return FN_OK;
  float *scale = fn_scratch(0, (size_t)p.c * 8);
  if (!scale) return FN_NOMEM;
  for (int64_t j = 0; j < p.c; j++) rstd[j] = (float)(1 / __builtin_sqrt((double)variance[j] + a[9].f));
  norm_constants(a[1].p, a[2].p, rstd, p.c, scale, scale + p.c);
  p.scale = scale, p.beta = scale + p.c;
  p.chunk_rows = norm_chunk_rows(p.rows, p.c);
  norm_write(&p, FN_CEIL(p.rows, p.chunk_rows), norm_apply_chunk);
  return FN_OK;
}

/* ---- Backward ---- */

static void norm_grad_sums_chunk(void *ctx, int64_t chunk) {
  const norm *p = ctx;
  int64_t from = chunk * p->chunk_rows, to = FN_MIN(from + p->chunk_rows, p->rows);
#define STRIP(p, from, to, j, V, lanes) norm_grad_strip(p, from, to, j, V, lanes, 1, chunk)
  if (p->relu) NORM_STRIPS(STRIP, p, from, to);
#undef STRIP
#define STRIP(p, from, to, j, V, lanes) norm_grad_strip(p, from, to, j, V, lanes, 0, chunk)
  else NORM_STRIPS(STRIP, p, from, to);
#undef STRIP
}

static void norm_dx_chunk(void *ctx, int64_t chunk) {
  const norm *p = ctx;
  int64_t first = chunk * p->chunk_rows, last = FN_MIN(first + p->chunk_rows, p->rows);
  for (int64_t from = first, to; from < last; from = to) {
    to = FN_MIN(from + NORM_LEAD, last);
#define STRIP(p, from, to, j, V, lanes) norm_dx_strip(p, from, to, j, V, lanes, 1)
    if (p->relu) NORM_STRIPS(STRIP, p, from, to);
#undef STRIP
#define STRIP(p, from, to, j, V, lanes) norm_dx_strip(p, from, to, j, V, lanes, 0)
    else NORM_STRIPS(STRIP, p, from, to);
#undef STRIP
  }
}

FN_TUNED(batch_norm_grad) {
  const float *gamma = a[2].p, *rstd = a[5].p, *dmean = a[6].p, *drstd = a[7].p;
  float *dgamma = a[9].p, *dbeta = a[10].p;
  norm p = {.dy = a[0].p, .x = a[1].p, .mean = a[4].p, .to = a[8].p, .rows = a[11].i, .c = a[12].i, .relu = a[13].i == FN_RELU};
  int64_t c = p.c;
  if (!c) return FN_OK;
  p.chunk_rows = norm_chunk_rows(p.rows, c);
  int64_t chunks = FN_CEIL(p.rows, p.chunk_rows), held = FN_MAX(chunks, 1) * c;
  if (!(p.first = fn_scratch(0, (size_t)held * 16 + (size_t)c * 16))) return FN_NOMEM;
  p.second = p.first + held;
  float *scale = (float *)(p.second + held), *shift = scale + c, *slope = shift + c, *add = slope + c;
  if (!p.rows) memset(p.first, 0, (size_t)held * 16);
  norm_constants(gamma, a[3].p, rstd, c, scale, shift);
  p.scale = scale, p.beta = shift, p.slope = slope, p.shift = add;
  fn_parallel(chunks, norm_grad_sums_chunk, &p);
  double n = (double)FN_MAX(p.rows, 1);
  int training = a[14].i != 0;
  for (int64_t j = 0; j < c; j++) {
    double sum = p.first[j], product = p.second[j], r = rstd[j], g = gamma ? gamma[j] : 1;
    for (int64_t k = 1; k < chunks; k++) sum += p.first[k * c + j], product += p.second[k * c + j];
    double by_gamma = product * r;
    dbeta[j] = (float)sum;
    dgamma[j] = (float)by_gamma;
    add[j] = training ? (float)(((dmean ? dmean[j] : 0) - g * r * sum) / n) : 0;
    slope[j] = training ? (float)(-(g * r * by_gamma + (drstd ? drstd[j] * r * r : 0)) * r / n) : 0;
  }
  norm_write(&p, chunks, norm_dx_chunk);
  return FN_OK;
}
