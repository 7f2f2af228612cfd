/* Depthwise convolution: a filter sees a single channel, so filters fill the vectors and nothing is broadcast.
 *
 * A tile is some taps x one vector of filters, in registers, and goes over a block of pixels that see these taps: forward
 * and backward to the data it holds the taps and makes pixels, backward to the weights it sums the taps.  There is no
 * border and no copy: pixels near the edge are blocks with fewer taps.  Where a channel has several filters, rows of x are
 * copied with each channel so many times, or such rows of dx are summed.  The limit is the bandwidth of x and y: nine taps
 * are 5 cycles for a vector of 64 bytes. */
#include "conv_taps.h"

/* All convolutions with groups of one channel, unless the filters of a group fill vectors of their own. */
FN_INLINE int is_depthwise(const fn_conv *s) { return s->CG == 1 && (s->F == s->G || (s->G > 1 && s->F / s->G < VL)); }

/* ---- Tiles ---- */

enum { DEPTHWISE_TAPS = 9 }; /* of a tile: an offset for each has to fit into the integer registers */
#define EACH_TAP(M) M(0, 0) M(1, 1) M(2, 2) M(3, 0) M(4, 1) M(5, 2) M(6, 0) M(7, 1) M(8, 2)
#define EACH_TAPS(M, ...) EACH_6(M, __VA_ARGS__) M(7, __VA_ARGS__) M(8, __VA_ARGS__) M(9, __VA_ARGS__)

typedef struct {
  const float *x, *init; /* init: what pixels start from; NULL: go on from what y holds */
  float *y, *w;          /* backward to the weights, y is dy and only read, and w are the sums */
  int64_t offset[DEPTHWISE_TAPS], at[DEPTHWISE_TAPS]; /* of each tap: its x from the pixel's first, its place in w */
  int64_t rows, x_row, y_row, pixels, x_pixel, y_pixel, lanes;
  int relu;
} depthwise_block;

/* Both are called with constant taps and whole only.  Three sums, so that none waits for the last addition. */
FN_INLINE void depthwise_apply_run(const depthwise_block *t, const int taps, const int whole) {
  int64_t xs = t->x_pixel, ys = t->y_pixel, lanes = t->lanes;
  int fresh = t->init != NULL, relu = t->relu;
  vf init = fresh ? vload(t->init) : (vf){0};
#define BEGIN(i, chain) \
  int64_t o##i = t->offset[i]; \
  vf w##i = {0}; \
  if (i < taps) w##i = vload(t->w + t->at[i]);
  EACH_TAP(BEGIN)
  for (int64_t r = 0; r < t->rows; r++) {
    const float *x = t->x + r * t->x_row;
    float *y = t->y + r * t->y_row;
    for (int64_t p = t->pixels; p; p--, x += xs, y += ys) {
      vf s0 = fresh ? init : whole ? vload(y) : vload_n(y, lanes), s1 = {0}, s2 = {0};
#define FMA(i, chain) \
  if (i < taps) s##chain += (whole ? vload(x + o##i) : vload_n(x + o##i, lanes)) * w##i;
      EACH_TAP(FMA)
      s0 += s1 + s2;
      if (relu) s0 = vrelu(s0);
      if (whole) vstore(y, s0);
      else vstore_n(y, s0, lanes);
    }
  }
#define END(i, chain) (void)o##i, (void)w##i;
  EACH_TAP(END)
}
#undef BEGIN
#undef FMA
#undef END

