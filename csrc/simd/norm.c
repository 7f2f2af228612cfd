/* Tuned float kernels: normalisation over the rows of a matrix (rows, c).
 *
 * A strip of 1, 2 or 4 vectors of columns is walked down the rows of a chunk, its constants and sums in registers.
 * The sums of a block of rows are float, of differences from the mean of the block's first rows: that mean is at most
 * sqrt(BLOCK / LEAD) standard deviations away from the block's, so that nothing cancels.  Blocks join in double
 * (Chan, Golub and LeVeque, 1979). */
#include "level.h"

enum { NORM_BLOCK = 1024, NORM_LEAD = 32 };

typedef struct {
  const float *x, *dy, *mean, *scale, *beta; /* y = (x - mean) scale + beta */
  const float *slope, *shift;                /* dx = dy scale + (x - mean) slope + shift */
  float *to;
  double *first, *second; /* of each chunk (chunk, c): mean and squared deviations, or sums of dy and dy (x - mean) */
  int64_t rows, c, chunk_rows;
  int relu, stream; /* stream: what is written goes past the caches */
} norm;

static inline int64_t norm_chunk_rows(int64_t rows, int64_t c) {
  double chunks = FN_MIN(FN_MAX((double)rows * (double)c / 65536, 1.), 64.);
  return FN_MAX(64, (int64_t)((double)rows / chunks) + 1);
}

/* Runs strip(p, first row, last row, column, V, lanes) over all columns: V vectors, or one of `lanes` lanes. */
#define NORM_STRIPS(strip, p, from, to)                                                \
  do {                                                                                 \
    int64_t j = 0, c_ = (p)->c;                                                        \
    for (; j + 4 * VL <= c_; j += 4 * VL) strip(p, from, to, j, 4, VL);                \
    for (; j + 2 * VL <= c_; j += 2 * VL) strip(p, from, to, j, 2, VL);                \
    for (; j + VL <= c_; j += VL) strip(p, from, to, j, 1, VL);                        \
    if (j < c_) strip(p, from, to, j, 1, c_ - j);                                      \
  } while (0)

/* ---- Statistics ---- */

/* The sums of a block, 4 / V rows at a time, so that there are always four chains of additions. */
FN_INLINE void norm_sums(const norm *p, int64_t from, int64_t to, int64_t j, int V, int64_t lanes, vf *centre, vf *sum, vf *square) {
  vf s[4] = {{0}}, q[4] = {{0}};
  const int U = 4 / V;
  const float *x = p->x + from * p->c + j;
  for (int v = 0; v < V; v++) centre[v] = (vf){0};
  int64_t lead = FN_MIN(NORM_LEAD, to - from), i = from;
  for (int64_t k = 0; k < lead; k++)
    for (int v = 0; v < V; v++) centre[v] += load_lanes(x + k * p->c + v * VL, lanes);
  for (int v = 0; v < V; v++) centre[v] *= 1.0f / (float)lead;
  for (; i + U <= to; i += U, x += U * p->c)
    for (int u = 0; u < U; u++)
      for (int v = 0; v < V; v++) {
        vf d = load_lanes(x + u * p->c + v * VL, lanes) - centre[v];
        s[u * V + v] += d;
        q[u * V + v] += d * d;
      }
  for (; i < to; i++, x += p->c)
    for (int v = 0; v < V; v++) {
      vf d = load_lanes(x + v * VL, lanes) - centre[v];
      s[v] += d;
      q[v] += d * d;
    }
  for (int v = 0; v < V; v++) {
    sum[v] = s[v], square[v] = q[v];
    for (int u = 1; u < U; u++) sum[v] += s[u * V + v], square[v] += q[u * V + v];
  }
}

/* Joins a block of m rows to n rows before it. */
FN_INLINE void norm_strip(const norm *p, int64_t from, int64_t to, int64_t j, int V, int64_t lanes, int64_t chunk) {
  double *means = p->first + chunk * p->c + j, *squares = p->second + chunk * p->c + j;
  for (int64_t at = from; at < to; at += NORM_BLOCK) {
    vf centre[4], sum[4], square[4];
    int64_t end = FN_MIN(at + NORM_BLOCK, to);
    double m = (double)(end - at), n = (double)(at - from), part = m / (n + m);
    norm_sums(p, at, end, j, V, lanes, centre, sum, square);
    for (int k = 0; k < (V - 1) * VL + lanes; k++) {
      double s = sum[k / VL][k % VL], mean = centre[k / VL][k % VL] + s / m, square_k = square[k / VL][k % VL] - s * s / m;
      double apart = n ? mean - means[k] : 0;
      means[k] = (n ? means[k] : mean) + apart * part;
      squares[k] = (n ? squares[k] : 0) + square_k + apart * apart * n * part;
    }
  }
}

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

