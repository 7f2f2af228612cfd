/* Tuned float kernels: matrix products, cut into chunks by their shapes alone. */
#include "gemm.h"

enum {
  GEMM_SERIAL = 200000,   /* multiply-adds below which threads cost more than they give */
  GEMM_CHUNK = 1 << 20,   /* multiply-adds of a chunk */
  GEMM_CHUNKS = 32,
  GEMM_PACKED = 1 << 22,  /* floats packed at a time */
  GEMV_CHUNK = 1 << 16,   /* floats of B in a chunk of a product with few rows */
  GEMM_DEEP = 1024,       /* least depth of a chunk that is cut out of k */
};

typedef struct {
  fn_matmul s;
  gemm g;
  float *packed, *partial;
  int64_t first, panels, grid_m, grid_n; /* panels first ... first + panels - 1 are at work */
  int64_t share;                         /* of whatever a chunk does: rows of k, columns, products */
  int status;
} gemm_job;

static void gemm_report(gemm_job *j, int status) {
  if (status) __atomic_store_n(&j->status, status, __ATOMIC_RELAXED);
}

/* ---- One large product: B is packed side by side, then C is cut along both sides ---- */

static void gemm_pack_chunk(void *ctx, int64_t chunk) {
  const gemm_job *j = ctx;
  float *origin = j->packed - j->first * GEMM_PANEL * j->g.k;
  if (j->g.tb) {
    int64_t from = j->first + chunk * j->share, to = FN_MIN(from + j->share, j->first + j->panels);
    gemm_pack(&j->g, origin, from, to, 0, j->g.k);
  } else {
    int64_t from = chunk * j->share, to = FN_MIN(from + j->share, j->g.k);
    gemm_pack(&j->g, origin, j->first, j->first + j->panels, from, to);
  }
}

static void gemm_chunk(void *ctx, int64_t chunk) {
  const gemm_job *j = ctx;
  int64_t tiles = FN_CEIL(j->g.m, GEMM_ROWS), y = chunk / j->grid_n, x = chunk % j->grid_n;
  int64_t i0 = y * tiles / j->grid_m * GEMM_ROWS, i1 = FN_MIN((y + 1) * tiles / j->grid_m * GEMM_ROWS, j->g.m);
  gemm_block(&j->g, i0, i1, j->first + x * j->panels / j->grid_n, j->first + (x + 1) * j->panels / j->grid_n);
}

/* Cuts the longer side into as many chunks as the work is worth, the other one if tiles run out. */
static void gemm_plan_grid(gemm_job *j) {
  int64_t tiles = FN_CEIL(j->g.m, GEMM_ROWS), columns = j->panels * GEMM_PANEL;
  double work = (double)j->g.m * (double)columns * (double)FN_MAX(j->g.k, 32);
  int64_t chunks = work > (double)GEMM_CHUNK * GEMM_CHUNKS ? GEMM_CHUNKS : FN_MAX(2, (int64_t)(work / GEMM_CHUNK));
  if (j->g.m >= columns) {
    j->grid_m = FN_MIN(tiles, chunks);
    j->grid_n = FN_MIN(j->panels, FN_CEIL(chunks, j->grid_m));
  } else {
    j->grid_n = FN_MIN(j->panels, chunks);
    j->grid_m = FN_MIN(tiles, FN_CEIL(chunks, j->grid_n));
  }
}

static int gemm_large(gemm_job *j) {
  int64_t panels = gemm_panels(j->g.n), k = FN_MAX(1, j->g.k);
  int64_t at_once = FN_MAX(1, FN_MIN(panels, GEMM_PACKED / GEMM_PANEL / k));
  int pack = gemm_needs_packing(&j->g);
  if (!(j->packed = fn_scratch(0, (size_t)((pack ? at_once : 1) * GEMM_PANEL * k) * 4))) return FN_NOMEM;
  if (!pack) {
    gemm_pack(&j->g, j->packed - (panels - 1) * GEMM_PANEL * j->g.k, panels - 1, panels, 0, j->g.k);
    j->g.tail = j->packed, at_once = panels;
  }
  for (j->first = 0; j->first < panels; j->first += at_once) {
    j->panels = FN_MIN(at_once, panels - j->first);
    if (pack) {
      j->g.packed = j->packed - j->first * GEMM_PANEL * j->g.k;
      j->share = j->g.tb ? FN_MAX(1, 32768 / (GEMM_PANEL * k)) : FN_MAX(16, 32768 / (GEMM_PANEL * j->panels));
      fn_parallel(FN_CEIL(j->g.tb ? j->panels : j->g.k, j->share), gemm_pack_chunk, j);
    }
    gemm_plan_grid(j);
    fn_parallel(j->grid_m * j->grid_n, gemm_chunk, j);
  }
  return FN_OK;
}

/* ---- Few rows: B is cut along its columns ---- */

static void gemm_few_rows_chunk(void *ctx, int64_t chunk) {
  gemm_job *j = ctx;
  gemm_report(j, gemm_few_rows(&j->g, chunk * j->share, FN_MIN((chunk + 1) * j->share, j->g.n)));
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
  int64_t parts = FN_MIN(GEMM_CHUNKS / 2, g->k / GEMM_DEEP);
  if (FN_CEIL(g->m, GEMM_ROWS) * gemm_panels(g->n) < 8 && parts > 1) return gemm_deep(j, parts);
  if (!gemm_has_few_rows(g)) return gemm_large(j);
  j->share = FN_CEIL(FN_MAX(GEMV_CHUNK / FN_MAX(1, g->k), GEMM_PANEL), GEMM_PANEL) * GEMM_PANEL;
  j->share = FN_MAX(j->share, FN_CEIL(FN_CEIL(g->n, GEMM_CHUNKS), GEMM_PANEL) * GEMM_PANEL);
  fn_parallel(FN_CEIL(g->n, j->share), gemm_few_rows_chunk, j);
  return j->status;
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
