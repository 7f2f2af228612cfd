/* Tuned float kernels: reduce.  The same sums as the reference, lane by lane and so bit by bit, in wider vectors. */
#include "level.h"
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

/* Columns in strips of vectors; every 128 rows their sums so far go into the totals */
#define FN_SUM_STRIP(V, LOAD, STORE)                                                              \
  {                                                                                               \
    vf total[V] = {{0}};                                                                          \
    for (int64_t k = 0; k < rows; k += FN_SUM_ROWS) {                                             \
      vf part[V] = {{0}};                                                                         \
      for (int64_t m = k; m < FN_MIN(k + FN_SUM_ROWS, rows); m++)                                 \
        for (int v = 0; v < V; v++) part[v] += LOAD(x + m * stride + j + v * VL);                 \
      for (int v = 0; v < V; v++) total[v] += part[v];                                            \
    }                                                                                             \
    for (int v = 0; v < V; v++) STORE(y + j + v * VL, total[v]);                                  \
  }
#define FN_LOAD_REST(p) vload_n(p, cols - j)
#define FN_STORE_REST(p, v) vstore_n(p, v, cols - j)

static void FN_NAME(sum_columns)(const float *x, int64_t stride, int64_t rows, int64_t cols, float *y) {
  int64_t j = 0;
  for (; j + 8 * VL <= cols; j += 8 * VL) FN_SUM_STRIP(8, vload, vstore)
  for (; j + 2 * VL <= cols; j += 2 * VL) FN_SUM_STRIP(2, vload, vstore)
  for (; j + VL <= cols; j += VL) FN_SUM_STRIP(1, vload, vstore)
  if (j < cols) FN_SUM_STRIP(1, FN_LOAD_REST, FN_STORE_REST)
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

/* Extremes in vectors along contiguous axes too, where the reference goes one by one.  NaN stays: a comparison with NaN
 * is false.  The last vector of a run overlaps the one before, which changes no extreme. */
#define FN_EXTREME(kernel, neutral, op)                                                                   \
  FN_INLINE vf FN_NAME(kernel##_of)(vf v, vf x) { return vselect((v op x) | (v != v), v, x); }            \
  FN_INLINE float FN_NAME(kernel##_one)(float v, float x) { return v op x || v != v ? v : x; }            \
  static float FN_NAME(kernel##_run)(const float *x, int64_t n) {                                         \
    float best = neutral;                                                                                 \
    if (n < VL) {                                                                                         \
      for (int64_t k = 0; k < n; k++) best = FN_NAME(kernel##_one)(best, x[k]);                           \
      return best;                                                                                        \
    }                                                                                                     \
    vf v = vload(x + n - VL), w = v;                                                                      \
    int64_t k = 0;                                                                                        \
    for (; k + 2 * VL <= n; k += 2 * VL) {                                                                \
      v = FN_NAME(kernel##_of)(v, vload(x + k));                                                          \
      w = FN_NAME(kernel##_of)(w, vload(x + k + VL));                                                     \
    }                                                                                                     \
    if (k + VL <= n) v = FN_NAME(kernel##_of)(v, vload(x + k));                                           \
    float lane[VL];                                                                                       \
    vstore(lane, FN_NAME(kernel##_of)(v, w));                                                             \
    for (int half = VL / 2; half; half /= 2)                                                              \
      for (int j = 0; j < half; j++) lane[j] = FN_NAME(kernel##_one)(lane[j], lane[j + half]);            \
    return lane[0];                                                                                       \
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

/* Along a contiguous axis: the extreme first, then the first place that holds it (or the first NaN). */
#define FN_PLACE(kernel, extreme)                                                     \
  static void FN_NAME(map_##kernel)(const fn_arg *a, int64_t lo, int64_t hi) {        \
    int64_t r = a[3].i;                                                               \
    int32_t *y = a[1].p;                                                              \
    for (int64_t o = lo; o < hi; o++) {                                               \
      const float *x = (const float *)a[0].p + o * r;                                 \
      float best = FN_NAME(extreme##_run)(x, r);                                      \
      vf want = vset1(best);                                                          \
      int nan = best != best;                                                         \
      int64_t k = 0;                                                                  \
      for (; k + VL <= r; k += VL) {                                                  \
        vf v = vload(x + k);                                                          \
        vi hit = nan ? v != v : v == want;                                            \
        int any = 0;                                                                  \
        for (int j = 0; j < VL; j++) any |= hit[j];                                   \
        if (any) break;                                                               \
      }                                                                               \
      while (k < r && !(nan ? x[k] != x[k] : x[k] == best)) k++;                      \
      y[o] = (int32_t)k;                                                              \
    }                                                                                 \
  }                                                                                   \
  FN_TUNED(kernel) {                                                                  \
    int64_t o = a[2].i, r = a[3].i;                                                   \
    if (a[4].i != 1) return FN_NAME(kernel##_strided)(a, count);                      \
    if (r <= 0) return FN_OK;                                                         \
    return fn_map(a, o, FN_MAX(1, FN_GRAIN / r), FN_NAME(map_##kernel));              \
  }
static int FN_NAME(argmax_strided)(const fn_arg *a, int64_t count) {
  (void)count;
  FN_ARG(float, (z > v || z != z) && v == v)
}
static int FN_NAME(argmin_strided)(const fn_arg *a, int64_t count) {
  (void)count;
  FN_ARG(float, (z < v || z != z) && v == v)
}
FN_PLACE(argmax, max)
FN_PLACE(argmin, min)
