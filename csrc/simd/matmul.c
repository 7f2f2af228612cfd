/* Tuned float kernels: matrix products, cut into chunks by their shapes alone. */
#include "level.h"
#include "gemm.h"

enum {
  GEMM_SERIAL = 200000,   /* multiply-adds below which threads cost more than they give */
  GEMM_CHUNK = 1 << 20,   /* multiply-adds of a chunk */
  GEMM_CHUNKS = 32,
  GEMM_PACKED = 1 << 20,  /* floats packed at a time: they stay in the caches */
  GEMM_LOW = 4 * GEMM_MC, /* up to so many rows, a large B is packed by the chunk that uses it */
  GEMV_CHUNK = 1 << 16,   /* floats of B in a chunk of a product with few rows */
  GEMM_DEEP = 1024,       /* least depth of a chunk that is cut out of k */
};

typedef struct {
  fn_matmul s;
  gemm g;
  float *packed, *partial;
  int64_t panels, grid_m, grid_n; /* panels first ... first + panels - 1 are at work */
  int64_t share;                  /* of whatever a chunk does: rows of k, columns, products */
  int status;
} gemm_job;

static void gemm_report(gemm_job *j, int status) {
  if (status) __atomic_store_n(&j->status, status, __ATOMIC_RELAXED);
}

/* ---- One large product: B is packed side by side, then C is cut along both sides ---- */

static void gemm_pack_chunk(void *ctx, int64_t chunk) {
  const gemm_job *j = ctx;
  const gemm *g = &j->g;
  if (g->tb) {
    int64_t from = chunk * j->share, to = FN_MIN(from + j->share, j->panels);
    gemm_pack(g, j->packed + from * PANEL * g->deep, g->first + from, g->first + to, g->from, g->deep, 0, g->deep);
    return;
  }
  int64_t at = chunk * j->share;
  gemm_pack(g, j->packed, g->first, g->first + j->panels, g->from + at, FN_MIN(j->share, g->deep - at), at, g->deep);
}

/* The rows and panels of a chunk of the grid. */
static void gemm_cell(const gemm_job *j, int64_t chunk, int64_t *i0, int64_t *i1, int64_t *j0, int64_t *j1) {
  int64_t tiles = FN_CEIL(j->g.m, TILE_ROWS), y = chunk / j->grid_n, x = chunk % j->grid_n;
  *i0 = y * tiles / j->grid_m * TILE_ROWS, *i1 = FN_MIN((y + 1) * tiles / j->grid_m * TILE_ROWS, j->g.m);
  *j0 = j->g.first + x * j->panels / j->grid_n, *j1 = j->g.first + (x + 1) * j->panels / j->grid_n;
}

static void gemm_chunk(void *ctx, int64_t chunk) {
  const gemm_job *j = ctx;
  int64_t i0, i1, j0, j1;
  gemm_cell(j, chunk, &i0, &i1, &j0, &j1);
  gemm_block(&j->g, i0, i1, j0, j1, j->g.from, j->g.from + j->g.deep);
}

static void gemm_packing_chunk(void *ctx, int64_t chunk) {
  gemm_job *j = ctx;
  int64_t i0, i1, j0, j1;
  gemm_cell(j, chunk, &i0, &i1, &j0, &j1);
  gemm_report(j, gemm_block_packing(&j->g, i0, i1, j0, j1, 0, j->g.k));
}

/* As many chunks as the work is worth: the longer side is cut, both where four tiles a chunk would be too few. */
static void gemm_plan_grid(gemm_job *j) {
  int64_t tiles = FN_CEIL(j->g.m, TILE_ROWS), columns = j->panels * PANEL;
  double work = (double)j->g.m * (double)columns * (double)FN_MAX(j->g.deep, 32);
  int64_t chunks = work > (double)GEMM_CHUNK * GEMM_CHUNKS ? GEMM_CHUNKS : FN_MAX(2, (int64_t)(work / GEMM_CHUNK));
  if (j->g.m >= columns) {
    j->grid_m = FN_MIN(FN_CEIL(tiles, 4), chunks);
    j->grid_n = FN_MIN(j->panels, FN_CEIL(chunks, j->grid_m));
  } else {
    j->grid_n = FN_MIN(FN_CEIL(j->panels, 2), chunks);
    j->grid_m = FN_MIN(FN_CEIL(tiles, 2), FN_CEIL(chunks, j->grid_n));
  }
}

