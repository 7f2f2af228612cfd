/* Tuned float kernels: pooling over whole images; x (N, S, C) with S cells, y (N, C).
 * A strip of up to four vectors of channels stays in registers while the cells of an image pass by. */
#include "level.h"

typedef struct {
  const float *x, *y, *dy;
  float *to;
  int64_t n, s, c, images; /* images to a chunk */
} global_pool;

static inline int global_pool_chunks(global_pool *p, int64_t *chunks) {
  if (!p->n || !p->c) return 0;
  p->images = (int64_t)FN_MAX(1., 65536 / FN_MAX(1., (double)p->s * (double)p->c));
  *chunks = FN_CEIL(p->n, p->images);
  return 1;
}

/* Runs strip(p, image, channel, V, lanes) over the images of a chunk and their channels. */
#define GLOBAL_STRIPS(strip)                                                                                     \
  const global_pool *p = ctx;                                                                                    \
  for (int64_t n = chunk * p->images; n < FN_MIN((chunk + 1) * p->images, p->n); n++) {                          \
    int64_t c = 0;                                                                                               \
    for (; c + 4 * VL <= p->c; c += 4 * VL) strip(p, n, c, 4, VL);                                               \
    for (; c + VL <= p->c; c += VL) strip(p, n, c, 1, VL);                                                       \
    if (c < p->c) strip(p, n, c, 1, p->c - c);                                                                   \
  }

/* Two rows of cells at a time.  NaN among numbers is rare, and may be lost by `vlarger`: `lost` is NaN where there was one, for
 * 0 * v is 0 or NaN; infinities are NaN there too, so that what it says is looked into. */
FN_INLINE void global_max_strip(const global_pool *p, int64_t n, int64_t c, int V, int64_t lanes) {
  const float *x = p->x + n * p->s * p->c + c;
  vf best[2][4], lost[4] = {{0}};
  for (int v = 0; v < V; v++) best[0][v] = best[1][v] = p->s ? load_lanes(x + v * VL, lanes) : -__builtin_inff() - (vf){0};
  int64_t s = p->s % 2;
  for (; s < p->s; s += 2)
    for (int v = 0; v < V; v++) {
      vf a = load_lanes(x + s * p->c + v * VL, lanes), b = load_lanes(x + (s + 1) * p->c + v * VL, lanes);
      best[0][v] = vlarger(a, best[0][v]);
      best[1][v] = vlarger(b, best[1][v]);
      lost[v] += 0 * (a + b);
    }
  for (int v = 0; v < V; v++) {
    vf y = vlarger(best[1][v], best[0][v]);
    for (int i = 0; i < lanes; i++)
      if (lost[v][i] != 0)
        for (s = 0; s < p->s; s++)
          if (x[s * p->c + v * VL + i] != x[s * p->c + v * VL + i]) y[i] = x[s * p->c + v * VL + i];
    store_lanes(p->to + n * p->c + c + v * VL, y, lanes);
  }
}

static void global_max_chunk(void *ctx, int64_t chunk) { GLOBAL_STRIPS(global_max_strip) }

FN_TUNED(global_max_pool) {
  int64_t chunks;
  global_pool p = {.x = a[0].p, .to = a[1].p, .n = a[2].i, .s = a[3].i, .c = a[4].i};
  if (global_pool_chunks(&p, &chunks)) fn_parallel(chunks, global_max_chunk, &p);
  return FN_OK;
}

