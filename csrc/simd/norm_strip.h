/* Normalisation down the columns of a matrix (rows, c), a strip of 1, 2 or 4 vectors of columns at a time: its statistics,
 * its values, and both backward.  A strip is walked down the rows, its constants and sums in registers.
 *
 * The sums of a block of rows are float, of differences from the mean of the block's first rows: that mean is at most
 * sqrt(BLOCK / LEAD) standard deviations away from the block's, so that nothing cancels.  Blocks join in double
 * (Chan, Golub and LeVeque, 1979). */
#ifndef FN_NORM_STRIP_H
#define FN_NORM_STRIP_H
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

/* Runs strip(p, first row, last row, column, V, lanes) over all columns: V vectors, or one of `lanes` lanes. */
#define NORM_STRIPS(strip, p, from, to)                                                \
  do {                                                                                 \
    int64_t j = 0, c_ = (p)->c;                                                        \
    for (; j + 4 * VL <= c_; j += 4 * VL) strip(p, from, to, j, 4, VL);                \
    for (; j + 2 * VL <= c_; j += 2 * VL) strip(p, from, to, j, 2, VL);                \
    for (; j + VL <= c_; j += VL) strip(p, from, to, j, 1, VL);                        \
    if (j < c_) strip(p, from, to, j, 1, c_ - j);                                      \
  } while (0)

/* ---- Statistics, and values ---- */

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
#endif
