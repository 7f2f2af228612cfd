/* Products with few rows: nothing is reused, so that the reading of B is all that costs. */

enum { GEMV_ROWS = 4, GEMV_COLUMNS = 512, DOT_ROWS = 8 }; /* columns: what of C stays in the first cache */

/* c[r][j] += sum over u < unroll of a[r][u] b[u][j]: B is read row by row, C stays in the cache.
 * Called with constant rows and unroll only. */
FN_INLINE void gemv_step(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t n,
                         const int rows, const int unroll) {
  vf w[4][8];
  for (int r = 0; r < rows; r++)
    for (int u = 0; u < unroll; u++) w[r][u] = vset1(a[r * lda + u]);
  int64_t j = 0;
  for (; j + VL <= n; j += VL)
    for (int r = 0; r < rows; r++) {
      vf even = vload(c + r * ldc + j), odd = {0};
      for (int u = 0; u < unroll; u += 2) {
        even += w[r][u] * vload(b + u * ldb + j);
        if (u + 1 < unroll) odd += w[r][u + 1] * vload(b + (u + 1) * ldb + j);
      }
      vstore(c + r * ldc + j, even + odd);
    }
  if (j < n)
    for (int r = 0; r < rows; r++) {
      vf sum = vload_n(c + r * ldc + j, n - j);
      for (int u = 0; u < unroll; u++) sum += w[r][u] * vload_n(b + u * ldb + j, n - j);
      vstore_n(c + r * ldc + j, sum, n - j);
    }
}

FN_INLINE void gemv_rows(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t n,
                         int64_t k, const int rows) {
  const int unroll = rows == 1 ? 8 : 4;
  int64_t p = 0;
  for (; p + unroll <= k; p += unroll) gemv_step(a + p, lda, b + p * ldb, ldb, c, ldc, n, rows, unroll);
  for (; p < k; p++) gemv_step(a + p, lda, b + p * ldb, ldb, c, ldc, n, rows, 1);
}

/* c (m, n) += a (m, k) b (k, n) for m <= GEMV_ROWS. */
static void gemv(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; j += GEMV_COLUMNS) {
    int64_t columns = FN_MIN(GEMV_COLUMNS, n - j);
    if (m == 1) gemv_rows(a, lda, b + j, ldb, c + j, ldc, columns, k, 1);
    else if (m == 2) gemv_rows(a, lda, b + j, ldb, c + j, ldc, columns, k, 2);
    else if (m == 3) gemv_rows(a, lda, b + j, ldb, c + j, ldc, columns, k, 3);
    else gemv_rows(a, lda, b + j, ldb, c + j, ldc, columns, k, 4);
  }
}

/* ---- B transposed: inner products of rows of A and rows of B^T ---- */

/* c[r][j] = a[r] . b[j] for `rows` rows of A and four of B^T; a row that is not there is the last one again. */
FN_INLINE void dot_tile(const float *a, int64_t lda, const float *const b[4], int64_t k, float *c, int64_t ldc, int64_t columns,
                        const int rows) {
  vf sum[4][4] = {{{0}}};
  int64_t p = 0;
  for (; p + VL <= k; p += VL) {
    vf w[4];
    for (int j = 0; j < 4; j++) w[j] = vload(b[j] + p);
    for (int r = 0; r < rows; r++) {
      vf v = vload(a + r * lda + p);
      for (int j = 0; j < 4; j++) sum[r][j] += v * w[j];
    }
  }
  if (p < k)
    for (int r = 0; r < rows; r++) {
      vf v = vload_n(a + r * lda + p, k - p);
      for (int j = 0; j < 4; j++) sum[r][j] += v * vload_n(b[j] + p, k - p);
    }
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < columns; j++) c[r * ldc + j] = vsum(sum[r][j]);
}

/* c (m, n) = a (m, k) b^T for b (n, k), without a bias. */
static void dots(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; j += 4) {
    const float *rows[4];
    for (int u = 0; u < 4; u++) rows[u] = b + FN_MIN(j + u, n - 1) * ldb;
    int64_t columns = FN_MIN(4, n - j), i = 0;
    for (; i + 4 <= m; i += 4) dot_tile(a + i * lda, lda, rows, k, c + i * ldc + j, ldc, columns, 4);
    for (; i + 2 <= m; i += 2) dot_tile(a + i * lda, lda, rows, k, c + i * ldc + j, ldc, columns, 2);
    for (; i < m; i++) dot_tile(a + i * lda, lda, rows, k, c + i * ldc + j, ldc, columns, 1);
  }
}
