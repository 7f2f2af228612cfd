/* Tuned float kernels: normalisation of each row of a matrix (rows, c).
 *
 * A row is read three times, the last two from a cache: for its mean, for its deviations from that, and to be written.
 * The sums are float, of at most LAYER_BLOCK elements side by side in four vectors; blocks join in double. */
#include "level.h"
#include "../chunks.h"

enum { LAYER_BLOCK = 4096, LAYER_ROWS = 4, LAYER_FLUSH = 512 };

typedef struct {
  const float *x, *dy, *gamma, *beta, *dmean, *drstd;
  float *y, *mean, *rstd;
  double *sums; /* of each chunk: c sums of dy xhat, then c of dy */
  float *parts; /* of each chunk: the same of its last rows */
  int64_t rows, c, rows_of_chunk;
  double epsilon;
  int centred, stream; /* stream: what is written goes past the caches */
} layer_norm;

/* Chunks of 64 K elements, at least of LAYER_ROWS rows, at most 64 of them. */
static inline int64_t layer_rows(int64_t rows, int64_t c) {
  int64_t chunks = FN_MAX(1, FN_MIN(64, rows * c / FN_SERIAL));
  return FN_MAX(1, FN_CEIL(FN_CEIL(rows, chunks), LAYER_ROWS)) * LAYER_ROWS;
}

/* Runs LOOP(V, j, lanes) over the columns from ... to - 1: four vectors at a time, then one, then a part of one. */
#define LAYER_COLUMNS(from, to, LOOP)                            \
  do {                                                           \
    int64_t j_ = from, end_ = to;                                \
    for (; j_ + 4 * VL <= end_; j_ += 4 * VL) LOOP(4, j_, VL);   \
    for (; j_ + VL <= end_; j_ += VL) LOOP(1, j_, VL);           \
    if (j_ < end_) LOOP(1, j_, end_ - j_);                       \
  } while (0)

FN_INLINE float layer_total(const vf s[4]) { return vall_sum((s[0] + s[1]) + (s[2] + s[3]))[0]; }

/* ---- Forward ---- */

FN_INLINE double layer_sum(const float *x, int64_t c) {
  double sum = 0;
  for (int64_t at = 0; at < c; at += LAYER_BLOCK) {
    vf s[4] = {{0}};
#define LOOP(V, j, lanes) \
  for (int v = 0; v < V; v++) s[v] += load_lanes(x + j + v * VL, lanes)
    LAYER_COLUMNS(at, FN_MIN(at + LAYER_BLOCK, c), LOOP);
#undef LOOP
    sum += layer_total(s);
  }
  return sum;
}

/* The sums of x - centre and of its square; lanes beyond the row count as the centre. */
FN_INLINE void layer_deviations(const float *x, int64_t c, float centre, int centred, double *sum, double *squares) {
  const vf middle = vset1(centre);
  *sum = *squares = 0;
  for (int64_t at = 0; at < c; at += LAYER_BLOCK) {
    vf s[4] = {{0}}, q[4] = {{0}};
#define LOOP(V, j, lanes)                                                                              \
  for (int v = 0; v < V; v++) {                                                                        \
    vf d = lanes == VL ? vload(x + j + v * VL) : vload_or(x + j, lanes, centre);                       \
    if (centred) d -= middle, s[v] += d;                                                               \
    q[v] += d * d;                                                                                     \
  }
    LAYER_COLUMNS(at, FN_MIN(at + LAYER_BLOCK, c), LOOP);
#undef LOOP
    if (centred) *sum += layer_total(s);
    *squares += layer_total(q);
  }
}

FN_INLINE void layer_row(const layer_norm *p, int64_t row, int centred, int scaled, int shifted) {
  const float *x = p->x + row * p->c;
  float *y = p->y + row * p->c;
  double n = (double)p->c, centre = centred ? layer_sum(x, p->c) / n : 0, sum, squares;
  layer_deviations(x, p->c, (float)centre, centred, &sum, &squares);
  double apart = sum / n, variance = squares / n - apart * apart, mean = (double)(float)centre + apart;
  float rstd = (float)(1 / __builtin_sqrt((variance < 0 ? 0 : variance) + p->epsilon)); /* NaN stays */
  if (centred) p->mean[row] = (float)mean;
  p->rstd[row] = rstd;
  const vf middle = vset1((float)mean), factor = vset1(rstd);
#define LOOP(V, j, lanes)                                                    \
  for (int v = 0; v < V; v++) {                                              \
    vf d = load_lanes(x + j + v * VL, lanes);                                \
    if (centred) d -= middle;                                                \
    d *= factor;                                                             \
    if (scaled) d *= load_lanes(p->gamma + j + v * VL, lanes);               \
    if (shifted) d += load_lanes(p->beta + j + v * VL, lanes);               \
    stream_lanes(y + j + v * VL, d, lanes, p->stream);                       \
  }
  LAYER_COLUMNS(0, p->c, LOOP);
#undef LOOP
}