FN_INLINE void norm_apply_strip(const norm *p, int64_t from, int64_t to, int64_t j, int V, int64_t lanes, int relu) {
  vf mean[4], scale[4], beta[4];
  for (int v = 0; v < V; v++) {
    mean[v] = load_lanes(p->mean + j + v * VL, lanes);
    scale[v] = load_lanes(p->scale + j + v * VL, lanes);
    beta[v] = load_lanes(p->beta + j + v * VL, lanes);
  }
  for (int64_t i = from; i < to; i++)
    for (int v = 0; v < V; v++) {
      int64_t at = i * p->c + j + v * VL;
      vf y = (load_lanes(p->x + at, lanes) - mean[v]) * scale[v] + beta[v];
      if (relu) y = vrelu(y);
      stream_lanes(p->to + at, y, lanes, p->stream);
    }
}

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

/* dy before the activation; d = x - mean.  NaN lets it pass, as relu alone does. */
FN_INLINE vf norm_dy(vf dy, vf d, vf scale, vf beta, int relu) {
  if (!relu) return dy;
#if FN_LEVEL == 4
  return (vf)_mm512_maskz_mov_ps(_mm512_cmp_ps_mask((__m512)(d * scale + beta), _mm512_setzero_ps(), _CMP_NLE_UQ), (__m512)dy);
#else
  return (vf)((vi)dy & ~(d * scale + beta <= 0));
#endif
}

FN_INLINE void norm_grad_sums(const norm *p, int64_t from, int64_t to, int64_t j, int V, int64_t lanes, int relu, vf *sum, vf *product) {
  vf s[4] = {{0}}, q[4] = {{0}}, mean[4], scale[4], beta[4];
  const int U = 4 / V;
  for (int v = 0; v < V; v++) {
    mean[v] = load_lanes(p->mean + j + v * VL, lanes);
    scale[v] = load_lanes(p->scale + j + v * VL, lanes);
    beta[v] = load_lanes(p->beta + j + v * VL, lanes);
  }
  int64_t i = from;
  for (; i + U <= to; i += U)
    for (int u = 0; u < U; u++)
      for (int v = 0; v < V; v++) {
        int64_t at = (i + u) * p->c + j + v * VL;
        vf d = load_lanes(p->x + at, lanes) - mean[v], dy = norm_dy(vloaded(load_lanes(p->dy + at, lanes)), d, scale[v], beta[v], relu);
        s[u * V + v] += dy;
        q[u * V + v] += dy * d;
      }
  for (; i < to; i++)
    for (int v = 0; v < V; v++) {
      int64_t at = i * p->c + j + v * VL;
      vf d = load_lanes(p->x + at, lanes) - mean[v], dy = norm_dy(vloaded(load_lanes(p->dy + at, lanes)), d, scale[v], beta[v], relu);
      s[v] += dy;
      q[v] += dy * d;
    }
  for (int v = 0; v < V; v++) {
    sum[v] = s[v], product[v] = q[v];
    for (int u = 1; u < U; u++) sum[v] += s[u * V + v], product[v] += q[u * V + v];
  }
}

FN_INLINE void norm_grad_strip(const norm *p, int64_t from, int64_t to, int64_t j, int V, int64_t lanes, int relu, int64_t chunk) {
  double *sums = p->first + chunk * p->c + j, *products = p->second + chunk * p->c + j;
  for (int64_t at = from; at < to; at += NORM_BLOCK) {
    vf sum[4], product[4];
    norm_grad_sums(p, at, FN_MIN(at + NORM_BLOCK, to), j, V, lanes, relu, sum, product);
    for (int k = 0; k < (V - 1) * VL + lanes; k++) {
      sums[k] = (at > from ? sums[k] : 0) + sum[k / VL][k % VL];
      products[k] = (at > from ? products[k] : 0) + product[k / VL][k % VL];
    }
  }
}

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

FN_INLINE void norm_dx_strip(const norm *p, int64_t from, int64_t to, int64_t j, int V, int64_t lanes, int relu) {
  vf mean[4], scale[4], beta[4], slope[4], shift[4];
  for (int v = 0; v < V; v++) {
    mean[v] = load_lanes(p->mean + j + v * VL, lanes);
    scale[v] = load_lanes(p->scale + j + v * VL, lanes);
    beta[v] = load_lanes(p->beta + j + v * VL, lanes);
    slope[v] = load_lanes(p->slope + j + v * VL, lanes);
    shift[v] = load_lanes(p->shift + j + v * VL, lanes);
  }
  for (int64_t i = from; i < to; i++)
    for (int v = 0; v < V; v++) {
      int64_t at = i * p->c + j + v * VL;
      vf d = load_lanes(p->x + at, lanes) - mean[v], dy = norm_dy(vloaded(load_lanes(p->dy + at, lanes)), d, scale[v], beta[v], relu);
      vf dx = dy * scale[v] + (d * slope[v] + shift[v]);
      stream_lanes(p->to + at, dx, lanes, p->stream);
    }
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
