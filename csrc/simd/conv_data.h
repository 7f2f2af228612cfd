/* Convolution backward to the data, in one of these ways; the kernel is packed transposed, and no stride costs anything.
 *  - Kernel column by kernel column: for a fixed kw, output pixels lie on input pixels a stride apart, so a tile of dy times
 *    w[:, kw] is added onto them.  Nothing is padded.
 *  - All columns at once, out of rows of dy with zeros at both ends: pixels a stride apart see the same columns.  Better
 *    where a column alone is little work for what it costs to take up sums and put them back.
 *  - Where rows are short, all columns at once for the same pixel of several images.
 *  - Depthwise (conv_depthwise.h), and to images of few channels (conv_few.h). */

typedef struct conv_backward_data conv_backward_data;

struct conv_backward_data {
  fn_conv s;
  const float *dy, *w; /* w packed (G, panels of CG, KW, KH, FG, PANEL) */
  float *dx;
  int64_t rows, chunk_rows;
  void (*make_rows)(conv_backward_data *j, int64_t n, int64_t from, int64_t to); /* rows of image n */
  conv_depthwise depthwise; /* where it is one */
  int status;
};

/* dst[f][c] = src[c][f], `vectors` * VL columns of which `width` exist. */
static void pack_transposed(const float *src, int64_t row, int64_t width, int64_t FG, int64_t vectors, float *dst) {
  for (int64_t c = width; c < vectors * VL; c++)
    for (int64_t f = 0; f < FG; f++) dst[f * vectors * VL + c] = 0;
  for (int64_t f0 = 0; f0 < FG; f0 += 16) /* a cache line of each row at a time */
    for (int64_t c = 0; c < width; c++)
      for (int64_t f = f0; f < FN_MIN(f0 + 16, FG); f++) dst[f * vectors * VL + c] = src[c * row + f];
}

typedef struct {
  const fn_conv *s;
  const float *w;
  float *packed;
} conv_pack;

/* One (g, kh, kw): every panel of input channels. */
static void pack_tap(void *ctx, int64_t chunk) {
  const conv_pack *j = ctx;
  const fn_conv *s = j->s;
  int64_t FG = s->F / s->G, taps = s->KH * s->KW, g = chunk / taps, kh = chunk % taps / s->KW, kw = chunk % s->KW;
  for (int64_t p = 0; p * PANEL < s->CG; p++) {
    int64_t vectors = panel_vectors(s->CG, p);
    float *panel = j->packed + (g * padded(s->CG) + p * PANEL) * taps * FG;
    pack_transposed(j->w + ((kh * s->KW + kw) * s->CG + p * PANEL) * s->F + g * FG, s->F,
                    FN_MIN(PANEL, s->CG - p * PANEL), FG, vectors, panel + (kw * s->KH + kh) * FG * vectors * VL);
  }
}

/* ---- Column by column ---- */

/* Adds to one row of dx what output pixels [from, to) give, through every column of the kernel.  The row has `width`
 * floats a pixel: channels padded to whole vectors, so that sums never meet a mask. */
static void data_row_pixels(const conv_backward_data *j, const float *dy, conv_taps kh, int64_t from, int64_t to, float *row, int64_t width) {
  const fn_conv *s = &j->s;
  int64_t FG = s->F / s->G, P = padded(s->CG), taps = s->KH * s->KW;
  for (int64_t g = 0; g < s->G; g++)
    for (int64_t p = 0; p * PANEL < s->CG; p++) {
      int64_t vectors = panel_vectors(s->CG, p), wide = vectors * VL;
      conv_tile t = {.x_step = s->F, .y_step = s->SW * width, .outer = kh.count, .x_outer = -kh.o_step * s->OW * s->F,
                     .w_outer = kh.k_step * FG * wide, .inner = 1, .len = FG, .lanes = VL};
      for (int64_t kw = 0; kw < s->KW; kw++) {
        int64_t left = kw * s->DW - s->PL, lo, hi;
        fn_conv_range(left + from * s->SW, s->SW, s->W, to - from, &lo, &hi);
        lo += from, hi += from;
        t.x = dy + (kh.o * s->OW + lo) * s->F + g * FG;
        t.w = j->w + (g * P + p * PANEL) * taps * FG + (kw * s->KH + kh.k) * FG * wide;
        t.y = row + (lo * s->SW + left) * width + g * P + p * PANEL;
        conv_tiles_over(&t, hi - lo, vectors);
      }
    }
}

FN_INLINE void prefetch(const float *p, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) __builtin_prefetch(p + i, 0, 2);
}

/* Row ih of an image, tile by tile, so that the pixels of dy stay at hand for all columns of the kernel. */
static void data_row(const conv_backward_data *j, const float *dy, int64_t ih, float *row, int64_t width) {
  const fn_conv *s = &j->s;
  conv_taps kh = taps_at(ih, s->PT, s->SH, s->DH, s->KH, s->OH);
  memset(row, 0, (size_t)(s->W * width) * 4);
  int64_t tiles = kh.count ? FN_CEIL(s->OW, TILE_ROWS) : 0;
  for (int64_t i = 0; i < tiles; i++) {
    int64_t from = i * s->OW / tiles, to = (i + 1) * s->OW / tiles;
    if (kh.o + 1 < s->OH) prefetch(dy + ((kh.o + 1) * s->OW + from) * s->F, (to - from) * s->F);
    data_row_pixels(j, dy, kh, from, to, row, width);
  }
}

