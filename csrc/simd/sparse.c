/* Tuned float kernels: products with a matrix in CSR (csrc/csr.h).
 *
 * Forward, the entries of a row fetch rows of W and add them up in registers.  Backward, each entry adds a row of dy to a row of
 * dW: dW is cut into ranges of rows (columns of X) that stay in the cache, one chunk each, and every chunk walks through all of X;
 * where the columns of a row are sorted it knows where its own begin.  A row of dW is added up in the order of X's rows, whatever
 * the ranges. */
#include "level.h"
#include "../csr.h"

enum {
  CSR_CHUNK = 1 << 17,   /* multiply-adds of a chunk */
  CSR_SERIAL = 1 << 17,  /* multiply-adds below which threads cost more than they give */
  CSR_RANGE = 3 << 16,   /* bytes of dW in a range */
  CSR_RANGES = 16
};

/* Whether the columns that are left go one by one: a single one, or all where there are no masks. */
#define CSR_ONE_BY_ONE(left) (FN_LEVEL < 3 || (left) == 1)

typedef struct {
  const int64_t *indptr;
  const int32_t *indices;
  const float *values, *w, *bias; /* w: dy on the way back */
  float *y;
  int64_t m, nnz, k, n, share, ranges, width; /* share: rows of X in a chunk; width: rows of dW in a range */
  int64_t *cuts;                              /* where in each row of X the ranges begin; see csr_cut_row */
  int64_t bad;                                /* the first entry with an impossible column */
  int act;
  float alpha;
} csr_job;

/* The first n lanes, which is VL where whole. */
FN_INLINE vf csr_load(const float *p, int64_t n, const int whole) { return whole ? vload(p) : vload_n(p, n); }
FN_INLINE void csr_store(float *p, vf v, int64_t n, const int whole) { whole ? vstore(p, v) : vstore_n(p, v, n); }

