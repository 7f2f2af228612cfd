/* The micro-kernel of convolution, forward and backward to the data: a tile of pixels x filters in registers.
 *
 * y[i][:] += sum_k x[i][k] w[k][:] for pixels i*x_step apart: each x is broadcast, w comes in panels of one or two
 * vectors.  K is walked in place, as `outer` x `inner` runs of `len` contiguous inputs: nobody builds an im2col matrix. */

#include "tile.h"

typedef struct {
  const float *x, *w, *init; /* init: a panel that every row starts from; NULL: go on from what y holds */
  float *y;
  int64_t x_step, y_step;              /* from one pixel of the tile to the next */
  int64_t outer, x_outer, w_outer;     /* rows of the kernel */
  int64_t inner, x_inner, w_inner;     /* runs within a row */
  int64_t len;                         /* inputs in a run */
  int64_t lanes;                       /* filters in the last vector, 1 ... VL */
  int relu, stream;                    /* stream: write past the caches (y aligned to vectors) */
} conv_tile;

/* Called with constant rows and vectors only.  The accumulators have names, not an index, so that they stay in registers. */
FN_INLINE void conv_tile_run(const conv_tile *t, const int rows, const int vectors) {
#define DECLARE(i) vf a##i = {0}, b##i = {0};
  EACH_ROW(DECLARE)
  float *y = t->y;
  int64_t ys = t->y_step, xs = t->x_step;
  if (t->init) {
    vf a = vload(t->init), b = vectors > 1 ? vload(t->init + VL) : a;
#define BEGIN(i) a##i = a, b##i = b;
    EACH_ROW(BEGIN)
  } else if (t->lanes < VL) {
#define RESUME_N(i) \
  if (i < rows && vectors > 1) a##i = vload(y + i * ys), b##i = vload_n(y + i * ys + VL, t->lanes); \
  else if (i < rows) a##i = vload_n(y + i * ys, t->lanes);
    EACH_ROW(RESUME_N)
  } else {
#define RESUME(i) \
  if (i < rows) a##i = vload(y + i * ys); \
  if (i < rows && vectors > 1) b##i = vload(y + i * ys + VL);
    EACH_ROW(RESUME)
  }
  for (int64_t o = 0; o < t->outer; o++)
    for (int64_t n = 0; n < t->inner; n++) {
      const float *x = t->x + o * t->x_outer + n * t->x_inner;
      const float *w = t->w + o * t->w_outer + n * t->w_inner;
      /* three bases with five offsets each: one offset for every row would not fit into the integer registers */
      const float *x5 = x + 5 * xs, *x10 = x + 10 * xs;
      __asm__("" : "+r"(x5), "+r"(x10));
      for (const float *end = x + t->len; x < end; x++, x5++, x10++, w += vectors * VL) {
        vf w0 = vload(w), w1 = vectors > 1 ? vload(w + VL) : w0;
#define FMA(i) \
  if (i < rows) { \
    vf v = vset1((i < 5 ? x : i < 10 ? x5 : x10)[i % 5 * xs]); \
    a##i += v * w0; \
    if (vectors > 1) b##i += v * w1; \
  }
        EACH_ROW(FMA)
      }
    }
  if (t->relu) {
#define RELU(i) a##i = vrelu(a##i), b##i = vrelu(b##i);
    EACH_ROW(RELU)
  }
  if (t->lanes < VL) {
#define STORE_N(i) \
  if (i < rows && vectors > 1) vstore(y + i * ys, a##i), vstore_n(y + i * ys + VL, b##i, t->lanes); \
  else if (i < rows) vstore_n(y + i * ys, a##i, t->lanes);
    EACH_ROW(STORE_N)
  } else if (t->stream) {
#define STREAM(i) \
  if (i < rows) vstream(y + i * ys, a##i); \
  if (i < rows && vectors > 1) vstream(y + i * ys + VL, b##i);
    EACH_ROW(STREAM)
  } else {
#define STORE(i) \
  if (i < rows) vstore(y + i * ys, a##i); \
  if (i < rows && vectors > 1) vstore(y + i * ys + VL, b##i);
    EACH_ROW(STORE)
  }
}
#undef DECLARE
#undef BEGIN
#undef RESUME
#undef RESUME_N
#undef FMA
#undef RELU
#undef STORE
#undef STORE_N
#undef STREAM

#define DEFINE(rows, vectors) \
  static void conv_tile_##rows##x##vectors(const conv_tile *t) { conv_tile_run(t, rows, vectors); }
#define NAME(rows, vectors) conv_tile_##rows##x##vectors,
EACH_TILE(DEFINE, 1)
EACH_TILE(DEFINE, 2)
static void (*const conv_tiles[2][TILE_ROWS])(const conv_tile *) = {{EACH_TILE(NAME, 1)}, {EACH_TILE(NAME, 2)}};
#undef DEFINE
#undef NAME

/* `count` pixels in tiles of about equal height: a short last tile would leave the multipliers idle. */
static void conv_tiles_over(const conv_tile *first, int64_t count, int64_t vectors) {
  conv_tile t = *first;
  for (int64_t left = FN_CEIL(count, TILE_ROWS); left; left--) {
    int64_t rows = FN_CEIL(count, left);
    conv_tiles[vectors - 1][rows - 1](&t);
    t.x += rows * t.x_step, t.y += rows * t.y_step, count -= rows;
  }
}

/* Columns [p*PANEL, (p+1)*PANEL) of `total`: how many vectors they fill, and the lanes of the last one. */
FN_INLINE int64_t panel_vectors(int64_t total, int64_t p) { return FN_MIN(FN_CEIL(total - p * PANEL, VL), 2); }
FN_INLINE int64_t panel_lanes(int64_t total, int64_t p) {
  int64_t vectors = panel_vectors(total, p);
  return FN_MIN(total - p * PANEL - (vectors - 1) * VL, VL);
}
FN_INLINE int64_t padded(int64_t total) { return FN_CEIL(total, VL) * VL; }