static void data_rows_chunk(void *ctx, int64_t chunk) {
  conv_backward_data *j = ctx;
  const fn_conv *s = &j->s;
  int64_t P = padded(s->CG), width = s->G * P;
  float *sums = P == s->CG ? NULL : fn_scratch(1, (size_t)(s->W * width) * 4);
  if (P != s->CG && !sums) {
    __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t i = chunk * j->chunk_rows; i < FN_MIN((chunk + 1) * j->chunk_rows, j->rows); i++) {
    float *dx = j->dx + i * s->W * s->C;
    data_row(j, j->dy + i / s->H * s->OH * s->OW * s->F, i % s->H, sums ? sums : dx, width);
    for (int64_t k = 0; sums && k < s->W * s->G; k++, dx += s->CG) /* without the padding */
      for (int64_t c = 0; c < s->CG; c += VL) {
        if (s->CG - c < VL) vstore_n(dx + c, vload(sums + k * P + c), s->CG - c);
        else vstore(dx + c, vload(sums + k * P + c));
      }
  }
}

/* ---- All columns at once ---- */

/* `pixels` inputs that see the same taps: outputs x_step apart from x on, their sums y_step apart from y on.  dy comes in
 * rows `width` wide. */
static void data_pixels(const conv_backward_data *j, const float *dy, int64_t width, conv_taps kh, conv_taps kw, int64_t pixels,
                        int64_t x_step, float *dx, int64_t y_step) {
  static const float zeros[PANEL];
  const fn_conv *s = &j->s;
  int64_t FG = s->F / s->G, taps = s->KH * s->KW;
  if (!kh.count || !kw.count) kh = kw = (conv_taps){0};
  for (int64_t g = 0; g < s->G; g++)
    for (int64_t p = 0; p * PANEL < s->CG; p++) {
      int64_t vectors = panel_vectors(s->CG, p), wide = vectors * VL;
      conv_tile t = {.init = zeros, .x_step = x_step, .y_step = y_step, .lanes = panel_lanes(s->CG, p), .len = FG,
                     .outer = kh.count, .x_outer = -kh.o_step * width * s->F, .w_outer = kh.k_step * FG * wide,
                     .inner = kw.count, .x_inner = -kw.o_step * s->F, .w_inner = kw.k_step * s->KH * FG * wide};
      t.x = dy + (kh.o * width + kw.o) * s->F + g * FG;
      t.w = j->w + (g * padded(s->CG) + p * PANEL) * taps * FG + (kw.k * s->KH + kh.k) * FG * wide;
      t.y = dx + g * s->CG + p * PANEL;
      conv_tiles_over(&t, pixels, vectors);
    }
}

/* The zeros that a row of dy needs at its ends, so that every input pixel finds all its columns. */
static void data_margins(const fn_conv *s, int64_t *left, int64_t *right) {
  *left = FN_MAX(fn_ceil_div((s->KW - 1) * s->DW - s->PL, s->SW), 0);
  *right = FN_MAX(fn_ceil_div(s->W + s->PL, s->SW) - s->OW, 0);
}

/* Rows [from, to) of one image, out of a copy of dy with margins. */
static void data_padded_rows(conv_backward_data *j, int64_t n, int64_t from, int64_t to) {
  const fn_conv *s = &j->s;
  int64_t left, right, first = FN_MAX(fn_ceil_div(from + s->PT - (s->KH - 1) * s->DH, s->SH), 0);
  data_margins(s, &left, &right);
  int64_t rows = FN_MAX(FN_MIN(fn_ceil_div(to + s->PT, s->SH), s->OH) - first, 0), width = left + s->OW + right;
  fn_conv dy = {.H = s->OH, .W = s->OW, .C = s->F, .PL = left};
  float *copy = fn_scratch(2, (size_t)(rows * width * s->F) * 4);
  if (!copy) {
    __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
    return;
  }
  copy_window(&dy, j->dy + n * s->OH * s->OW * s->F, first, rows, width, copy);
  for (int64_t ih = from; ih < to; ih++) {
    conv_taps kh = taps_at(ih, s->PT, s->SH, s->DH, s->KH, s->OH);
    kh.o -= first;
    for (int64_t iw = 0; iw < FN_MIN(s->SW, s->W); iw++) {
      conv_taps kw = taps_at(iw, s->PL + left * s->SW, s->SW, s->DW, s->KW, width);
      float *dx = j->dx + ((n * s->H + ih) * s->W + iw) * s->C;
      data_pixels(j, copy, width, kh, kw, FN_CEIL(s->W - iw, s->SW), s->F, dx, s->SW * s->C);
    }
  }
}