FN_INLINE void depthwise_sum_run(const depthwise_block *t, const int taps, const int whole) {
  int64_t xs = t->x_pixel, ys = t->y_pixel, lanes = t->lanes;
#define BEGIN(i, chain) \
  int64_t o##i = t->offset[i]; \
  vf w##i = {0}; \
  if (i < taps) w##i = vload(t->w + t->at[i]);
  EACH_TAP(BEGIN)
  for (int64_t r = 0; r < t->rows; r++) {
    const float *x = t->x + r * t->x_row, *dy = t->y + r * t->y_row;
    for (int64_t p = t->pixels; p; p--, x += xs, dy += ys) {
      vf d = whole ? vload(dy) : vload_n(dy, lanes);
#define FMA(i, chain) \
  if (i < taps) w##i += (whole ? vload(x + o##i) : vload_n(x + o##i, lanes)) * d;
      EACH_TAP(FMA)
    }
  }
#define END(i, chain) \
  (void)o##i; \
  if (i < taps) vstore(t->w + t->at[i], w##i);
  EACH_TAP(END)
}
#undef BEGIN
#undef FMA
#undef END

#define DEFINE(taps, what, name, whole) \
  static void depthwise_##what##name##taps(const depthwise_block *t) { depthwise_##what##_run(t, taps, whole); }
#define NAME(taps, what, name) depthwise_##what##name##taps,
#define TABLE(what) {{NAME(0, what, _tail_) EACH_TAPS(NAME, what, _tail_)}, {NAME(0, what, _) EACH_TAPS(NAME, what, _)}}
#define DEFINE_ALL(what) \
  DEFINE(0, what, _tail_, 0) EACH_TAPS(DEFINE, what, _tail_, 0) DEFINE(0, what, _, 1) EACH_TAPS(DEFINE, what, _, 1)
DEFINE_ALL(apply)
DEFINE_ALL(sum)
typedef void (*depthwise_tiles[2][DEPTHWISE_TAPS + 1])(const depthwise_block *);
static const depthwise_tiles depthwise_apply = TABLE(apply), depthwise_sum = TABLE(sum);
#undef DEFINE
#undef NAME
#undef TABLE
#undef DEFINE_ALL
#undef EACH_TAP
#undef EACH_TAPS

/* ---- Blocks ---- */

typedef struct {
  fn_conv s;
  int forward;         /* from x to y, or the other way */
  int64_t times, width; /* filters of a channel; columns of w and bias: the filters, again and again or padded */
  int joined, relu;    /* joined: pixels side by side fill vectors together */
  float *w;            /* (KH, KW, width): sums where bias is NULL */
  const float *bias;
  const conv_run *runs;
  int64_t run_count;
} conv_depthwise;

/* Every vector of filters, for the taps of one tile. */
static void depthwise_filters(const conv_depthwise *d, const depthwise_block *block, int64_t taps) {
  void (*const *tail)(const depthwise_block *) = (d->bias ? depthwise_apply : depthwise_sum)[0], (*const *whole)(const depthwise_block *) = tail + DEPTHWISE_TAPS + 1;
  int64_t F = d->s.F, size = d->joined ? block->pixels * F : F;
  for (int64_t f = 0; f < FN_MIN(size, d->width); f += VL) {
    depthwise_block t = *block;
    t.x += f, t.y += f, t.w += f, t.lanes = size - f;
    if (t.init) t.init += f;
    if (d->joined) {
      t.pixels = size - f < VL ? 0 : (size - f - VL) / d->width + 1;
      t.x_pixel = t.y_pixel = d->width;
      if (t.pixels) whole[taps](&t);
      t.x += t.pixels * d->width, t.y += t.pixels * d->width, t.lanes -= t.pixels * d->width, t.pixels = 1;
    }
    if (t.lanes >= VL) whole[taps](&t);
    else if (t.lanes > 0) tail[taps](&t);
  }
}

/* `rows` rows that meet the same rows of the kernel; x_line, y_line: from a row to its neighbour; x where kh.o counts from. */
static void depthwise_taps(const conv_depthwise *d, const float *x, int64_t x_line, float *y, int64_t y_row, int64_t rows, conv_taps kh) {
  const fn_conv *s = &d->s;
  for (const conv_run *r = d->runs; r < d->runs + d->run_count; r++) {
    conv_taps kw = r->taps;
    int64_t all = kh.count * kw.count, taps;
    depthwise_block t = {.x = x, .y = y + r->at * s->F, .w = d->w, .init = d->bias, .rows = rows, .y_row = y_row, .pixels = r->count,
                         .x_row = (d->forward ? s->SH : 1) * x_line, .x_pixel = (d->forward ? s->SW : 1) * s->F,
                         .y_pixel = (d->forward ? 1 : s->SW) * s->F, .relu = d->relu && all <= DEPTHWISE_TAPS};
    if (!all && d->bias) depthwise_filters(d, &t, 0);
    if (all) t.x += kh.o * x_line + kw.o * s->F;
    for (int64_t first = 0; first < all; first += taps, t.init = NULL) {
      taps = FN_CEIL(all - first, FN_CEIL(all - first, DEPTHWISE_TAPS));
      for (int64_t i = 0; i < taps; i++) {
        int64_t h = (first + i) / kw.count, v = (first + i) % kw.count;
        t.offset[i] = -h * kh.o_step * x_line - v * kw.o_step * s->F;
        t.at[i] = ((kh.k + h * kh.k_step) * s->KW + kw.k + v * kw.k_step) * d->width;
      }
      t.relu = d->relu && first + taps == all;
      depthwise_filters(d, &t, taps);
    }
  }
}

/* The same for x and y of the image, with rows `step` apart, whatever the filters of a channel. */
static int depthwise_rows_of_block(const conv_depthwise *d, const float *x, float *y, int64_t rows, int64_t step, conv_taps kh) {
  const fn_conv *s = &d->s;
  int64_t wide = (d->forward ? s->W : s->OW), x_line = wide * s->F, y_line = (d->forward ? s->OW : s->W) * s->F;
  if (d->times == 1) {
    depthwise_taps(d, x, x_line, y, step * y_line, rows, kh);
    return 1;
  }
  int64_t height = kh.count ? (rows - 1) * s->SH + (kh.count - 1) * s->DH + 1 : 0;
  float *copy = fn_scratch(1, (size_t)(d->forward ? height * x_line : rows * y_line) * 4);
  if (!copy) return 0;
  if (d->forward) {
    const float *from = x + (kh.count ? kh.o : 0) * wide * s->C;
    for (int64_t i = 0; i < height * wide * s->C; i++)
      for (int64_t m = 0; m < d->times; m++) copy[i * d->times + m] = from[i];
    kh.o = 0;
    depthwise_taps(d, copy, x_line, y, step * y_line, rows, kh);
    return 1;
  }
  depthwise_taps(d, x, x_line, copy, y_line, rows, kh);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < s->W * s->C; i++) {
      const float *from = copy + r * y_line + i * d->times;
      float sum = from[0];
      for (int64_t m = 1; m < d->times; m++) sum += from[m];
      y[r * step * s->W * s->C + i] = sum;
    }
  return 1;
}

