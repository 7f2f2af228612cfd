/* C = A^T B for a narrow B: the gradient of a layer with many inputs and few units, where the reading of A is what costs.
 *
 * Vectors lie along the rows of A, as they are in memory; elements of B are broadcast.  What comes out is C^T, some
 * columns at a time, small enough for the first cache, and is transposed at the end.  Rows of A are far apart, so that
 * nothing fetches them by itself: each step asks for what the next one reads (10000 x 16 from 512 rows: 2.1 to 1.1 ms). */

enum {
  NARROW_COLUMNS = 16,                    /* of B, at most */
  NARROW_ROWS = FN_LEVEL == 4 ? 8 : 6,    /* of a tile of C^T */
  NARROW_VECTORS = FN_LEVEL == 4 ? 3 : 2, /* and its width: what the registers hold beside the vectors of A */
  NARROW_DEPTH = 8,                       /* rows of A in a step */
  NARROW_WIDTH = 240,                     /* columns of A at a time, whole tiles at every level */
};

/* Some rows of C^T, one vector of columns or several; `lanes` of the last.  Called with constant rows and vectors. */
FN_INLINE void narrow_tile(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t depth, float *t, int64_t lanes,
                           const int resume, const int rows, const int vectors) {
  vf sum[NARROW_ROWS][NARROW_VECTORS], x[NARROW_VECTORS];
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) sum[r][v] = resume ? vload(t + r * NARROW_WIDTH + v * VL) : (vf){0};
  for (; depth > 0; depth--, a += lda, b += ldb) {
    for (int v = 0; v < vectors; v++) x[v] = load_lanes(a + v * VL, vectors > 1 ? VL : lanes);
    for (int v = 0; v < vectors; v++) __builtin_prefetch(a + NARROW_DEPTH * lda + v * VL);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < vectors; v++) sum[r][v] += vset1(b[r]) * x[v];
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) vstore(t + r * NARROW_WIDTH + v * VL, sum[r][v]);
}

#define NARROW_TILE(rows) \
  case rows: vectors > 1 ? narrow_tile(a, lda, b, ldb, depth, t, VL, resume, rows, NARROW_VECTORS) \
                         : narrow_tile(a, lda, b, ldb, depth, t, lanes, resume, rows, 1); break;
static void narrow_tiles(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t depth, float *t, int64_t lanes,
                         int resume, int64_t rows, int vectors) {
  switch (rows) {
    NARROW_TILE(1) NARROW_TILE(2) NARROW_TILE(3) NARROW_TILE(4) NARROW_TILE(5) NARROW_TILE(6)
#if FN_LEVEL == 4
    NARROW_TILE(7) NARROW_TILE(8)
#endif
  }
}
#undef NARROW_TILE

/* t (n, NARROW_WIDTH) = columns [i, i + width) of A, transposed and times B. */
static void narrow_columns(const gemm *g, int64_t i, int64_t width, float *t) {
  for (int64_t p = 0; p < g->k; p += NARROW_DEPTH)
    for (int64_t v = 0, vectors; v < width; v += vectors * VL) {
      vectors = v + NARROW_VECTORS * VL <= width ? NARROW_VECTORS : 1;
      const float *a = g->a + p * g->lda + i + v;
      for (int64_t j = 0, rows, left = FN_CEIL(g->n, NARROW_ROWS); left; left--, j += rows) {
        rows = FN_CEIL(g->n - j, left);
        narrow_tiles(a, g->lda, g->b + p * g->ldb + j, g->ldb, FN_MIN(NARROW_DEPTH, g->k - p), t + j * NARROW_WIDTH + v,
                     FN_MIN(VL, width - v), p > 0, rows, (int)vectors);
      }
    }
}

/* Rows [i, i + width) of C from t. */
static void narrow_turn(const gemm *g, int64_t i, int64_t width, const float *t) {
  float *c = g->c + i * g->ldc;
  for (int64_t j = 0; j < g->n; j += VL) {
    int64_t columns = FN_MIN(VL, g->n - j);
    vf bias = g->bias ? load_lanes(g->bias + j, columns) : (vf){0};
    for (int64_t v = 0; v < width; v += VL) {
      vf r[VL];
      for (int64_t x = 0; x < VL; x++) r[x] = x < columns ? vload(t + (j + x) * NARROW_WIDTH + v) : (vf){0};
      vtranspose(r);
      for (int64_t x = 0; x < FN_MIN(VL, width - v); x++) store_lanes(c + (v + x) * g->ldc + j, r[x] + bias, columns);
    }
  }
  if (g->act) gemm_activate(g, c, width, g->n);
}

/* Rows [i0, i1) of C. */
static int gemm_narrow(const gemm *g, int64_t i0, int64_t i1) {
  float *t = fn_scratch(1, NARROW_COLUMNS * NARROW_WIDTH * 4);
  if (!t) return FN_NOMEM;
  for (int64_t i = i0; i < i1; i += NARROW_WIDTH) {
    int64_t width = FN_MIN(NARROW_WIDTH, i1 - i);
    narrow_columns(g, i, width, t);
    narrow_turn(g, i, width, t);
  }
  return FN_OK;
}

/* Whether A is read once and little is done with it. */
static int gemm_is_narrow(const gemm *g) {
  return g->ta && !g->tb && g->k > 0 && g->n > 1 && g->n <= NARROW_COLUMNS && g->m >= 4 * NARROW_WIDTH && !g->one_bias;
}
