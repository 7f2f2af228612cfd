/* One matrix product on one thread: which way it goes, and the blocks that it is cut into.
 *
 * Blocking follows Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), but that A stays
 * where it is (it is copied only where its layout makes rows collide in the cache). */
#include "../matmul.h"
#include "gemm_tile.h"
#include "gemm_pack.h"
#include "gemv.h"

enum {
  GEMM_KC = 256,                               /* of k in a block: a panel's part fits the first cache */
  GEMM_MC = GEMM_ROWS * (112 / GEMM_ROWS),     /* rows of A in a block: they fit the second */
  GEMM_UNPACKED = 2 * GEMM_ROWS,               /* up to so many rows B is read where it is */
};

typedef struct {
  const float *a, *b, *bias;
  float *c;
  int64_t m, n, k, lda, ldb, ldc; /* ld: from one row to the next as the matrix lies there */
  int ta, tb, act, one_bias; /* one_bias: the same for all columns */
  float alpha;
  const float *packed; /* panels of B, or NULL: read B where it is */
  const float *tail;   /* then the last panel, if n is not a multiple of VL */
} gemm;

FN_INLINE void gemm_activate(const gemm *g, float *c, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++, c += g->ldc)
    for (int64_t j = 0; j < columns; j += VL) {
      int64_t lanes = FN_MIN(VL, columns - j);
      vf v = vactivate(g->act, gemm_load(c + j, lanes), g->alpha);
      if (lanes < VL) vstore_n(c + j, v, lanes);
      else vstore(c + j, v);
    }
}

FN_INLINE float gemm_bias(const gemm *g, int64_t j) { return g->bias ? g->bias[g->one_bias ? 0 : j] : 0; }

/* ---- Blocks ---- */

/* Rows [i, i + rows) x k [p, p + depth) of op(A): where they are, or a copy whose rows do not share cache sets. */
typedef struct {
  const float *at;
  int64_t step;
} gemm_rows;

static gemm_rows gemm_place_a(const gemm *g, int64_t i, int64_t rows, int64_t p, int64_t depth, int64_t panels) {
  gemm_rows here = {g->a + (g->ta ? p * g->lda + i : i * g->lda + p), g->lda};
  int collide = g->ta ? depth >= 64 : g->lda % 256 == 0 && depth >= 128 && rows > 4;
  if (panels * 2 < (g->ta ? 2 : 6) || !collide) return here;
  int64_t length = g->ta ? rows : depth, lines = (FN_CEIL(length, 16) | 1) * 16, count = g->ta ? depth : rows;
  float *copy = fn_scratch(2, (size_t)(count * lines) * 4);
  if (!copy) return here; /* slower, and as right */
  for (int64_t r = 0; r < count; r++) memcpy(copy + r * lines, here.at + r * g->lda, (size_t)length * 4);
  return (gemm_rows){copy, lines};
}

/* One panel times rows [i, i + rows), in tiles of about equal height. */
static void gemm_panel(const gemm *g, gemm_rows a, int64_t i, int64_t rows, int64_t panel, int64_t p, int64_t depth) {
  int64_t columns = gemm_columns(g->n, panel), width = gemm_width(g->n, panel), vectors = width / VL, j = panel * GEMM_PANEL;
  gemm_tile t = {.a = a.at, .a_step = a.step, .c = g->c + i * g->ldc + j, .c_step = g->ldc, .k = depth,
                 .bias = g->bias ? g->bias + j : NULL, .lanes = columns - (vectors - 1) * VL, .resume = p > 0};
  if (g->packed) t.b = g->packed + j * g->k + p * width, t.b_step = width;
  else if (columns < width) t.b = g->tail + p * width, t.b_step = width;
  else t.b = g->b + p * g->ldb + j, t.b_step = g->ldb;
  int last = p + depth >= g->k;
  t.relu = last && g->act == FN_RELU;
  for (int64_t left = FN_CEIL(rows, GEMM_ROWS); left; left--) {
    int64_t height = FN_CEIL(rows, left);
    gemm_tiles[g->ta][vectors - 1][height - 1](&t);
    if (last && g->act > FN_RELU) gemm_activate(g, t.c, height, columns);
    t.a += g->ta ? height : height * a.step, t.c += height * g->ldc, rows -= height;
  }
}

/* Rows [i0, i1) and panels [j0, j1) of C. */
static void gemm_block(const gemm *g, int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
  int64_t depths = FN_MAX(1, FN_CEIL(g->k, GEMM_KC)), p = 0;
  for (int64_t left = depths; left; left--) {
    int64_t depth = FN_CEIL(g->k - p, left), i = i0;
    for (int64_t blocks = FN_CEIL(i1 - i0, GEMM_MC); blocks; blocks--) {
      int64_t rows = FN_MIN(i1 - i, FN_CEIL(FN_CEIL(i1 - i, blocks), GEMM_ROWS) * GEMM_ROWS);
      if (rows <= 0) break;
      gemm_rows a = gemm_place_a(g, i, rows, p, depth, j1 - j0);
      for (int64_t j = j0; j < j1; j++) gemm_panel(g, a, i, rows, j, p, depth);
      i += rows;
    }
    p += depth;
  }
}