/* Cells that tie for the maximum share its gradient equally. */
FN_INLINE void global_max_grad_strip(const global_pool *p, int64_t n, int64_t c, int V, int64_t lanes) {
  const float *x = p->x + n * p->s * p->c + c;
  float *dx = p->to + n * p->s * p->c + c;
  vf best[4], share[4];
  vi ties[4] = {{0}};
  for (int v = 0; v < V; v++) best[v] = load_lanes(p->y + n * p->c + c + v * VL, lanes);
  for (int64_t s = 0; s < p->s; s++)
    for (int v = 0; v < V; v++) ties[v] -= load_lanes(x + s * p->c + v * VL, lanes) == best[v];
  for (int v = 0; v < V; v++)
    share[v] = load_lanes(p->dy + n * p->c + c + v * VL, lanes) / __builtin_convertvector(ties[v] - (ties[v] == 0), vf);
  for (int64_t s = 0; s < p->s; s++)
    for (int v = 0; v < V; v++) {
      int64_t at = s * p->c + v * VL;
      store_lanes(dx + at, (vf)((vi)share[v] & (load_lanes(x + at, lanes) == best[v])), lanes);
    }
}

static void global_max_grad_chunk(void *ctx, int64_t chunk) { GLOBAL_STRIPS(global_max_grad_strip) }

FN_TUNED(global_max_pool_grad) {
  int64_t chunks;
  global_pool p = {.dy = a[0].p, .x = a[1].p, .y = a[2].p, .to = a[3].p, .n = a[4].i, .s = a[5].i, .c = a[6].i};
  if (global_pool_chunks(&p, &chunks)) fn_parallel(chunks, global_max_grad_chunk, &p);
  return FN_OK;
}

/* Blocks of cells are summed in float, the blocks' sums in double: the rounding error does not grow with the image. */
FN_INLINE void global_average_strip(const global_pool *p, int64_t n, int64_t c, int V, int64_t lanes) {
  enum { BLOCK = 64 };
  const float *x = p->x + n * p->s * p->c + c;
  double total[4 * VL] = {0};
  for (int64_t from = 0; from < p->s; from += BLOCK) {
    vf sum[2][4] = {{{0}}};
    int64_t s = from, to = FN_MIN(from + BLOCK, p->s);
    for (; s + 2 <= to; s += 2)
      for (int k = 0; k < 2; k++)
        for (int v = 0; v < V; v++) sum[k][v] += load_lanes(x + (s + k) * p->c + v * VL, lanes);
    if (s < to)
      for (int v = 0; v < V; v++) sum[0][v] += load_lanes(x + s * p->c + v * VL, lanes);
    for (int v = 0; v < V; v++)
      for (int i = 0; i < VL; i++) total[v * VL + i] += sum[0][v][i] + sum[1][v][i];
  }
  for (int i = 0; i < (V - 1) * VL + lanes; i++) p->to[n * p->c + c + i] = (float)(total[i] / (double)p->s);
}

static void global_average_chunk(void *ctx, int64_t chunk) { GLOBAL_STRIPS(global_average_strip) }

FN_TUNED(global_average_pool) {
  int64_t chunks;
  global_pool p = {.x = a[0].p, .to = a[1].p, .n = a[2].i, .s = a[3].i, .c = a[4].i};
  if (global_pool_chunks(&p, &chunks)) fn_parallel(chunks, global_average_chunk, &p);
  return FN_OK;
}

FN_INLINE void global_average_grad_strip(const global_pool *p, int64_t n, int64_t c, int V, int64_t lanes) {
  vf dy[4];
  for (int v = 0; v < V; v++) dy[v] = load_lanes(p->dy + n * p->c + c + v * VL, lanes) * (1.0f / (float)p->s);
  for (int64_t s = 0; s < p->s; s++)
    for (int v = 0; v < V; v++) store_lanes(p->to + (n * p->s + s) * p->c + c + v * VL, dy[v], lanes);
}

static void global_average_grad_chunk(void *ctx, int64_t chunk) { GLOBAL_STRIPS(global_average_grad_strip) }

FN_TUNED(global_average_pool_grad) {
  int64_t chunks;
  global_pool p = {.dy = a[0].p, .to = a[1].p, .n = a[2].i, .s = a[3].i, .c = a[4].i};
  if (global_pool_chunks(&p, &chunks)) fn_parallel(chunks, global_average_grad_chunk, &p);
  return FN_OK;
}