/* Holds the columns of the chunk's rows against k; the lowest position wins, whichever chunk is first. */
static int csr_check(csr_job *j, int64_t from, int64_t to) {
  int64_t bad = fn_csr_bad_column(j->indices, j->indptr[from], j->indptr[to], j->k), seen = __atomic_load_n(&j->bad, __ATOMIC_RELAXED);
  if (bad < 0) return FN_OK;
  while (bad < seen && !__atomic_compare_exchange_n(&j->bad, &seen, bad, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
  return FN_BAD_INDEX;
}

static int csr_status(const csr_job *j) {
  return j->bad == INT64_MAX ? FN_OK : fn_bad_index(j->bad, j->indices[j->bad], j->k);
}

/* Rows of X for one chunk, by the mean number of entries in a row; all of them where there is little to do. */
static void csr_plan(csr_job *j) {
  double work = (double)j->nnz * (double)j->n;
  j->share = work < CSR_SERIAL ? j->m : FN_MAX(1, (int64_t)(CSR_CHUNK / work * (double)j->m));
}

/* ---- y = act(X w + bias) ---- */

/* A few vectors of columns of one row of y: the entries go into `unroll` sums in turn, to hide what an addition takes. */
FN_INLINE void csr_columns(const csr_job *j, int64_t from, int64_t to, int64_t column, int64_t lanes, float *y, const int vectors,
                           const int unroll, const int whole) {
  const float *w = j->w + column;
  vf sum[4][4] = {{{0}}};
  int64_t e = from;
  for (; e + unroll <= to; e += unroll)
    for (int u = 0; u < unroll; u++) {
      const float *row = w + j->indices[e + u] * j->n;
      for (int v = 0; v < vectors; v++) sum[u][v] += vset1(j->values[e + u]) * csr_load(row + v * VL, lanes, whole);
    }
  for (; e < to; e++)
    for (int v = 0; v < vectors; v++) sum[0][v] += vset1(j->values[e]) * csr_load(w + j->indices[e] * j->n + v * VL, lanes, whole);
  for (int v = 0; v < vectors; v++) {
    vf z = sum[0][v];
    for (int u = 1; u < unroll; u++) z += sum[u][v];
    if (j->bias) z += csr_load(j->bias + column + v * VL, lanes, whole);
    csr_store(y + column + v * VL, vactivate(j->act, z, j->alpha), lanes, whole);
  }
}

/* One column, where it is the last: the lanes of vectors would be idle. */
static void csr_column(const csr_job *j, int64_t from, int64_t to, int64_t column, float *y) {
  const float *w = j->w + column;
  float sum[4] = {0};
  int64_t e = from;
  for (; e + 4 <= to; e += 4)
    for (int u = 0; u < 4; u++) sum[u] += j->values[e + u] * w[j->indices[e + u] * j->n];
  for (; e < to; e++) sum[0] += j->values[e] * w[j->indices[e] * j->n];
  float z = sum[0] + sum[1] + sum[2] + sum[3] + (j->bias ? j->bias[column] : 0);
  y[column] = vactivate(j->act, vset1(z), j->alpha)[0];
}

static void csr_dense_chunk(void *ctx, int64_t chunk) {
  csr_job *j = ctx;
  int64_t r = chunk * j->share, end = FN_MIN(r + j->share, j->m);
  if (csr_check(j, r, end)) return;
  for (; r < end; r++) {
    int64_t from = j->indptr[r], to = j->indptr[r + 1], x = 0;
    float *y = j->y + r * j->n;
    for (; x + 4 * VL <= j->n; x += 4 * VL) csr_columns(j, from, to, x, VL, y, 4, 2, 1);
    for (; x + VL <= j->n; x += VL) csr_columns(j, from, to, x, VL, y, 1, 4, 1);
    for (; x < j->n && CSR_ONE_BY_ONE(j->n - x); x++) csr_column(j, from, to, x, y);
    if (x < j->n) csr_columns(j, from, to, x, j->n - x, y, 1, 4, 0);
  }
}

FN_TUNED(csr_dense) {
  csr_job j = {.indptr = a[0].p, .indices = a[1].p, .values = a[2].p, .w = a[3].p, .bias = a[4].p, .y = a[5].p, .m = a[6].i,
               .nnz = a[7].i, .k = a[8].i, .n = a[9].i, .bad = INT64_MAX, .alpha = (float)a[11].f};
  (void)count;
  j.act = a[10].i >= FN_LINEAR && a[10].i <= FN_LEAKY_RELU ? (int)a[10].i : FN_LINEAR;
  if (fn_csr_check_rows(j.indptr, j.m, j.nnz)) return FN_BAD_INDEX;
  if (!j.m) return FN_OK;
  csr_plan(&j);
  fn_parallel(FN_CEIL(j.m, j.share), csr_dense_chunk, &j);
  return csr_status(&j);
}

/* ---- dw = X^T dy ---- */

/* The first entry from ... to - 1, whose columns are sorted, with a column of at least `bound`. */
static int64_t csr_lower_bound(const int32_t *indices, int64_t from, int64_t to, int64_t bound) {
  int64_t n = to - from;
  while (n > 0) { /* without a branch on what is read */
    int64_t half = (n + 1) / 2;
    from = indices[from + half - 1] < bound ? from + half : from;
    n -= half;
  }
  return from;
}

/* Where in a row each range begins, and where the last one ends; for a row that is not sorted -1, and every range looks at all. */
static void csr_cut_row(const csr_job *j, int64_t r) {
  const int64_t from = j->indptr[r], to = j->indptr[r + 1];
  int64_t *cut = j->cuts + r * (j->ranges + 1);
  int falls = 0;
  for (int64_t e = from + 1; e < to; e++) falls |= j->indices[e] < j->indices[e - 1];
  cut[0] = falls ? -1 : from;
  for (int64_t g = 1; g < j->ranges && !falls; g++) cut[g] = csr_lower_bound(j->indices, cut[g - 1], to, g * j->width);
  cut[j->ranges] = to;
}

static void csr_cut_chunk(void *ctx, int64_t chunk) {
  csr_job *j = ctx;
  int64_t from = chunk * j->share, end = FN_MIN(from + j->share, j->m);
  if (csr_check(j, from, end)) return;
  for (int64_t r = from; r < end; r++) csr_cut_row(j, r);
}

/* dw[column of e] += value of e times a few vectors of a row of dy, for the entries whose column is in low ... low + width - 1. */
FN_INLINE void csr_scatter(const csr_job *j, const float *dy, int64_t from, int64_t to, int64_t column, int64_t lanes, int64_t low,
                           int64_t width, const int vectors, const int whole) {
  vf d[4];
  float *y = j->y + column; /* and locals: what is stored could be the job itself, for all that the compiler knows */
  const int32_t *indices = j->indices;
  const float *values = j->values;
  const int64_t n = j->n;
  for (int v = 0; v < vectors; v++) d[v] = csr_load(dy + column + v * VL, lanes, whole);
  for (int64_t e = from; e < to; e++) {
    int64_t c = indices[e];
    if ((uint64_t)(c - low) >= (uint64_t)width) continue;
    float *row = y + c * n;
    for (int v = 0; v < vectors; v++)
      csr_store(row + v * VL, csr_load(row + v * VL, lanes, whole) + vset1(values[e]) * d[v], lanes, whole);
  }
}

static void csr_scatter_one(const csr_job *j, float dy, int64_t from, int64_t to, int64_t column, int64_t low, int64_t width) {
  for (int64_t e = from; e < to; e++) {
    int64_t c = j->indices[e];
    if ((uint64_t)(c - low) < (uint64_t)width) j->y[c * j->n + column] += j->values[e] * dy;
  }
}

static void csr_range_chunk(void *ctx, int64_t range) {
  const csr_job *j = ctx;
  int64_t low = range * j->width, width = FN_MIN(j->width, j->k - low);
  memset(j->y + low * j->n, 0, (size_t)(width * j->n) * 4);
  for (int64_t r = 0; r < j->m; r++) {
    const int64_t *cut = j->cuts + r * (j->ranges + 1);
    int64_t from = cut[0] < 0 ? j->indptr[r] : cut[range], to = cut[0] < 0 ? j->indptr[r + 1] : cut[range + 1], x = 0;
    const float *dy = j->w + r * j->n;
    for (; x + 4 * VL <= j->n; x += 4 * VL) csr_scatter(j, dy, from, to, x, VL, low, width, 4, 1);
    for (; x + VL <= j->n; x += VL) csr_scatter(j, dy, from, to, x, VL, low, width, 1, 1);
    for (; x < j->n && CSR_ONE_BY_ONE(j->n - x); x++) csr_scatter_one(j, dy[x], from, to, x, low, width);
    if (x < j->n) csr_scatter(j, dy, from, to, x, j->n - x, low, width, 1, 0);
  }
}

FN_TUNED(csr_dense_grad) {
  csr_job j = {.indptr = a[0].p, .indices = a[1].p, .values = a[2].p, .w = a[3].p, .y = a[4].p, .m = a[5].i, .nnz = a[6].i,
               .k = a[7].i, .n = a[8].i, .bad = INT64_MAX};
  (void)count;
  if (fn_csr_check_rows(j.indptr, j.m, j.nnz)) return FN_BAD_INDEX;
  csr_plan(&j);
  j.width = j.k, j.ranges = 1;
  if (j.share < j.m && j.k && j.n) {
    int64_t ranges = FN_MIN(FN_MIN(CSR_RANGES, j.k), FN_CEIL(j.k * j.n * 4, CSR_RANGE));
    j.width = FN_CEIL(j.k, ranges);
    j.ranges = FN_CEIL(j.k, j.width);
  }
  if (!(j.cuts = fn_scratch(0, (size_t)(j.m * (j.ranges + 1) + 1) * sizeof *j.cuts))) return FN_NOMEM;
  if (j.m) fn_parallel(FN_CEIL(j.m, j.share), csr_cut_chunk, &j);
  if (csr_status(&j)) return FN_BAD_INDEX;
  if (j.k && j.n) fn_parallel(j.ranges, csr_range_chunk, &j);
  return FN_OK;
}
