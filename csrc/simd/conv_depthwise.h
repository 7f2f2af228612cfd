/* Depthwise convolution: a filter sees a single channel, so filters fill the vectors and nothing is broadcast.
 *
 * A tile is some pixels that see the same taps x one vector of filters.  Forward and backward to the data the pixels are
 * sums in registers, backward to the weights the taps are.  Up to three taps side by side share what they load of x: loads
 * are what limits a tile.  Channels are the innermost loop, so that memory is walked in order: pixels of a power of two of
 * channels share few sets of the caches.  There is no border and no copy: pixels near the edge are blocks with fewer taps.
 * Groups of as many filters as channels, less than a vector, go the same way: each channel in turn is spread over the lanes of
 * its group.  Where a channel has several filters, rows of x are copied with each channel so many times, or such rows of dx are summed. */
#include "conv_taps.h"

/* All convolutions with groups of one channel, unless the filters of a group fill vectors of their own; and groups so narrow
 * that they would leave most lanes of a broadcast empty, where there is an instruction that spreads channels. */
FN_INLINE int is_depthwise(const fn_conv *s) {
  int64_t FG = s->F / s->G;
  int spread = FN_LEVEL >= 3 && s->G > 1 && s->CG == FG && (FG == 2 || FG == 4 || (FG == 8 && VL > 8));
  return spread || (s->CG == 1 && (s->F == s->G || (s->G > 1 && FG < VL)));
}

/* ---- Tiles ---- */

enum { DEPTHWISE_GROUPS = 32, DEPTHWISE_PIXELS = FN_MIN(12, TILE_ROWS) };
/* M(i, i - 1, i - 2): inputs of a row of pixels, and the pixels that see them with the first, second and third tap. */
#define EACH_INPUT(M) \
  M(0, 0, 0) M(1, 0, 0) M(2, 1, 0) M(3, 2, 1) M(4, 3, 2) M(5, 4, 3) M(6, 5, 4) M(7, 6, 5) M(8, 7, 6) M(9, 8, 7) M(10, 9, 8) \
  M(11, 10, 9) M(12, 11, 10) M(13, 12, 11)
#if FN_LEVEL == 4 || FN_LEVEL == 1
#define EACH_PIXELS EACH_12
#else
#define EACH_PIXELS EACH_6
#endif

typedef struct {
  int64_t x, w, taps; /* from the first pixel's x to that of the first tap; the tap's place in w */
} depthwise_group;

typedef struct {
  const float *x, *init; /* init: what pixels start from; NULL: go on from what y holds */
  float *y, *w;          /* backward to the weights, y is dy and only read, and w are the sums */
  depthwise_group groups[DEPTHWISE_GROUPS];
  int64_t ahead; /* from the first pixel's x to what the tile below reads first; its x and y are prefetched: it is too far for
                    the processor to guess, and whole images gain a fifth */
  int64_t inputs, w_input; /* channels of a group, and in w from one to the next */
  int64_t group_count, w_tap; /* w_tap: from a tap of a group to the next, whose x is x_pixel further */
  int64_t rows, x_row, y_row, pixels, x_pixel, y_pixel, columns;
  int64_t strided, x_line; /* between pixels a stride apart, and rows, there are more to prefetch: the floats of a pixel, or 0 */
  int joined, sums, relu;
} depthwise_block;

/* Lane `input` of every `inputs` lanes, in all of them. */
FN_INLINE vf depthwise_spread(vf v, int64_t inputs, int64_t input) {
#if FN_LEVEL == 4
  __m512i first = _mm512_and_si512(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32(-(int)inputs));
  return (vf)_mm512_permutexvar_ps(_mm512_add_epi32(first, _mm512_set1_epi32((int)input)), (__m512)v);
#elif FN_LEVEL == 3
  __m256i first = _mm256_and_si256(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(-(int)inputs));
  return (vf)_mm256_permutevar8x32_ps((__m256)v, _mm256_add_epi32(first, _mm256_set1_epi32((int)input)));
#else
  (void)inputs, (void)input; /* is_depthwise */
  return v;
#endif
}

/* All of these are called with constant pixels, taps, sums, spread and whole. */
FN_INLINE vf depthwise_load(const float *x, int64_t lanes, const int whole) { return whole ? vload(x) : vload_n(x, lanes); }

