/* Panels of B: PANEL columns (the last ones fewer, padded to whole vectors), each row of k side by side. */

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

/* ---- VL x VL floats transposed in registers: blocks of 1, 2, 4 ... swap places across the diagonal ---- */

#ifdef __clang__
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, (vi){__VA_ARGS__})
#endif
#if VL == 16
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#elif VL == 8
#define LOW_1 0, 8, 2, 10, 4, 12, 6, 14
#define HIGH_1 1, 9, 3, 11, 5, 13, 7, 15
#define LOW_2 0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_2 2, 3, 10, 11, 6, 7, 14, 15
#define LOW_4 0, 1, 2, 3, 8, 9, 10, 11
#define HIGH_4 4, 5, 6, 7, 12, 13, 14, 15
#else
#define LOW_1 0, 4, 2, 6
#define HIGH_1 1, 5, 3, 7
#define LOW_2 0, 1, 4, 5
#define HIGH_2 2, 3, 6, 7
#endif
#define SWAP(d)                                                   \
  for (int i = 0; i < VL; i++)                                    \
    if (!(i & d)) {                                               \
      vf x = r[i], y = r[i + d];                                  \
      r[i] = SHUFFLE(x, y, LOW_##d), r[i + d] = SHUFFLE(x, y, HIGH_##d); \
    }

FN_INLINE void vtranspose(vf r[VL]) {
  SWAP(1)
  SWAP(2)
#if VL >= 8
  SWAP(4)
#endif
#if VL >= 16
  SWAP(8)
#endif
}
#undef SWAP
#undef LOW_4
#undef HIGH_4
#undef LOW_8
#undef HIGH_8

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