/* Packs panels [j0, j1), rows [p0, p1) of op(B). */
static void gemm_pack(const gemm *g, float *packed, int64_t j0, int64_t j1, int64_t p0, int64_t p1) {
  if (g->tb) {
    for (int64_t j = j0; j < j1; j++) {
      int64_t columns = gemm_columns(g->n, j), width = gemm_width(g->n, j), first = j * GEMM_PANEL;
      for (int64_t v = 0; v < columns; v += VL)
        gemm_pack_turned(g->b + (first + v) * g->ldb + p0, g->ldb, FN_MIN(VL, columns - v), p1 - p0,
                         packed + first * g->k + p0 * width + v, width);
    }
  } else {
    for (int64_t p = p0; p < p1; p++)
      for (int64_t j = j0; j < j1; j++) {
        int64_t first = j * GEMM_PANEL;
        gemm_pack_row(g->b + p * g->ldb + first, gemm_columns(g->n, j), packed + first * g->k + p * gemm_width(g->n, j));
      }
  }
}

/* ---- The whole of a small product, or of a part of a large one ---- */

static int gemm_needs_packing(const gemm *g) { return g->tb || g->m > GEMM_UNPACKED || (g->ldb % 256 == 0 && g->m > GEMM_ROWS); }

/* The rows of a small A in row order. */
static const float *gemm_turn_a(const gemm *g) {
  float *a = fn_scratch(2, (size_t)(g->m * g->k + 1) * 4);
  if (a)
    for (int64_t p = 0; p < g->k; p++)
      for (int64_t i = 0; i < g->m; i++) a[i * g->k + p] = g->a[p * g->lda + i];
  return a;
}

/* Few rows: columns [j0, j1), by products of vectors. */
static int gemm_few_rows(const gemm *g, int64_t j0, int64_t j1) {
  const float *a = g->a;
  int64_t lda = g->lda, columns = j1 - j0;
  float *c = g->c + j0;
  if (g->ta && g->m > 1) {
    if (!(a = gemm_turn_a(g))) return FN_NOMEM;
    lda = g->k;
  }
  for (int64_t i = 0; i < g->m && !g->tb; i++)
    for (int64_t j = 0; j < columns; j++) c[i * g->ldc + j] = gemm_bias(g, j0 + j);
  if (g->tb) dots(a, lda, g->b + j0 * g->ldb, g->ldb, c, g->ldc, g->m, columns, g->k);
  else gemv(a, lda, g->b + j0, g->ldb, c, g->ldc, g->m, columns, g->k);
  if (g->tb && g->bias)
    for (int64_t i = 0; i < g->m; i++)
      for (int64_t j = 0; j < columns; j++) c[i * g->ldc + j] += gemm_bias(g, j0 + j);
  if (g->act) gemm_activate(g, c, g->m, columns);
  return FN_OK;
}

static int gemm_has_few_rows(const gemm *g) { return g->tb ? g->m <= DOT_ROWS : g->m <= GEMV_ROWS; }

/* A single column is a product of B with A, which lies there as if transposed: y = A b is y^T = b^T A^T. */
static gemm gemm_upright(gemm g) {
  if (g.n != 1 || g.ldc != 1) return g;
  const float *a = g.a;
  g.a = g.b, g.b = a, g.tb = !g.ta, g.ldb = g.lda, g.ta = 0, g.lda = g.k;
  g.n = g.m, g.m = 1, g.ldc = g.n, g.one_bias = 1;
  return g;
}

static int gemm_serial(const gemm *given) {
  gemm g = *given;
  if (gemm_has_few_rows(&g)) return gemm_few_rows(&g, 0, g.n);
  int64_t panels = gemm_panels(g.n), first = 0;
  if (!gemm_needs_packing(&g)) first = g.n % VL ? panels - 1 : panels;
  float *packed = fn_scratch(1, (size_t)((g.n - first * GEMM_PANEL + GEMM_PANEL) * FN_MAX(1, g.k)) * 4);
  if (!packed) return FN_NOMEM;
  float *origin = packed - first * GEMM_PANEL * g.k; /* where panel 0 would be */
  gemm_pack(&g, origin, first, panels, 0, g.k);
  if (first) g.tail = packed;
  else g.packed = packed;
  gemm_block(&g, 0, g.m, 0, panels);
  return FN_OK;
}