FN_INLINE void depthwise_vector(const depthwise_block *t, const float *x, float *y, int64_t f, const int pixels, const int sums,
                                const int spread, const int whole) {
  int64_t xs = t->x_pixel, ys = t->y_pixel, lanes = t->columns - f;
  vf init = t->init ? vload(t->init + f) : (vf){0};
#define BEGIN(i, _1, _2) \
  vf y##i = init; \
  if (i < pixels && !t->init) y##i = depthwise_load(y + i * ys, lanes, whole);
  EACH_INPUT(BEGIN)
  for (int i = 0; i < pixels; i++) __builtin_prefetch(x + t->ahead + i * xs), __builtin_prefetch(y + t->y_row + i * ys);
  for (int i = 0; t->strided && i < pixels; i++) {
    const float *next = x + t->ahead + i * xs;
    __builtin_prefetch(next + t->strided), __builtin_prefetch(next - t->x_line), __builtin_prefetch(next - t->x_line + t->strided);
  }
  for (const depthwise_group *g = t->groups; g < t->groups + t->group_count; g++) {
    const float *x0 = x + g->x, *x5 = x0 + 5 * xs, *x10 = x5 + 5 * xs;
    float *w = t->w + g->w + f;
    __asm__("" : "+r"(x5), "+r"(x10)); /* as in conv_tile_run */
#define TAP(y_, w_) \
  if (sums) w_ += v * y_; \
  else y_ += v * w_;
#define INPUT(taps, i, i1, i2) \
  if (i < pixels + taps - 1) { \
    vf v = depthwise_load((i < 5 ? x0 : i < 10 ? x5 : x10) + i % 5 * xs, lanes, whole); \
    if (i < pixels) { TAP(y##i, w0) } \
    if (taps > 1 && i >= 1 && i1 < pixels) { TAP(y##i1, w1) } \
    if (taps > 2 && i >= 2 && i2 < pixels) { TAP(y##i2, w2) } \
  }
#define INPUT_1(...) INPUT(1, __VA_ARGS__)
#define INPUT_2(...) INPUT(2, __VA_ARGS__)
#define INPUT_3(...) INPUT(3, __VA_ARGS__)
#define SPREAD(i, _1, _2) \
  if (i < pixels) { \
    vf v = depthwise_spread(depthwise_load((i < 5 ? x0 : i < 10 ? x5 : x10) + i % 5 * xs, lanes, whole), t->inputs, input); \
    TAP(y##i, w0) \
  }
    for (int64_t input = 0; spread && input < t->inputs; input++, w += t->w_input) {
      vf w0 = vload(w);
      EACH_INPUT(SPREAD)
      if (sums) vstore(w, w0);
    }
    if (spread) continue;
    vf w0 = vload(w), w1 = w0, w2 = w0;
    if (g->taps > 1) w1 = vload(w + t->w_tap);
    if (g->taps > 2) w2 = vload(w + 2 * t->w_tap);
    if (g->taps == 3) {
      EACH_INPUT(INPUT_3)
    } else if (g->taps == 2) {
      EACH_INPUT(INPUT_2)
    } else {
      EACH_INPUT(INPUT_1)
    }
    if (sums) vstore(w, w0);
    if (sums && g->taps > 1) vstore(w + t->w_tap, w1);
    if (sums && g->taps > 2) vstore(w + 2 * t->w_tap, w2);
  }
#define RELU(i, _1, _2) y##i = vrelu(y##i);
  if (t->relu) {
    EACH_INPUT(RELU)
  }
#define END(i, _1, _2) \
  if (i < pixels && !sums) { \
    if (whole) vstore(y + i * ys, y##i); \
    else vstore_n(y + i * ys, y##i, lanes); \
  }
  EACH_INPUT(END)
}
#undef BEGIN
#undef TAP
#undef INPUT
#undef SPREAD
#undef INPUT_1
#undef INPUT_2
#undef INPUT_3
#undef RELU
#undef END
#undef EACH_INPUT

FN_INLINE void depthwise_columns_of(const depthwise_block *t, const float *x, float *y, const int pixels, const int sums, const int spread) {
  int64_t f = 0;
  for (; f + VL <= t->columns; f += VL) depthwise_vector(t, x + f, y + f, f, pixels, sums, spread, 1);
  if (f < t->columns) depthwise_vector(t, x + f, y + f, f, pixels, sums, spread, 0);
}

#define DEFINE(n, name, sums, spread) \
  static void depthwise_##name##n(const depthwise_block *t, const float *x, float *y) { depthwise_columns_of(t, x, y, n, sums, spread); }
#define NAME(n, name, ...) depthwise_##name##n,
EACH_PIXELS(DEFINE, apply_, 0, 0)
EACH_PIXELS(DEFINE, sum_, 1, 0)
EACH_PIXELS(DEFINE, apply_spread_, 0, 1)
EACH_PIXELS(DEFINE, sum_spread_, 1, 1)
static void (*const depthwise_tiles[4][DEPTHWISE_PIXELS])(const depthwise_block *, const float *, float *) = {
  {EACH_PIXELS(NAME, apply_)}, {EACH_PIXELS(NAME, sum_)}, {EACH_PIXELS(NAME, apply_spread_)}, {EACH_PIXELS(NAME, sum_spread_)}};
#undef DEFINE
#undef NAME
#undef EACH_PIXELS

static void depthwise_rows_of_tiles(const depthwise_block *t) {
  void (*const *tiles)(const depthwise_block *, const float *, float *) = depthwise_tiles[t->sums + 2 * (t->inputs > 1)];
  for (int64_t r = 0; r < t->rows; r++) {
    const float *x = t->x + r * t->x_row;
    float *y = t->y + r * t->y_row;
    for (int64_t left = FN_CEIL(t->pixels, DEPTHWISE_PIXELS), count = t->pixels, n; left; left--, count -= n) {
      n = FN_CEIL(count, left);
      tiles[n - 1](t, x, y);
      x += n * t->x_pixel, y += n * t->y_pixel;
    }
  }
}

/* ---- Blocks ---- */

typedef struct {
  fn_conv s;
  int forward;         /* from x to y, or the other way */
  int64_t inputs, times, width; /* channels of a group; filters of a channel where that is one; columns of w and bias: the filters, again and again or padded */
  int joined, relu;    /* joined: pixels side by side fill vectors together */
  float *w;            /* (KH, KW, inputs, width): sums where bias is NULL */
  const float *bias;
  const conv_run *runs;
  int64_t run_count;
} conv_depthwise;

/* Makes a block, and empties its list of taps. */
static void depthwise_flush(const conv_depthwise *d, depthwise_block *block) {
  depthwise_block t = *block;
  if (t.joined) {
    int64_t size = t.pixels * d->s.F, whole = size / d->width;
    t.columns = t.x_pixel = t.y_pixel = d->width, t.pixels = whole;
    depthwise_rows_of_tiles(&t);
    t.x += whole * d->width, t.y += whole * d->width, t.columns = size % d->width, t.pixels = 1;
  }
  depthwise_rows_of_tiles(&t);
  block->group_count = 0, block->init = NULL;
}

/* Taps in one direction: from one to the next on the other side and in w. */
typedef struct {
  conv_taps taps;
  int64_t x, w;
} depthwise_axis;

static depthwise_axis depthwise_axis_of(conv_taps taps, int64_t line, int64_t w) {
  return (depthwise_axis){taps, -taps.o_step * line, taps.k_step * w};
}

/* All taps of `across` and `along`, those along the pixels of a tile up to three together. */
static void depthwise_all_taps(const conv_depthwise *d, depthwise_block *t, depthwise_axis across, depthwise_axis along) {
  int rising = along.x > 0; /* x, with the taps */
  int64_t most = t->inputs == 1 && !t->joined && along.x == (rising ? t->x_pixel : -t->x_pixel) ? 3 : 1, taps;
  t->w_tap = rising ? along.w : -along.w;
  for (int64_t i = 0; i < across.taps.count; i++)
    for (int64_t k = 0; k < along.taps.count; k += taps) {
      taps = FN_CEIL(along.taps.count - k, FN_CEIL(along.taps.count - k, most));
      int64_t first = rising ? k : k + taps - 1;
      if (t->group_count == DEPTHWISE_GROUPS) depthwise_flush(d, t);
        t->ahead = FN_MAX(t->ahead, i * across.x + t->x_row);
      t->groups[t->group_count++] = (depthwise_group){i * across.x + first * along.x, i * across.w + first * along.w, taps};
    }
}

/* `rows` rows that meet the same rows of the kernel; x_line, y_line: from a row to its neighbour; x where kh.o counts from. */
static void depthwise_taps(const conv_depthwise *d, const float *x, int64_t x_line, float *y, int64_t y_row, int64_t rows, conv_taps kh) {
  const fn_conv *s = &d->s;
  for (const conv_run *r = d->runs; r < d->runs + d->run_count; r++) {
    conv_taps kw = r->taps;
    int64_t w_tap = d->inputs * d->width;
    depthwise_axis down = depthwise_axis_of(kh, x_line, s->KW * w_tap), right = depthwise_axis_of(kw, s->F, w_tap);
    depthwise_block t = {.x = x, .y = y + r->at * s->F, .w = d->w + (kh.k * s->KW + kw.k) * w_tap, .init = d->bias,
                         .x_pixel = (d->forward ? s->SW : 1) * s->F, .y_pixel = (d->forward ? 1 : s->SW) * s->F, .pixels = r->count,
                         .x_row = (d->forward ? s->SH : 1) * x_line, .y_row = y_row, .rows = rows,
                         .columns = s->F, .inputs = d->inputs, .w_input = d->width, .joined = d->joined, .sums = !d->bias,
                         .strided = d->forward && s->SW > 1 && s->SH > 1 ? s->F : 0, .x_line = x_line};
    if (kh.count && kw.count) t.x += kh.o * x_line + kw.o * s->F;
    if (r->count < FN_MIN(rows, 3)) { /* at the edges tiles go down the rows */
      depthwise_block across = t;
      t.x_pixel = across.x_row, t.y_pixel = across.y_row, t.pixels = rows, t.joined = 0;
      t.x_row = across.x_pixel, t.y_row = across.y_pixel, t.rows = r->count;
      depthwise_all_taps(d, &t, right, down);
    } else depthwise_all_taps(d, &t, down, right);
    t.relu = d->relu;
    if (t.group_count || t.init) depthwise_flush(d, &t);
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
  int64_t most = FN_MAX(1, 65536 / FN_MAX(1, s->W * s->F)); /* rows of a block: what the caches hold */
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
  *d = (conv_depthwise){.s = *s, .forward = forward, .inputs = s->CG, .times = s->F / s->C, .width = depthwise_width(s),
                        .joined = s->SW == 1 && s->F % VL, .w = (float *)(scratch + table), .runs = (conv_run *)scratch};
  d->run_count = find_runs(s, forward, (conv_run *)scratch);
  return d->w;
}

static void depthwise_columns(const float *row, int64_t F, int64_t width, float *out) {
  for (int64_t f = 0; f < width; f++) out[f] = row[f % F];
}

/* Within every group, channels and filters change places. */
static void depthwise_transpose(const float *w, int64_t F, int64_t inputs, int64_t width, float *out) {
  for (int64_t c = 0; c < inputs; c++)
    for (int64_t f = 0; f < width; f++) out[c * width + f] = w[f % F % inputs * F + f % F / inputs * inputs + c];
}

static int depthwise_prepare(const fn_conv *s, int forward, const float *w, const float *b, conv_depthwise *d) {
  int64_t taps = s->KH * s->KW, width = depthwise_width(s), CG = s->CG;
  float *packed = depthwise_scratch(s, forward, d, (size_t)((taps * CG + 1) * width)), *bias = packed + taps * CG * width;
  if (!packed) return 0;
  for (int64_t k = 0; k < taps * CG; k++) depthwise_columns(w + k * s->F, s->F, width, packed + k * width);
  for (int64_t k = 0; k < taps && CG > 1 && !forward; k++) depthwise_transpose(w + k * CG * s->F, s->F, CG, width, packed + k * CG * width);
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
  int64_t size = s->KH * s->KW * s->CG * d.width, row = part * s->N * s->OH / j->parts, end = (part + 1) * s->N * s->OH / j->parts;
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
  int64_t taps = s->KH * s->KW * s->CG, F = s->F, width = depthwise_width(s);
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
