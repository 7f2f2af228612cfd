/* Convolution backward to the weights: dw[k] += x[k] dy over pixels.  A tile is some inputs k of a window x filters, held
 * in registers over a block of pixels; x is broadcast and dy loaded where they lie, neither is packed.  A chunk of pixels
 * sums into a dw of its own, and these are added up in order at the end. */

#if FN_LEVEL == 4
enum { BLOCK_PIXELS = 256 };
#else
enum { BLOCK_PIXELS = 128 };
#endif

typedef struct {
  const float *x, *dy;
  float *dw;
  int64_t dw_step;                                                     /* from one k to the next */
  int64_t images, x_image, dy_image, rows, x_row, dy_row, pixels, x_pixel, dy_pixel; /* the block */
  int64_t first_row;     /* its first output row */
  const int64_t *offset; /* where input k lies from the window's first; NULL: side by side */
} conv_block;

/* Called with constant rows, vectors and `scattered` only. */
FN_INLINE void weights_tile_run(const conv_block *t, const int rows, const int vectors, const int scattered) {
  float *dw = t->dw;
  int64_t step = t->dw_step, xs = t->x_pixel, ds = t->dy_pixel;
#define BEGIN(i) \
  vf a##i = {0}, b##i = {0}; \
  int64_t o##i = i; \
  if (i < rows && scattered) o##i = t->offset[i]; \
  if (i < rows) a##i = vload(dw + i * step); \
  if (i < rows && vectors > 1) b##i = vload(dw + i * step + VL);
  EACH_ROW(BEGIN)
  for (int64_t n = 0; n < t->images; n++)
    for (int64_t r = 0; r < t->rows; r++) {
      const float *x = t->x + n * t->x_image + r * t->x_row, *dy = t->dy + n * t->dy_image + r * t->dy_row;
      for (int64_t p = t->pixels; p; p--, x += xs, dy += ds) {
        vf d0 = vload(dy), d1 = vectors > 1 ? vload(dy + VL) : d0;
#define FMA(i) \
  if (i < rows) { \
    vf v = vset1(scattered ? x[o##i] : x[i]); \
    a##i += v * d0; \
    if (vectors > 1) b##i += v * d1; \
  }
        EACH_ROW(FMA)
      }
    }
#define END(i) \
  if (i < rows) vstore(dw + i * step, a##i); \
  if (i < rows && vectors > 1) vstore(dw + i * step + VL, b##i);
  EACH_ROW(END)
  (void)o0, (void)o1, (void)o2, (void)o3, (void)o4, (void)o5, (void)o6, (void)o7, (void)o8, (void)o9, (void)o10, (void)o11,
      (void)o12, (void)o13;
}
#undef BEGIN
#undef FMA
#undef END

#define DEFINE(rows, vectors) \
  static void weights_tile_##rows##x##vectors(const conv_block *t) { weights_tile_run(t, rows, vectors, 0); } \
  static void weights_scattered_##rows##x##vectors(const conv_block *t) { weights_tile_run(t, rows, vectors, 1); }
#define SIDE(rows, vectors) weights_tile_##rows##x##vectors,
#define SCATTERED(rows, vectors) weights_scattered_##rows##x##vectors,
EACH_TILE(DEFINE, 1)
EACH_TILE(DEFINE, 2)
static void (*const weights_tiles[2][2][TILE_ROWS])(const conv_block *) = {
    {{EACH_TILE(SIDE, 1)}, {EACH_TILE(SIDE, 2)}}, {{EACH_TILE(SCATTERED, 1)}, {EACH_TILE(SCATTERED, 2)}}};
#undef DEFINE
#undef SIDE
#undef SCATTERED

typedef struct {
  fn_conv s;
  const float *x, *dy;
  const pool_act *pooled; /* what dy comes from, a block at a time; NULL: it lies in dy */
  float *sums;           /* (parts, G, K, padded(F/G)) */
  const int64_t *offset; /* of every input of a window (K), where they do not lie side by side */
  int64_t block_images, block_rows, blocks_in_image, blocks, parts, slices;
  int border; /* x is copied into zero-padded scratch */
  int clip;   /* or that would be too large: taps go over the pixels that they find inside the image */
  int status;
} conv_backward_weights;

FN_INLINE int64_t sums_size(const fn_conv *s) {
  return s->G * s->KH * s->KW * s->CG * padded(s->F / s->G);
}

/* Every panel of filters for inputs [k, k + rows) of group g. */
static void weights_panels(const conv_block *block, const fn_conv *s, float *sums, int64_t g, int64_t k, int64_t rows) {
  int64_t FG = s->F / s->G, P = padded(FG), K = s->KH * s->KW * s->CG;
  for (int64_t p = 0; p * PANEL < FG; p++) {
    conv_block t = *block;
    t.dy += g * FG + p * PANEL;
    t.dw = sums + (g * K + k) * P + p * PANEL;
    t.dw_step = P;
    weights_tiles[t.offset != NULL][panel_vectors(FG, p) - 1][rows - 1](&t);
  }
}

/* Keeps the pixels of a block for which tap (kh, kw) lies inside the image, and moves x there; 0 if there are none. */
static int clip_block(const fn_conv *s, int64_t kh, int64_t kw, conv_block *b) {
  int64_t top = b->first_row * s->SH - s->PT + kh * s->DH, left = kw * s->DW - s->PL, r0, r1, c0, c1;
  fn_conv_range(top, s->SH, s->H, b->rows, &r0, &r1);
  fn_conv_range(left, s->SW, s->W, s->OW, &c0, &c1);
  b->rows = r1 - r0, b->pixels = c1 - c0;
  if (!b->rows || !b->pixels) return 0;
  b->x += ((top + r0 * s->SH) * s->W + left + c0 * s->SW) * s->C;
  b->dy += r0 * b->dy_row + c0 * b->dy_pixel;
  return 1;
}

/* The tiles of one block of pixels, of kernel rows [from, to). */
static void weights_block(const conv_backward_weights *j, const conv_block *block, int64_t width, int64_t from, int64_t to, float *sums) {
  const fn_conv *s = &j->s;
  int side = !j->offset, joined = side && s->DW == 1 && s->G == 1 && !j->clip;
  /* a run of inputs: all of K by a table; a kernel row; or the channels of one tap */
  int64_t run = !side ? (to - from) * s->KW * s->CG : joined ? s->KW * s->CG : s->CG;
  int64_t runs = !side ? 1 : joined ? to - from : (to - from) * s->KW, tiles = FN_CEIL(run, TILE_ROWS);
  for (int64_t g = 0; g < s->G; g++)
    for (int64_t r = 0; r < runs; r++)
      for (int64_t i = 0; i < tiles; i++) {
        conv_block t = *block;
        int64_t at = i * run / tiles, rows = (i + 1) * run / tiles - at, first = from * s->KW * s->CG + r * run + at;
        int64_t kh = joined ? from + r : from + r / s->KW, kw = joined ? 0 : r % s->KW;
        t.x += g * s->CG;
        if (j->clip && !clip_block(s, kh, kw, &t)) continue;
        if (side) t.x += (j->clip ? 0 : kh * s->DH * width + kw * s->DW) * s->C + at;
        else t.offset = j->offset + first;
        weights_panels(&t, s, sums, g, first, rows);
      }
}

/* Whole rows [from, to) of what pooling passes back, counted over all images, to dz. */
static void pool_act_rows(const pool_act *j, int64_t from, int64_t to, float *dz) {
  int pairs = j->p.kw == 2 && j->p.sw == 2 && j->act == FN_RELU;
  for (int64_t row = from; row < to; row++, dz += j->w * j->c) {
    vf sum[4] = {{0}};
    int64_t c = 0;
    for (; pairs && c + 2 * VL <= j->c; c += 2 * VL) pool_act_strip(j, row, 0, j->w, c, 2, VL, 1, FN_RELU, dz + c, sum);
    for (; c < j->c; c += VL) pool_act_strip(j, row, 0, j->w, c, 1, FN_MIN(VL, j->c - c), 0, j->act, dz + c, sum);
  }
}

/* The block's dy: `rows` rows from `row` on, made from what was pooled, with room for a vector behind. */
static int unpool_block(const pool_act *pooled, int64_t row, int64_t rows, int64_t count, conv_block *b) {
  float *dz = fn_scratch(3, (size_t)(count + VL) * 4);
  if (!dz) return 0;
  pool_act_rows(pooled, row, row + rows, dz);
  memset(dz + count, 0, VL * 4);
  b->dy = dz;
  return 1;
}

/* Images [n, n + images) x output rows [row, row + rows) as a block; with a border, of a zero-padded copy of x. */
static int describe_block(conv_backward_weights *j, int64_t n, int64_t images, int64_t row, int64_t rows, conv_block *b) {
  const fn_conv *s = &j->s;
  const float *x = j->x + n * s->H * s->W * s->C;
  int64_t width = s->W, height = s->H, top = j->clip ? 0 : row * s->SH;
  *b = (conv_block){.images = images, .rows = rows, .pixels = s->OW, .first_row = row,
                    .dy = j->pooled ? NULL : j->dy + (n * s->OH + row) * s->OW * s->F,
                    .dy_image = s->OH * s->OW * s->F, .dy_row = s->OW * s->F, .dy_pixel = s->F};
  if (j->border) {
    width = window_width(s), height = window_height(s, rows);
    float *window = fn_scratch(1, (size_t)(images * height * width * s->C) * 4);
    if (!window) return 0;
    for (int64_t i = 0; i < images; i++)
      copy_window(s, x + i * s->H * s->W * s->C, top - s->PT, height, width, window + i * height * width * s->C);
    x = window, top = 0;
  }
  b->x = x + top * width * s->C;
  b->x_image = height * width * s->C, b->x_row = s->SH * width * s->C, b->x_pixel = s->SW * s->C;
  int64_t count = ((images - 1) * s->OH + rows) * s->OW * s->F, end = (n * s->OH + row) * s->OW * s->F + count;
  if (j->pooled) return unpool_block(j->pooled, n * s->OH + row, (images - 1) * s->OH + rows, count, b);
  if (s->F / s->G % VL && s->N * s->OH * s->OW * s->F - end < VL) { /* whole vectors of dy are loaded: make room behind it */
    float *copy = fn_scratch(2, (size_t)(count + VL) * 4);
    if (!copy) return 0;
    memcpy(copy, b->dy, (size_t)count * 4);
    memset(copy + count, 0, VL * 4);
    b->dy = copy;
  }
  return 1;
}

/* A chunk: a part of the blocks x a slice of the kernel's rows. */
static void weights_chunk(void *ctx, int64_t chunk) {
  conv_backward_weights *j = ctx;
  const fn_conv *s = &j->s;
  int64_t part = chunk / j->slices, slice = chunk % j->slices;
  int64_t from = slice * s->KH / j->slices, to = (slice + 1) * s->KH / j->slices, row = s->KW * s->CG * padded(s->F / s->G);
  float *sums = j->sums + part * sums_size(s);
  for (int64_t g = 0; g < s->G; g++) memset(sums + (g * s->KH + from) * row, 0, (size_t)((to - from) * row) * 4);
  for (int64_t i = part * j->blocks / j->parts; i < (part + 1) * j->blocks / j->parts; i++) {
    int64_t n = i / j->blocks_in_image * j->block_images, first = i % j->blocks_in_image * j->block_rows;
    conv_block block;
    if (!describe_block(j, n, FN_MIN(j->block_images, s->N - n), first, FN_MIN(j->block_rows, s->OH - first), &block)) {
      __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
      return;
    }
    weights_block(j, &block, j->border ? window_width(s) : s->W, from, to, sums);
  }
}

/* Adds up the parts, in order: dw[k] for one row of the kernel. */
typedef struct {
  const fn_conv *s;
  const float *sums;
  float *dw;
  int64_t parts;
} conv_reduce;

static void add_parts(void *ctx, int64_t kh) {
  const conv_reduce *j = ctx;
  const fn_conv *s = j->s;
  int64_t size = sums_size(s), FG = s->F / s->G;
  int64_t run = s->KW * s->CG, K = s->KH * run;
  for (int64_t k = kh * run; k < (kh + 1) * run; k++)
    for (int64_t g = 0; g < s->G; g++)
      for (int64_t f = 0; f < FG; f += VL) {
        const float *from = j->sums + (g * K + k) * padded(FG) + f;
        float *to = j->dw + k * s->F + g * FG + f;
        vf sum = vload(from);
        for (int64_t p = 1; p < j->parts; p++) sum += vload(from + p * size);
        if (FG - f < VL) vstore_n(to, sum, FG - f);
        else vstore(to, sum);
      }
}

/* Blocks of about BLOCK_PIXELS pixels: rows of one image, or several small images. */
static void cut_into_blocks(conv_backward_weights *j, int scattered) {
  const fn_conv *s = &j->s;
  int64_t pixels = s->OH * s->OW, cuts = FN_MAX((pixels + BLOCK_PIXELS / 2) / BLOCK_PIXELS, 1);
  j->block_rows = FN_CEIL(s->OH, FN_MIN(cuts, s->OH));
  j->block_images = cuts > 1 ? 1 : FN_MAX(BLOCK_PIXELS / pixels, 1);
  j->blocks_in_image = FN_CEIL(s->OH, j->block_rows);
  j->blocks = FN_CEIL(s->N, j->block_images) * j->blocks_in_image;
  /* A part costs a dw to fill and to add up: worth it for some hundreds of pixels.  Few parts: slices of the kernel too. */
  int64_t all = s->N * pixels, wide = sums_size(s) > (1 << 16);
  int64_t most = (double)all * sums_size(s) < 1e6 ? 1 : 16;
  j->parts = FN_MAX(FN_MIN(FN_MIN(all / (wide ? 2048 : 512), j->blocks), most), 1);
  j->slices = j->parts < 4 && most > 1 && !scattered ? s->KH : 1;
}

/* Inputs of a window that lie apart: K offsets into an image `width` wide. */
static void fill_offsets(const fn_conv *s, int64_t width, int64_t *offset) {
  for (int64_t kh = 0; kh < s->KH; kh++)
    for (int64_t kw = 0; kw < s->KW; kw++)
      for (int64_t c = 0; c < s->CG; c++) *offset++ = (kh * s->DH * width + kw * s->DW) * s->C + c;
}

#include "winograd_weights.h"

static int run_weights(conv_backward_weights *j, float *dw) {
  const fn_conv *s = &j->s;
  int64_t size = fn_conv_size(s->KH, s->KW, s->CG, s->F);
  int64_t K = s->KH * s->KW * s->CG, run = (s->DW == 1 && s->G == 1 ? s->KW : 1) * s->CG;
  int scattered = run * 2 < TILE_ROWS && run < K;
  j->border = has_border(s);
  cut_into_blocks(j, scattered);
  /* a border of half the image or more is a fifth of the work, on zeros: more than whole rows of the kernel gain */
  int hollow = s->CG >= TILE_ROWS && 2. * window_height(s, s->OH) * window_width(s) > 3. * s->H * s->W;
  j->clip = j->border && (hollow || too_wide(s, j->block_images, j->block_rows));
  if (j->clip) j->border = scattered = 0;
  size_t table = scattered ? (size_t)FN_CEIL(K, 8) * 64 : 0;
  char *scratch = fn_scratch(0, table + (size_t)(j->parts * sums_size(s)) * 4);
  if (!scratch) return FN_NOMEM;
  if (scattered) fill_offsets(s, j->border ? window_width(s) : s->W, (int64_t *)scratch), j->offset = (int64_t *)scratch;
  j->sums = (float *)(scratch + table);
  fn_parallel(j->parts * j->slices, weights_chunk, j);
  conv_reduce reduce = {s, j->sums, dw, j->parts};
  if (j->parts * size < 65536) for (int64_t kh = 0; kh < s->KH; kh++) add_parts(&reduce, kh);
  else fn_parallel(s->KH, add_parts, &reduce);
  return j->status;
}

FN_TUNED(conv2d_backward_weights) {
  conv_backward_weights j = {.x = a[0].p, .dy = a[1].p};
  fn_conv *s = &j.s;
  float *dw = a[2].p;
  int ok = fn_conv_read(s, a + 3);
  int64_t size = fn_conv_size(s->KH, s->KW, s->CG, s->F);
  if (!ok || !s->N || !s->OH || !s->H || !s->W) {
    memset(dw, 0, (size_t)size * 4);
    return FN_OK;
  }
  if (!size) return FN_OK;
  if (a[3 + FN_CONV_SHAPE_ARGS].i && winograd_weights_pays(s)) {
    winograd_weights wino = {.s = *s, .x = j.x, .dy = j.dy, .dw = dw};
    return winograd_run_weights(&wino);
  }
  if (is_depthwise(s)) return depthwise_run_weights(s, j.x, j.dy, dw);
  return run_weights(&j, dw);
}