/* Few rows and a large B: it is read from memory once, so each chunk packs its own columns. */
static int gemm_low(gemm_job *j) {
  j->g.deep = j->g.k, j->panels = gemm_panels(j->g.n);
  gemm_plan_grid(j);
  j->grid_n = FN_MIN(FN_CEIL(j->panels, 2), j->grid_m * j->grid_n), j->grid_m = 1;
  fn_parallel(j->grid_n, gemm_packing_chunk, j);
  return j->status;
}

static int gemm_large(gemm_job *j) {
  gemm *g = &j->g;
  int64_t panels = gemm_panels(g->n);
  int64_t at_once = FN_MIN(panels, GEMM_PACKED / PANEL / GEMM_KC);            /* panels */
  int64_t most = FN_MAX(1, GEMM_PACKED / (PANEL * GEMM_KC) / at_once) * GEMM_KC; /* of k */
  int64_t left = FN_MAX(1, FN_CEIL(g->k, most));
  if (!(j->packed = fn_scratch(0, (size_t)(at_once * PANEL * FN_CEIL(g->k + left, left)) * 4))) return FN_NOMEM;
  for (g->from = 0; left; left--, g->from += g->deep) {
    g->deep = FN_CEIL(g->k - g->from, left);
    for (g->first = 0; g->first < panels; g->first += at_once) {
      j->panels = FN_MIN(at_once, panels - g->first);
      j->share = FN_MAX(1, 32768 / (PANEL * FN_MAX(1, g->tb ? g->deep : j->panels)));
      fn_parallel(FN_CEIL(g->tb ? j->panels : g->deep, j->share), gemm_pack_chunk, j);
      g->packed = j->packed;
      gemm_plan_grid(j);
      fn_parallel(j->grid_m * j->grid_n, gemm_chunk, j);
    }
  }
  return FN_OK;
}

/* ---- Few rows: B is cut along its columns ---- */

static void gemm_few_rows_chunk(void *ctx, int64_t chunk) {
  gemm_job *j = ctx;
  gemm_report(j, gemm_few_rows(&j->g, chunk * j->share, FN_MIN((chunk + 1) * j->share, j->g.n)));
}

static int gemm_few_rows_wide(gemm_job *j) {
  const gemm *g = &j->g;
  j->share = FN_MAX(GEMV_CHUNK / FN_MAX(1, g->k), FN_CEIL(g->n, GEMM_CHUNKS));
  j->share = FN_CEIL(j->share, PANEL) * PANEL;
  fn_parallel(FN_CEIL(g->n, j->share), gemm_few_rows_chunk, j);
  return j->status;
}

/* ---- Few columns: C is cut along its rows ---- */

static void gemm_narrow_chunk(void *ctx, int64_t chunk) {
  gemm_job *j = ctx;
  gemm_report(j, gemm_narrow(&j->g, chunk * j->share, FN_MIN((chunk + 1) * j->share, j->g.m)));
}

static int gemm_narrow_tall(gemm_job *j) {
  const gemm *g = &j->g;
  int64_t chunk = FN_MAX(GEMM_CHUNK / (g->k * g->n), FN_CEIL(g->m, GEMM_CHUNKS));
  j->share = FN_CEIL(chunk, NARROW_WIDTH) * NARROW_WIDTH;
  fn_parallel(FN_CEIL(g->m, j->share), gemm_narrow_chunk, j);
  return j->status;
}

/* ---- A small C and a deep k: k is cut, and the parts are added up in their order ---- */

static void gemm_deep_chunk(void *ctx, int64_t chunk) {
  gemm_job *j = ctx;
  gemm g = j->g;
  int64_t p = chunk * j->share;
  g.k = FN_MIN(j->share, g.k - p);
  g.a += g.ta ? p * g.lda : p;
  g.b += g.tb ? p : p * g.ldb;
  g.c = j->partial + chunk * g.m * g.n;
  g.ldc = g.n, g.bias = NULL, g.act = FN_LINEAR;
  gemm_report(j, gemm_serial(&g));
}

