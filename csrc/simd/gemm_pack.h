/* Panels of B: PANEL columns (the last ones fewer, padded to whole vectors), each row of k side by side. */
#include "transpose.h"

FN_INLINE int64_t gemm_panels(int64_t n) { return FN_CEIL(n, PANEL); }
/* Columns of panel p, and the floats in a row of it. */
FN_INLINE int64_t gemm_columns(int64_t n, int64_t p) { return FN_MIN(n - p * PANEL, PANEL); }
FN_INLINE int64_t gemm_width(int64_t n, int64_t p) { return FN_CEIL(gemm_columns(n, p), VL) * VL; }

enum { GEMM_STRIP = 16 }; /* rows of B packed at a time, so that it is read about in its order */

/* Some rows of a panel; the rows that come next are fetched meanwhile. */
static void gemm_pack_rows(const float *b, int64_t ldb, int64_t columns, int64_t rows, float *out) {
  if (columns == PANEL)
    for (; rows; rows--, b += ldb, out += PANEL) {
      vf x = vload(b), y = vload(b + VL);
      __builtin_prefetch(b + GEMM_STRIP * ldb), __builtin_prefetch(b + GEMM_STRIP * ldb + VL);
      vstore(out, x), vstore(out + VL, y);
    }
  else if (columns > VL)
    for (; rows; rows--, b += ldb, out += PANEL) {
      vf x = vload(b), y = vload_n(b + VL, columns - VL);
      vstore(out, x), vstore(out + VL, y);
    }
  else
    for (; rows; rows--, b += ldb, out += VL) vstore(out, vload_n(b, columns));
}

/* VL columns of k, given as up to VL rows of B^T (ldb floats apart), into rows `width` apart. */
static void gemm_pack_turned(const float *b, int64_t ldb, int64_t columns, int64_t k, float *out, int64_t width) {
  vf r[VL];
  int64_t p = 0;
  if (columns == VL)
    for (; p + VL <= k; p += VL) {
      for (int i = 0; i < VL; i++) r[i] = vload(b + i * ldb + p);
      vtranspose(r);
      for (int i = 0; i < VL; i++) vstore(out + (p + i) * width, r[i]);
    }
  for (; p < k; p += VL) {
    int64_t left = FN_MIN(VL, k - p);
    for (int i = 0; i < VL; i++) r[i] = i < columns ? vload_n(b + i * ldb + p, left) : (vf){0};
    vtranspose(r);
    for (int64_t i = 0; i < left; i++) vstore(out + (p + i) * width, r[i]);
  }
}
