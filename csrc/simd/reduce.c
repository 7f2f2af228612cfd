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

/* ---- Extremes, and their places; `largest` is a constant: the largest or the smallest ---- */

/* The better of two, b if one is NaN: a NaN that comes on the left is passed over, and noticed apart. */
FN_INLINE vf better(vf a, vf b, const int largest) { return largest ? vlarger(a, b) : vsmaller(a, b); }
FN_INLINE float worst(const int largest) { return largest ? -__builtin_inff() : __builtin_inff(); }

/* Of a contiguous run: four vectors side by side, which need not wait for each other. */
FN_INLINE float extreme_run(const float *x, int64_t n, const int largest) {
  vf v[4], rest;
  vi nan = {0};
  int64_t k = 0;
  for (int i = 0; i < 4; i++) v[i] = vset1(worst(largest));
  for (; k + 4 * VL <= n; k += 4 * VL)
    for (int i = 0; i < 4; i += 2) {
      vf x0 = vload(x + k + i * VL), x1 = vload(x + k + (i + 1) * VL);
      v[i] = better(x0, v[i], largest), v[i + 1] = better(x1, v[i + 1], largest);
      nan |= vunordered(x0, x1);
    }
  for (; k < n; k += VL) {
    rest = k + VL <= n ? vload(x + k) : vload_or(x + k, n - k, worst(largest));
    v[0] = better(rest, v[0], largest);
    nan |= vunordered(rest, rest);
  }
  if (vbits(nan)) return __builtin_nanf("");
  rest = better(better(v[0], v[1], largest), better(v[2], v[3], largest), largest);
  return (largest ? vall_larger(rest) : vall_smaller(rest))[0];
}

/* Of neighbouring columns: up to four vectors, the last of `lanes` columns; called with constant vectors. */
FN_INLINE void extreme_strip(const float *x, int64_t stride, int64_t rows, int64_t lanes, float *y, const int vectors,
                             const int largest) {
  vf v[4];
  vi nan[4] = {{0}};
  for (int i = 0; i < vectors; i++) v[i] = vset1(worst(largest));
  for (int64_t k = 0; k < rows; k++)
    for (int i = 0; i < vectors; i++) {
      vf z = load_lanes(x + k * stride + i * VL, lanes);
      v[i] = better(z, v[i], largest);
      nan[i] |= vunordered(z, z);
    }
  for (int i = 0; i < vectors; i++) store_lanes(y + i * VL, vselect(nan[i], vset1(__builtin_nanf("")), v[i]), lanes);
}

FN_INLINE void extreme_fold(const float *x, int64_t stride, int64_t rows, int64_t cols, float *y, const int largest) {
  int64_t j = 0;
  if (cols == 1 && stride == 1) {
    *y = extreme_run(x, rows, largest);
    return;
  }
  for (; j + 4 * VL <= cols; j += 4 * VL) extreme_strip(x + j, stride, rows, VL, y + j, 4, largest);
  for (; j + VL <= cols; j += VL) extreme_strip(x + j, stride, rows, VL, y + j, 1, largest);
  if (j < cols) extreme_strip(x + j, stride, rows, cols - j, y + j, 1, largest);
}

/* Along a contiguous axis: the extreme first, then the first place that holds it (or the first NaN). */
FN_INLINE int64_t place_in_run(const float *x, int64_t n, const int largest) {
  const float best = extreme_run(x, n, largest);
  const vf want = vset1(best);
  for (int64_t k = 0; k < n; k += VL) {
    int64_t lanes = FN_MIN(VL, n - k);
    vf z = load_lanes(x + k, lanes);
    uint32_t hits = vbits(best == best ? z == want : z != z);
    if (lanes < VL) hits &= (1u << lanes) - 1;
    if (hits) return k + __builtin_ctz(hits);
  }
  return 0;
}

FN_INLINE void place_strip(const float *x, int64_t stride, int64_t rows, int64_t lanes, int32_t *y, const int largest) {
  vf v = load_lanes(x, lanes);
  vi at = {0};
  for (int64_t k = 1; k < rows; k++) {
    vf z = load_lanes(x + k * stride, lanes);
    vi wins = ((largest ? z > v : z < v) | (z != z)) & (v == v);
    v = vselect(wins, z, v);
    at = (wins & (int32_t)k) | (~wins & at);
  }
  store_lanes((float *)y, (vf)at, lanes);
}

/* A task is one contiguous axis, or a strip of VL axes side by side. */
FN_INLINE void places(const fn_arg *a, int64_t lo, int64_t hi, const int largest) {
  const float *x = a[0].p;
  int32_t *y = a[1].p;
  const int64_t r = a[3].i, inner = a[4].i, strips = FN_CEIL(inner, VL);
  for (int64_t task = lo; task < hi; task++) {
    int64_t o = task / strips, j = task % strips * VL;
    if (inner == 1) y[o] = (int32_t)place_in_run(x + o * r, r, largest);
    else place_strip(x + o * r * inner + j, inner, r, FN_MIN(VL, inner - j), y + o * inner + j, largest);
  }
}

#define FN_EXTREME(kernel, place, largest)                                                                             \
  static void kernel##_fold(const void *x, int64_t stride, int64_t rows, int64_t cols, void *y) {                      \
    extreme_fold(x, stride, rows, cols, y, largest);                                                                   \
  }                                                                                                                    \
  FN_TUNED(kernel) { return fn_reduce(a[0].p, a[1].p, sizeof(float), a[2].i, a[3].i, a[4].i, kernel##_fold); }         \
  static void place##_tasks(const fn_arg *a, int64_t lo, int64_t hi) { places(a, lo, hi, largest); }                   \
  FN_TUNED(place) {                                                                                                    \
    int64_t r = a[3].i, inner = a[4].i;                                                                                \
    if (r <= 0 || inner <= 0) return FN_OK;                                                                            \
    return fn_map(a, a[2].i * FN_CEIL(inner, VL), FN_MAX(1, FN_GRAIN / r / FN_MIN(inner, VL)), place##_tasks);         \
  }
FN_EXTREME(max, argmax, 1)
FN_EXTREME(min, argmin, 0)