/* How many parts: as many as B has that are worth a chunk, so that each reads what lies side by side. */
static int64_t gemm_parts(const gemm *g) {
  if (gemm_has_few_rows(g) && !g->tb) return FN_MIN(FN_MIN(GEMM_CHUNKS, g->k / 64), g->k * g->n / GEMV_CHUNK);
  if (g->m * g->n > 16384 && FN_CEIL(g->m, TILE_ROWS) * gemm_panels(g->n) >= 8) return 1;
  return FN_MIN(GEMM_CHUNKS / 2, g->k / GEMM_DEEP);
}

static int gemm_deep(gemm_job *j, int64_t parts) {
  gemm *g = &j->g;
  j->share = FN_CEIL(g->k, parts);
  parts = FN_CEIL(g->k, j->share);
  if (!(j->partial = fn_scratch(0, (size_t)(parts * g->m * g->n) * 4))) return FN_NOMEM;
  fn_parallel(parts, gemm_deep_chunk, j);
  for (int64_t i = 0; i < g->m; i++)
    for (int64_t x = 0; x < g->n; x++) {
      float sum = 0;
      for (int64_t part = 0; part < parts; part++) sum += j->partial[(part * g->m + i) * g->n + x];
      g->c[i * g->ldc + x] = sum + gemm_bias(g, x);
    }
  if (g->act) gemm_activate(g, g->c, g->m, g->n);
  return j->status;
}

/* ---- One product ---- */

static int gemm_one(gemm_job *j) {
  j->g = gemm_upright(j->g);
  gemm *g = &j->g;
  double work = (double)g->m * (double)g->n * (double)g->k;
  if (work < GEMM_SERIAL && g->m * g->n < GEMM_SERIAL) return gemm_serial(g);
  int64_t parts = gemm_parts(g);
  if (gemm_is_narrow(g)) return gemm_narrow_tall(j);
  if (parts > 1) return gemm_deep(j, parts);
  if (gemm_has_few_rows(g)) return gemm_few_rows_wide(j);
  return g->m <= GEMM_LOW && gemm_panels(g->n) > 4 && g->k * g->n >= GEMM_PACKED / 2 ? gemm_low(j) : gemm_large(j);
}

/* ---- Many small products: each on one thread ---- */

static gemm gemm_of_batch(const gemm_job *j, int64_t index) {
  gemm g = j->g;
  int64_t a, b;
  fn_matmul_at(&j->s, index, &a, &b);
  g.a += a, g.b += b, g.c += index * g.m * g.n;
  return g;
}

static void gemm_batch_chunk(void *ctx, int64_t chunk) {
  gemm_job *j = ctx;
  int64_t to = FN_MIN((chunk + 1) * j->share, j->s.batch);
  for (int64_t i = chunk * j->share; i < to; i++) {
    gemm g = gemm_upright(gemm_of_batch(j, i));
    gemm_report(j, gemm_serial(&g));
  }
}

static int gemm_batch(gemm_job *j) {
  double work = (double)j->g.m * (double)j->g.n * (double)FN_MAX(1, j->g.k);
  if (work > 8.0 * GEMM_CHUNK) {
    gemm_job one = *j;
    for (int64_t i = 0; i < j->s.batch && !one.status; i++) one.g = gemm_of_batch(j, i), one.status = gemm_one(&one);
    return one.status;
  }
  j->share = FN_MAX((int64_t)(GEMM_CHUNK / 2 / work), FN_CEIL(j->s.batch, 64));
  fn_parallel(FN_CEIL(j->s.batch, FN_MAX(1, j->share)), gemm_batch_chunk, j);
  return j->status;
}

FN_TUNED(matmul) {
  gemm_job j = {.g = {.a = a[0].p, .b = a[1].p, .bias = a[2].p, .c = a[3].p}};
  if (!fn_matmul_read(&j.s, a, count)) return FN_OK;
  gemm *g = &j.g;
  g->m = j.s.m, g->n = j.s.n, g->k = j.s.k, g->ta = j.s.ta, g->tb = j.s.tb;
  g->lda = g->ta ? g->m : g->k, g->ldb = g->tb ? g->k : g->n, g->ldc = g->n;
  g->act = j.s.act >= FN_LINEAR && j.s.act <= FN_LEAKY_RELU ? (int)j.s.act : FN_LINEAR;
  g->alpha = (float)j.s.alpha;
  return j.s.batch > 1 ? gemm_batch(&j) : gemm_one(&j);
}

#include "bias_act.h"
