/* Products with few rows: little is reused, so that the reading of B is what costs. */

enum { GEMV_COLUMNS = 512, GEMV_UNROLL = 8 }; /* a block of B that stays in the first cache */

/* c[r][j] += sum over u < unroll of a[r][u] b[u][j] for one or two vectors of columns; called with constant rows, unroll. */
FN_INLINE void gemv_lanes(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t lanes,
                          const int rows, const int unroll, const int whole) {
  vf w[GEMV_UNROLL];
  for (int u = 0; u < unroll; u++) w[u] = whole ? vload(b + u * ldb) : vload_n(b + u * ldb, lanes);
  for (int r = 0; r < rows; r++) {
    vf even = whole ? vload(c + r * ldc) : vload_n(c + r * ldc, lanes), odd = {0};
    for (int u = 0; u < unroll; u += 2) {
      even += vset1(a[r * lda + u]) * w[u];
      if (u + 1 < unroll) odd += vset1(a[r * lda + u + 1]) * w[u + 1];
    }
    if (whole) vstore(c + r * ldc, even + odd);
    else vstore_n(c + r * ldc, even + odd, lanes);
  }
}

FN_INLINE void gemv_step(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t n,
                         const int rows, const int unroll) {
  int64_t j = 0;
  float scale[4 * GEMV_UNROLL]; /* here C cannot overwrite it, as the compiler would have to fear */
  for (int r = 0; r < rows; r++)
    for (int u = 0; u < unroll; u++) scale[r * GEMV_UNROLL + u] = a[r * lda + u];
  for (; j + VL <= n; j += VL) gemv_lanes(scale, GEMV_UNROLL, b + j, ldb, c + j, ldc, VL, rows, unroll, 1);
  if (j < n) gemv_lanes(scale, GEMV_UNROLL, b + j, ldb, c + j, ldc, n - j, rows, unroll, 0);
}

FN_INLINE void gemv_block(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t n,
                          const int unroll) {
  for (; m >= 4; m -= 4, a += 4 * lda, c += 4 * ldc) gemv_step(a, lda, b, ldb, c, ldc, n, 4, unroll);
  if (m >= 2) gemv_step(a, lda, b, ldb, c, ldc, n, 2, unroll), m -= 2, a += 2 * lda, c += 2 * ldc;
  if (m) gemv_step(a, lda, b, ldb, c, ldc, n, 1, unroll);
}

/* c (m, n) += a (m, k) b (k, n).  B is read row by row, C stays in the cache. */
static void gemv(const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc, int64_t m, int64_t n, int64_t k) {
  for (int64_t j = 0; j < n; j += GEMV_COLUMNS) {
    int64_t columns = FN_MIN(GEMV_COLUMNS, n - j), p = 0;
    for (; p + GEMV_UNROLL <= k; p += GEMV_UNROLL) gemv_block(a + p, lda, b + p * ldb + j, ldb, c + j, ldc, m, columns, GEMV_UNROLL);
    for (; p < k; p++) gemv_block(a + p, lda, b + p * ldb + j, ldb, c + j, ldc, m, columns, 1);
  }
}

/* ---- B transposed: inner products of rows of A and rows of B^T ---- */

/* The sums of the lanes of four vectors. */
FN_INLINE void vsum_4(const vf s[4], float out[4]) {
  vf x = SHUFFLE(s[0], s[1], LOW_1) + SHUFFLE(s[0], s[1], HIGH_1), y = SHUFFLE(s[2], s[3], LOW_1) + SHUFFLE(s[2], s[3], HIGH_1);
  vf z = SHUFFLE(x, y, LOW_2) + SHUFFLE(x, y, HIGH_2); /* lanes 4 i ... 4 i + 3 belong to s[0] ... s[3] */
  typedef float v4 __attribute__((vector_size(16)));
  v4 part[VL / 4];
  memcpy(part, &z, sizeof z);
  for (int w = VL / 8; w; w /= 2)
    for (int i = 0; i < w; i++) part[i] += part[i + w];
  memcpy(out, part, 16);
}

/* c[r][j] = a[r] . b[j] for `rows` rows of A and four of B^T; a row of B^T that is not there is the last one again. */
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
  for (int r = 0; r < rows; r++) {
    float out[4];
    vsum_4(sum[r], out);
    if (columns == 4) memcpy(c + r * ldc, out, 16);
    else
      for (int64_t j = 0; j < columns; j++) c[r * ldc + j] = out[j];
  }
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
#undef SHUFFLE
#undef LOW_1
#undef HIGH_1
#undef LOW_2
#undef HIGH_2
