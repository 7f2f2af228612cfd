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
  GEMM_MC = TILE_ROWS * (112 / TILE_ROWS),     /* rows of A in a block: they fit the second */
  GEMM_GROUP = 8,                              /* panels packed at a time where B is not packed beforehand */
  GEMM_UNPACKED = 2 * TILE_ROWS,               /* up to so many rows a small B is read where it is */
  GEMM_FLAT = 64,                              /* up to so deep C is what costs, and is written row by row */
};

typedef struct {
  const float *a, *b, *bias;
  float *c;
  int64_t m, n, k, lda, ldb, ldc; /* ld: from one row to the next as the matrix lies there */
  int ta, tb, act, one_bias;      /* one_bias: the same for all columns */
  float alpha;
  const float *packed;            /* NULL, or panels from `first` on, rows [from, from + deep) of op(B) */
  int64_t first, from, deep;
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

/* ---- Where a block of op(A) or op(B) is ---- */

typedef struct {
  const float *at;
  int64_t step;
} gemm_view;

/* Rows [i, i + rows) x k [p, p + depth) of op(A), or a copy of them whose rows do not share cache sets. */
static gemm_view gemm_place_a(const gemm *g, int64_t i, int64_t rows, int64_t p, int64_t depth, int64_t panels) {
  gemm_view here = {g->a + (g->ta ? p * g->lda + i : i * g->lda + p), g->lda};
  int collide = g->ta ? depth >= 64 && rows > TILE_ROWS : g->lda % 256 == 0 && depth >= 128 && rows > 4 && panels > 2;
  if (!collide) return here;
  int64_t length = g->ta ? rows : depth, step = (FN_CEIL(length, 16) | 1) * 16, count = g->ta ? depth : rows;
  float *copy = fn_scratch(2, (size_t)(count * step) * 4);
  if (!copy) return here; /* slower, and as right */
  for (int64_t r = 0; r < count; r++) memcpy(copy + r * step, here.at + r * g->lda, (size_t)length * 4);
  return (gemm_view){copy, step};
}

/* Packs rows [p, p + depth) of op(B) into rows `at` ... of panels [j0, j1), which are `deep` rows deep. */
static void gemm_pack(const gemm *g, float *packed, int64_t j0, int64_t j1, int64_t p, int64_t depth, int64_t at, int64_t deep) {
  if (g->tb) {
    for (int64_t j = j0; j < j1; j++, packed += PANEL * deep) {
      int64_t columns = gemm_columns(g->n, j), width = gemm_width(g->n, j);
      for (int64_t v = 0; v < columns; v += VL)
        gemm_pack_turned(g->b + (j * PANEL + v) * g->ldb + p, g->ldb, FN_MIN(VL, columns - v), depth,
                         packed + at * width + v, width);
    }
  } else {
    for (int64_t r = 0; r < depth; r += GEMM_STRIP)
      for (int64_t j = j0; j < j1; j++) {
        int64_t columns = gemm_columns(g->n, j), width = gemm_width(g->n, j);
        gemm_pack_rows(g->b + (p + r) * g->ldb + j * PANEL, g->ldb, columns, FN_MIN(GEMM_STRIP, depth - r),
                       packed + (j - j0) * PANEL * deep + (at + r) * width);
      }
  }
}

/* Rows [p, ...) of panel j; `group` holds panels from j0 on, if they were packed for this block alone. */
static gemm_view gemm_place_b(const gemm *g, int64_t j, int64_t p, int64_t depth, const float *group, int64_t j0) {
  int64_t width = gemm_width(g->n, j);
  if (g->packed) return (gemm_view){g->packed + (j - g->first) * PANEL * g->deep + (p - g->from) * width, width};
  if (group) return (gemm_view){group + (j - j0) * PANEL * depth, width};
  return (gemm_view){g->b + p * g->ldb + j * PANEL, g->ldb};
}

/* ---- Blocks ---- */

/* One panel times rows [i, i + rows), in tiles of about equal height. */
static void gemm_panel(const gemm *g, gemm_view a, gemm_view b, int64_t i, int64_t rows, int64_t panel, int64_t p, int64_t depth) {
  int64_t columns = gemm_columns(g->n, panel), vectors = FN_CEIL(columns, VL), j = panel * PANEL;
  gemm_tile t = {.a = a.at, .a_step = a.step, .b = b.at, .b_step = b.step, .c = g->c + i * g->ldc + j, .c_step = g->ldc,
                 .k = depth, .bias = g->bias ? g->bias + j : NULL, .lanes = columns - (vectors - 1) * VL, .resume = p > 0};
  int last = p + depth >= g->k;
  t.relu = last && g->act == FN_RELU;
  for (int64_t left = FN_CEIL(rows, TILE_ROWS); left; left--) {
    int64_t height = FN_CEIL(rows, left);
    gemm_tiles[g->ta][vectors - 1][height - 1](&t);
    if (last && g->act > FN_RELU) gemm_activate(g, t.c, height, columns);
    t.a += g->ta ? height : height * a.step, t.c += height * g->ldc, rows -= height;
  }
}

/* Rows [i, i + rows) and panels [j0, j1), with k [p, p + depth). */
static void gemm_rows(const gemm *g, int64_t i, int64_t rows, int64_t j0, int64_t j1, int64_t p, int64_t depth, const float *group) {
  gemm_view a = gemm_place_a(g, i, rows, p, depth, j1 - j0);
  if (depth > GEMM_FLAT) {
    for (int64_t j = j0; j < j1; j++) gemm_panel(g, a, gemm_place_b(g, j, p, depth, group, j0), i, rows, j, p, depth);
    return;
  }
  for (int64_t left = FN_CEIL(rows, TILE_ROWS); left; left--) {
    int64_t height = FN_CEIL(rows, left);
    for (int64_t j = j0; j < j1; j++) gemm_panel(g, a, gemm_place_b(g, j, p, depth, group, j0), i, height, j, p, depth);
    a.at += g->ta ? height : height * a.step, i += height, rows -= height;
  }
}

/* How many of `count` the first of about equal parts of at most `most` holds, in whole tiles. */
FN_INLINE int64_t gemm_part(int64_t count, int64_t most) {
  int64_t tile = count > most ? TILE_ROWS : 1;
  return FN_MIN(count, FN_CEIL(FN_CEIL(count, FN_CEIL(count, most)), tile) * tile);
}

/* Rows [i0, i1), panels [j0, j1) of C, with k [p0, p1); B is packed, or read where it is. */
static void gemm_block(const gemm *g, int64_t i0, int64_t i1, int64_t j0, int64_t j1, int64_t p0, int64_t p1) {
  int narrow = g->ta && j1 - j0 <= 2; /* then the reading of A is what costs: it is read in longer pieces */
  int64_t most = narrow ? 4 * GEMM_MC : GEMM_MC, p = p0;
  for (int64_t left = FN_MAX(1, FN_CEIL(p1 - p0, narrow ? GEMM_KC / 2 : GEMM_KC)); left; left--) {
    int64_t depth = FN_CEIL(p1 - p, left);
    for (int64_t i = i0, rows; i < i1; i += rows) {
      rows = gemm_part(i1 - i, most);
      gemm_rows(g, i, rows, j0, j1, p, depth, NULL);
    }
    p += depth;
  }
}

/* The same, packing a few panels at a time as they are needed: for few rows, and for small products. */
static int gemm_block_packing(const gemm *g, int64_t i0, int64_t i1, int64_t j0, int64_t j1, int64_t p0, int64_t p1) {
  float *group = fn_scratch(1, GEMM_GROUP * PANEL * GEMM_KC * 4);
  if (!group) return FN_NOMEM;
  int64_t p = p0;
  for (int64_t left = FN_MAX(1, FN_CEIL(p1 - p0, GEMM_KC)); left; left--) {
    int64_t depth = FN_CEIL(p1 - p, left);
    for (int64_t j = j0; j < j1; j += GEMM_GROUP) {
      int64_t to = FN_MIN(j + GEMM_GROUP, j1);
      gemm_pack(g, group, j, to, p, depth, 0, depth);
      for (int64_t i = i0, rows; i < i1; i += rows) {
        rows = gemm_part(i1 - i, GEMM_MC);
        gemm_rows(g, i, rows, j, to, p, depth, group);
      }
    }
    p += depth;
  }
  return FN_OK;
}

#include "gemm_narrow.h"

/* ---- Few rows: products of vectors ---- */

/* The rows of a small A in row order. */
static const float *gemm_turn_a(const gemm *g) {
  float *a = fn_scratch(2, (size_t)(g->m * g->k + 1) * 4);
  if (a)
    for (int64_t p = 0; p < g->k; p++)
      for (int64_t i = 0; i < g->m; i++) a[i * g->k + p] = g->a[p * g->lda + i];
  return a;
}

/* Columns [j0, j1) of C. */
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

/* Whether B is read once and little is done with it. */
static int gemm_has_few_rows(const gemm *g) {
  if (g->m == 1) return !g->tb || g->one_bias || g->k >= VL;
  if (g->m > 8) return 0;
  return g->tb ? g->k >= 4 * VL : g->n > PANEL && (g->m <= 4 || g->k * g->n >= 65536);
}

/* ---- The whole of a small product, or of a part of a large one ---- */

/* The same product in the form that is read fastest.  A single column is a product with A turned: y = A b is
 * y^T = b^T A^T, and what is one deep or one wide lies there turned as well. */
static inline gemm gemm_upright(gemm g) {
  if (g.n == 1 && g.m > 1 && g.ldc == 1) {
    const float *a = g.a;
    g.a = g.b, g.b = a, g.tb = !g.ta, g.ldb = g.lda, g.ta = 0, g.lda = g.k;
    g.n = g.m, g.m = 1, g.ldc = g.n, g.one_bias = 1;
  }
  if (g.k == 1 && g.ta) g.ta = 0, g.lda = 1;
  if (g.k == 1 && g.tb) g.tb = 0, g.ldb = g.n;
  return g;
}

static int gemm_serial(const gemm *g) {
  int64_t panels = gemm_panels(g->n), size = g->k * g->n;
  if (gemm_has_few_rows(g)) return gemm_few_rows(g, 0, g->n);
  if (gemm_is_narrow(g)) return gemm_narrow(g, 0, g->m);
  if (g->tb || size > (g->m > GEMM_UNPACKED ? 4096 : 65536)) return gemm_block_packing(g, 0, g->m, 0, panels, 0, g->k);
  /* A whole vector at the end of a row of B reaches into the next row, which does no harm, but for the last rows. */
  int64_t safe = FN_MAX(0, g->k - (g->n % VL ? FN_CEIL(VL - 1, g->n) : 0));
  if (safe) gemm_block(g, 0, g->m, 0, panels, 0, safe);
  return safe < g->k || !g->k ? gemm_block_packing(g, 0, g->m, 0, panels, safe, g->k) : FN_OK;
}