static conv_taps depthwise_taps_of(const conv_depthwise *d, int64_t row) {
  const fn_conv *s = &d->s;
  return d->forward ? taps_of_output(row, s->PT, s->SH, s->DH, s->KH, s->H) : taps_at(row, s->PT, s->SH, s->DH, s->KH, s->OH);
}

/* Rows [from, to) of an image; y: the first of them.  0 if there is no memory. */
static int depthwise_image(const conv_depthwise *d, const float *x, float *y, int64_t from, int64_t to) {
  const fn_conv *s = &d->s;
  int64_t step = d->forward ? 1 : FN_MIN(s->SH, to - from), line = d->forward ? s->OW * s->F : s->W * s->C, rows;
  int64_t most = FN_MAX(1, 16384 / FN_MAX(1, s->W * s->F)); /* rows of a block: what the caches hold, for one vector after the other */
  for (int64_t phase = 0; phase < step; phase++)
    for (int64_t row = from + phase; row < to; row += rows * step) {
      conv_taps kh = depthwise_taps_of(d, row);
      for (rows = 1; rows < most && row + rows * step < to; rows++) {
        conv_taps next = depthwise_taps_of(d, row + rows * step);
        if (next.k != kh.k || next.count != kh.count) break;
      }
      if (!depthwise_rows_of_block(d, x, y + (row - from) * line, rows, step, kh)) return 0;
    }
  return 1;
}