static void layer_chunk(void *ctx, int64_t chunk) {
  const layer_norm *p = ctx;
  int64_t from = chunk * p->rows_of_chunk, to = FN_MIN(from + p->rows_of_chunk, p->rows);
  if (p->centred && p->gamma && p->beta)
    for (int64_t i = from; i < to; i++) layer_row(p, i, 1, 1, 1);
  else if (p->centred)
    for (int64_t i = from; i < to; i++) layer_row(p, i, 1, p->gamma != NULL, p->beta != NULL);
  else
    for (int64_t i = from; i < to; i++) layer_row(p, i, 0, p->gamma != NULL, 0);
}

FN_TUNED(layer_norm) {
  layer_norm p = {.x = a[0].p, .gamma = a[1].p, .beta = a[2].p, .y = a[3].p, .mean = a[4].p, .rstd = a[5].p, .rows = a[6].i,
                  .c = a[7].i, .epsilon = a[8].f};
  if (!p.c) {
    for (int64_t i = 0; i < p.rows; i++) {
      p.rstd[i] = (float)(1 / __builtin_sqrt(p.epsilon));
      if (p.mean) p.mean[i] = 0;
    }
    return FN_OK;
  }
  p.centred = p.mean != NULL;
  p.rows_of_chunk = layer_rows(p.rows, p.c);
  p.stream = worth_streaming(p.y, p.rows * p.c, p.c);
  fn_parallel(FN_CEIL(p.rows, p.rows_of_chunk), layer_chunk, &p);
  vfence(p.stream);
  return FN_OK;
}

/* ---- Backward ---- */

/* A row's sums of g = dy gamma and of g (x - mean). */
FN_INLINE void layer_grad_sums(const layer_norm *p, int64_t row, float mean, int centred, int scaled, double *sum, double *product) {
  const float *x = p->x + row * p->c, *dy = p->dy + row * p->c;
  const vf middle = vset1(mean);
  *sum = *product = 0;
  for (int64_t at = 0; at < p->c; at += LAYER_BLOCK) {
    vf s[4] = {{0}}, q[4] = {{0}};
#define LOOP(V, j, lanes)                                                    \
  for (int v = 0; v < V; v++) {                                              \
    vf g = load_lanes(dy + j + v * VL, lanes), d = load_lanes(x + j + v * VL, lanes); \
    if (scaled) g *= load_lanes(p->gamma + j + v * VL, lanes);               \
    if (centred) d -= middle, s[v] += g;                                     \
    q[v] += g * d;                                                           \
  }
    LAYER_COLUMNS(at, FN_MIN(at + LAYER_BLOCK, p->c), LOOP);
#undef LOOP
    if (centred) *sum += layer_total(s);
    *product += layer_total(q);
  }
}

/* Of R rows: dx = dy gamma rstd + (x - mean) slope + shift, and what they add to dgamma and dbeta. */
FN_INLINE void layer_grad_rows(const layer_norm *p, int64_t row, int R, int centred, int scaled, float *dgamma, float *dbeta) {
  vf mean[LAYER_ROWS], rstd[LAYER_ROWS], slope[LAYER_ROWS], shift[LAYER_ROWS];
  double n = (double)p->c;
  for (int r = 0; r < R; r++) {
    double sum, product, scale = p->rstd[row + r];
    float middle = centred ? p->mean[row + r] : 0;
    layer_grad_sums(p, row + r, middle, centred, scaled, &sum, &product);
    mean[r] = vset1(middle), rstd[r] = vset1((float)scale);
    slope[r] = vset1((float)(-(scale * scale * product + (p->drstd ? p->drstd[row + r] * scale * scale : 0)) * scale / n));
    shift[r] = vset1(centred ? (float)(((p->dmean ? p->dmean[row + r] : 0) - scale * sum) / n) : 0);
  }
  const float *x = p->x + row * p->c, *dy = p->dy + row * p->c;
  float *dx = p->y + row * p->c;
#define LOOP(V, j, lanes)                                                                                        \
  for (int v = 0; v < V; v++) {                                                                                  \
    int64_t k = j + v * VL;                                                                                      \
    vf by_gamma = {0}, by_beta = {0}, gamma = scaled ? load_lanes(p->gamma + k, lanes) : (vf){0};                \
    for (int r = 0; r < R; r++) {                                                                                \
      vf g = load_lanes(dy + r * p->c + k, lanes), d = load_lanes(x + r * p->c + k, lanes);                      \
      if (centred) d -= mean[r];                                                                                 \
      if (dgamma) by_beta += g, by_gamma += g * (d * rstd[r]);                                                   \
      if (scaled) g *= gamma;                                                                                    \
      stream_lanes(dx + r * p->c + k, g * rstd[r] + (d * slope[r] + shift[r]), lanes, p->stream);                \
    }                                                                                                            \
    if (dgamma) {                                                                                                \
      store_lanes(dgamma + k, load_lanes(dgamma + k, lanes) + by_gamma, lanes);                                  \
      store_lanes(dbeta + k, load_lanes(dbeta + k, lanes) + by_beta, lanes);                                     \
    }                                                                                                            \
  }
  LAYER_COLUMNS(0, p->c, LOOP);
#undef LOOP
}

