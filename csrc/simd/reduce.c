/* Tuned float kernels: reduce.  The same sums as the reference, lane by lane and so bit by bit, in wider vectors. */
#include "../map.h"

enum { FN_SUM_RUN = 1024, FN_SUM_ROWS = 128 };

/* 32 lanes side by side, whatever the width of a vector; runs of 1024 in pairs */
static float FN_NAME(sum_run)(const float *x, int64_t n) {
  if (n > FN_SUM_RUN) {
    int64_t half = FN_CEIL(n / 2, FN_SUM_RUN) * FN_SUM_RUN;
    return FN_NAME(sum_run)(x, half) + FN_NAME(sum_run)(x + half, n - half);
  }
  enum { LANES = 32, VECTORS = LANES / VL };
  int64_t whole = n & -LANES;
  float total = 0;
  for (int64_t k = whole; k < n; k++) total += x[k];
  if (!whole) return total;
  vf lane[VECTORS];
  for (int j = 0; j < VECTORS; j++) lane[j] = (vf){0};
  for (int64_t k = 0; k < whole; k += LANES)
    for (int j = 0; j < VECTORS; j++) lane[j] += vload(x + k + j * VL);
  for (int w = VECTORS / 2; w; w /= 2)
    for (int j = 0; j < w; j++) lane[j] += lane[j + w];
  return total + vsum(lane[0]);
}

static void FN_NAME(sum_columns)(const float *x, int64_t stride, int64_t rows, int64_t cols, float *y) {
  int64_t j = 0;
  for (; j + VL <= cols; j += VL) {
    vf total = {0};
    for (int64_t k = 0; k < rows; k += FN_SUM_ROWS) {
      vf part = {0};
      for (int64_t m = k; m < FN_MIN(k + FN_SUM_ROWS, rows); m++) part += vload(x + m * stride + j);
      total += part;
    }
    vstore(y + j, total);
  }
  if (j == cols) return;
  vf total = {0};
  for (int64_t k = 0; k < rows; k += FN_SUM_ROWS) {
    vf part = {0};
    for (int64_t m = k; m < FN_MIN(k + FN_SUM_ROWS, rows); m++) part += vload_n(x + m * stride + j, cols - j);
    total += part;
  }
  vstore_n(y + j, total, cols - j);
}

static void FN_NAME(sum_fold)(const void *x, int64_t stride, int64_t rows, int64_t cols, void *y) {
  if (cols == 1 && stride == 1) *(float *)y = FN_NAME(sum_run)(x, rows);
  else FN_NAME(sum_columns)(x, stride, rows, cols, y);
}

FN_TUNED(sum) {
  float *y = a[1].p;
  int64_t n = a[2].i * a[4].i;
  int status = fn_reduce(a[0].p, y, sizeof(float), a[2].i, a[3].i, a[4].i, FN_NAME(sum_fold));
  if (status == FN_OK && a[5].f != 1)
    for (int64_t k = 0; k < n; k++) y[k] /= (float)a[5].f;
  return status;
}

/* Extremes: in vectors along contiguous axes too, where the reference goes one by one.  NaN stays: a comparison with
 * NaN is false, so it wins on either side. */
#define FN_EXTREME(kernel, neutral, op)                                                                   \
  FN_INLINE vf FN_NAME(kernel##_of)(vf v, vf x) { return vselect((v op x) | (v != v), v, x); }            \
  FN_INLINE float FN_NAME(kernel##_one)(float v, float x) { return v op x || v != v ? v : x; }            \
  static float FN_NAME(kernel##_run)(const float *x, int64_t n) {                                         \
    float best = neutral;                                                                                 \
    int64_t k = 0;                                                                                        \
    if (n >= VL) {                                                                                        \
      vf v = vload(x);                                                                                    \
      for (k = VL; k + VL <= n; k += VL) v = FN_NAME(kernel##_of)(v, vload(x + k));                       \
      for (int j = 0; j < VL; j++) best = FN_NAME(kernel##_one)(best, v[j]);                              \
    }                                                                                                     \
    for (; k < n; k++) best = FN_NAME(kernel##_one)(best, x[k]);                                          \
    return best;                                                                                          \
  }                                                                                                       \
  static void FN_NAME(kernel##_fold)(const void *px, int64_t stride, int64_t rows, int64_t cols, void *py) { \
    const float *x = px;                                                                                  \
    float *y = py;                                                                                        \
    if (cols == 1 && stride == 1) {                                                                       \
      y[0] = FN_NAME(kernel##_run)(x, rows);                                                              \
      return;                                                                                             \
    }                                                                                                     \
    for (int64_t j = 0; j < cols; j += VL) {                                                              \
      int64_t n = FN_MIN(VL, cols - j);                                                                   \
      vf v = vset1(neutral);                                                                              \
      for (int64_t k = 0; k < rows; k++)                                                                  \
        v = FN_NAME(kernel##_of)(v, n == VL ? vload(x + k * stride + j) : vload_n(x + k * stride + j, n)); \
      vstore_n(y + j, v, n);                                                                              \
    }                                                                                                     \
  }                                                                                                       \
  FN_TUNED(kernel) { return fn_reduce(a[0].p, a[1].p, sizeof(float), a[2].i, a[3].i, a[4].i, FN_NAME(kernel##_fold)); }

FN_EXTREME(max, -__builtin_inff(), >)
FN_EXTREME(min, __builtin_inff(), <)