/* Whether margins cost less than the sums of a column that are taken up and put back: in steps of a tile. */
static int margins_pay(const conv_backward_data *j) {
  const fn_conv *s = &j->s;
  int64_t left, right, real = 0;
  data_margins(s, &left, &right);
  for (int64_t kw = 0; kw < s->KW && kw < 64; kw++) {
    int64_t lo, hi;
    fn_conv_range(kw * s->DW - s->PL, s->SW, s->W, s->OW, &lo, &hi);
    real += hi - lo;
  }
  double column = (double)s->KH / s->SH * (s->F / s->G), all = (double)s->W * s->KW / s->SW;
  double scratch = ((double)j->chunk_rows / s->SH + s->KH * s->DH) * (left + s->OW + right) * s->F;
  return s->KW > 1 && s->KW < 64 && real && column <= 64 && (all / real - 1) * column < 24 && scratch < (1 << 20);
}

static void data_images_chunk(void *ctx, int64_t chunk) {
  const conv_backward_data *j = ctx;
  const fn_conv *s = &j->s;
  int64_t blocks = FN_CEIL(s->N, TILE_ROWS), block = chunk / s->H, ih = chunk % s->H, image = s->OH * s->OW * s->F;
  int64_t n = block * s->N / blocks, images = (block + 1) * s->N / blocks - n;
  conv_taps kh = taps_at(ih, s->PT, s->SH, s->DH, s->KH, s->OH);
  for (int64_t iw = 0; iw < s->W; iw++) {
    conv_taps kw = taps_at(iw, s->PL, s->SW, s->DW, s->KW, s->OW);
    float *dx = j->dx + ((n * s->H + ih) * s->W + iw) * s->C;
    data_pixels(j, j->dy + n * image, s->OW, kh, kw, images, image, dx, s->H * s->W * s->C);
  }
}

static void data_depthwise_rows(conv_backward_data *j, int64_t n, int64_t from, int64_t to) {
  const fn_conv *s = &j->s;
  if (!depthwise_image(&j->depthwise, j->dy + n * s->OH * s->OW * s->F, j->dx + (n * s->H + from) * s->W * s->C, from, to))
    __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
}

#include "conv_few.h"

/* ---- Which way ---- */

static void data_chunk(void *ctx, int64_t chunk) {
  conv_backward_data *j = ctx;
  int64_t H = j->s.H, row = chunk * j->chunk_rows, end = FN_MIN(row + j->chunk_rows, j->rows);
  while (row < end) {
    int64_t from = row % H, to = FN_MIN(H, from + end - row);
    j->make_rows(j, row / H, from, to);
    row += to - from;
  }
}

FN_TUNED(conv2d_backward_data) {
  conv_backward_data j = {.dy = a[0].p, .dx = a[2].p};
  fn_conv *s = &j.s;
  int ok = fn_conv_read(s, a + 3);
  int64_t size = fn_conv_size(s->N, s->H, s->W, s->C);
  if (!ok || !s->F || !s->OH) memset(j.dx, 0, (size_t)size * 4);
  if (!ok || !s->F || !s->OH || !size) return FN_OK;
  winograd_job wino = {.s = winograd_backward_shape(s), .x = j.dy, .w = a[1].p, .y = j.dx, .turned = 1};
  if (a[3 + FN_CONV_SHAPE_ARGS].i && winograd_run_pays(&wino.s)) return winograd_run(&wino, NULL);
  int64_t FG = s->F / s->G, taps = s->KH * s->KW;
  j.rows = s->N * s->H;
  j.chunk_rows = rows_in_chunk(j.rows, (double)s->OH * s->OW * s->F * taps * s->CG / s->H, (double)taps * s->CG * s->F);
  int64_t chunks = FN_CEIL(j.rows, j.chunk_rows);
  if (is_depthwise(s)) {
    if (!depthwise_prepare(s, 0, a[1].p, NULL, &j.depthwise)) return FN_NOMEM;
    j.make_rows = data_depthwise_rows;
    fn_parallel(chunks, data_chunk, &j);
    return j.status;
  }
  float *packed = fn_scratch(0, (size_t)(taps * s->G * padded(s->CG) * FG) * 4);
  if (!packed) return FN_NOMEM;
  j.w = packed;
  if (has_few_channels(&j)) {
    pack_windows(s, a[1].p, packed);
    j.make_rows = data_few_rows;
    fn_parallel(chunks, data_chunk, &j);
    return j.status;
  }
  conv_pack pack = {s, a[1].p, packed};
  int64_t kernel = taps * s->CG * s->F;
  if (kernel < 32768) for (int64_t i = 0; i < s->G * taps; i++) pack_tap(&pack, i);
  else fn_parallel(s->G * taps, pack_tap, &pack);
  j.make_rows = data_padded_rows;
  if (has_short_rows(s)) fn_parallel(FN_CEIL(s->N, TILE_ROWS) * s->H, data_images_chunk, &j);
  else fn_parallel(chunks, margins_pay(&j) ? data_chunk : data_rows_chunk, &j);
  return j.status;
}