FN_INLINE void layer_grad_run(const layer_norm *p, int64_t from, int64_t to, int centred, int scaled, float *dgamma, float *dbeta) {
  for (; from + LAYER_ROWS <= to; from += LAYER_ROWS) layer_grad_rows(p, from, LAYER_ROWS, centred, scaled, dgamma, dbeta);
  for (; from < to; from++) layer_grad_rows(p, from, 1, centred, scaled, dgamma, dbeta);
}

/* The sums over the chunk's rows are float for LAYER_FLUSH rows, then join in double. */
FN_INLINE void layer_grad_part(const layer_norm *p, int64_t chunk, int centred, int scaled) {
  int64_t from = chunk * p->rows_of_chunk, to = FN_MIN(from + p->rows_of_chunk, p->rows), c = p->c;
  if (!p->sums) {
    layer_grad_run(p, from, to, centred, scaled, NULL, NULL);
    return;
  }
  float *part = p->parts + chunk * 2 * c;
  double *sums = p->sums + chunk * 2 * c;
  for (int64_t at = from; at < to; at += LAYER_FLUSH) {
    memset(part, 0, (size_t)c * 8);
    layer_grad_run(p, at, FN_MIN(at + LAYER_FLUSH, to), centred, scaled, part, part + c);
    for (int64_t j = 0; j < 2 * c; j++) sums[j] = (at > from ? sums[j] : 0) + part[j];
  }
}

static void layer_grad_chunk(void *ctx, int64_t chunk) {
  const layer_norm *p = ctx;
  if (p->centred && p->gamma) layer_grad_part(p, chunk, 1, 1);
  else if (p->centred) layer_grad_part(p, chunk, 1, 0);
  else layer_grad_part(p, chunk, 0, p->gamma != NULL);
}

FN_TUNED(layer_norm_grad) {
  float *dgamma = a[8].p, *dbeta = a[9].p;
  layer_norm p = {.dy = a[0].p, .x = a[1].p, .gamma = a[2].p, .mean = a[3].p, .rstd = a[4].p, .dmean = a[5].p, .drstd = a[6].p,
                  .y = a[7].p, .rows = a[10].i, .c = a[11].i, .centred = a[3].p != NULL};
  int64_t c = p.c;
  if (!c) return FN_OK;
  p.rows_of_chunk = layer_rows(p.rows, c);
  int64_t chunks = FN_CEIL(p.rows, p.rows_of_chunk);
  int64_t held = FN_MAX(chunks, 1) * 2 * c;
  if (dgamma && dbeta && !(p.sums = fn_scratch(0, (size_t)held * 12))) return FN_NOMEM;
  if (p.sums) p.parts = (float *)(p.sums + held);
  p.stream = worth_streaming(p.y, p.rows * c, c);
  fn_parallel(chunks, layer_grad_chunk, &p);
  vfence(p.stream);
  if (!p.sums) return FN_OK;
  for (int64_t k = 1; k < chunks; k++)
    for (int64_t j = 0; j < 2 * c; j++) p.sums[j] += p.sums[k * 2 * c + j];
  for (int64_t j = 0; j < c; j++) {
    dgamma[j] = chunks ? (float)p.sums[j] : 0;
    dbeta[j] = chunks ? (float)p.sums[c + j] : 0;
  }
  return FN_OK;
}