/* ---- What is in scratch: the runs of pixels, and w with the bias, or sums ---- */

static int64_t depthwise_width(const fn_conv *s) {
  return s->SW == 1 && s->F % VL ? s->F * (VL / gcd(s->F, VL)) : padded(s->F);
}

/* `floats` of them behind the runs; NULL if there is no memory. */
static float *depthwise_scratch(const fn_conv *s, int forward, conv_depthwise *d, size_t floats) {
  size_t table = (size_t)FN_CEIL((forward ? s->OW : s->W) * (int64_t)sizeof(conv_run), 64) * 64;
  char *scratch = fn_scratch(0, table + floats * 4);
  if (!scratch) return NULL;
  *d = (conv_depthwise){.s = *s, .forward = forward, .times = s->F / s->C, .width = depthwise_width(s),
                        .joined = s->SW == 1 && s->F % VL, .w = (float *)(scratch + table), .runs = (conv_run *)scratch};
  d->run_count = find_runs(s, forward, (conv_run *)scratch);
  return d->w;
}

static void depthwise_columns(const float *row, int64_t F, int64_t width, float *out) {
  for (int64_t f = 0; f < width; f++) out[f] = row[f % F];
}

static int depthwise_prepare(const fn_conv *s, int forward, const float *w, const float *b, conv_depthwise *d) {
  int64_t taps = s->KH * s->KW, width = depthwise_width(s);
  float *packed = depthwise_scratch(s, forward, d, (size_t)((taps + 1) * width)), *bias = packed + taps * width;
  if (!packed) return 0;
  for (int64_t k = 0; k < taps; k++) depthwise_columns(w + k * s->F, s->F, width, packed + k * width);
  memset(bias, 0, (size_t)width * 4);
  if (b) depthwise_columns(b, s->F, width, bias);
  d->bias = bias;
  return 1;
}

/* ---- Backward to the weights: parts of the rows have sums of their own, added up in order ---- */

typedef struct {
  conv_depthwise d;
  const float *x, *dy;
  int64_t parts;
  int status;
} depthwise_weights;

static void depthwise_weights_chunk(void *ctx, int64_t part) {
  depthwise_weights *j = ctx;
  conv_depthwise d = j->d;
  const fn_conv *s = &d.s;
  int64_t size = s->KH * s->KW * d.width, row = part * s->N * s->OH / j->parts, end = (part + 1) * s->N * s->OH / j->parts;
  d.w += part * size;
  memset(d.w, 0, (size_t)size * 4);
  while (row < end) {
    int64_t n = row / s->OH, from = row % s->OH, to = FN_MIN(s->OH, from + end - row);
    if (!depthwise_image(&d, j->x + n * s->H * s->W * s->C, (float *)j->dy + row * s->OW * s->F, from, to))
      __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
    row += to - from;
  }
}

static int depthwise_run_weights(const fn_conv *s, const float *x, const float *dy, float *dw) {
  depthwise_weights j = {.x = x, .dy = dy};
  int64_t taps = s->KH * s->KW, F = s->F, width = depthwise_width(s);
  double work = (double)s->N * s->OH * s->OW * F * taps;
  j.parts = work < 1e6 ? 1 : FN_MIN(s->N * s->OH, 16);
  const float *sums = depthwise_scratch(s, 1, &j.d, (size_t)(j.parts * taps * width));
  if (!sums) return FN_NOMEM;
  fn_parallel(j.parts, depthwise_weights_chunk, &j);
  memset(dw, 0, (size_t)(taps * F) * 4);
  for (int64_t p = 0; p < j.parts; p++)
    for (int64_t k = 0; k < taps; k++, sums += width)
      for (int64_t at = 0; at + F <= width; at += F)
        for (int64_t f = 0; f < F; f++) dw[k * F + f] += sums[at + f];
  return j.status;
}
