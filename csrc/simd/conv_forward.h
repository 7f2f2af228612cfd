/* Convolution forward.  Output pixels of a row (or, where rows are short, the same pixel of several images) are tiles;
 * the kernel is packed once into panels of filters; images with a border are copied into zero-padded scratch, some rows
 * at a time. */

typedef struct conv_forward conv_forward;
typedef void (*conv_rows)(conv_forward *j, int64_t n, int64_t from, int64_t to, float *y); /* rows of image n */

struct conv_forward {
  fn_conv s;
  const float *x, *w, *b; /* w packed (G, panels, K, PANEL), b padded to whole vectors */
  float *y;
  int64_t act;
  float alpha;
  int64_t rows, chunk_rows; /* output rows in all, and in a chunk */
  conv_rows make_rows;
  conv_depthwise depthwise; /* where it is one */
  int border, stream, status;
};

/* One panel of filters as (K, vectors*VL): rows of `width` out of rows of F, the tail zero. */
static void pack_panel(const float *w, int64_t K, int64_t row, int64_t width, float *panel) {
  int64_t vectors = FN_CEIL(width, VL);
  for (int64_t k = 0; k < K; k++, w += row)
    for (int64_t v = 0; v < vectors; v++, panel += VL) {
      int64_t lanes = width - v * VL;
      vstore(panel, lanes >= VL ? vload(w + v * VL) : vload_n(w + v * VL, lanes));
    }
}

static void pack_filters(const fn_conv *s, const float *w, float *packed) {
  int64_t K = s->KH * s->KW * s->CG, FG = s->F / s->G;
  for (int64_t g = 0; g < s->G; g++)
    for (int64_t p = 0; p * PANEL < FG; p++)
      pack_panel(w + g * FG + p * PANEL, K, s->F, FN_MIN(PANEL, FG - p * PANEL), packed + (g * padded(FG) + p * PANEL) * K);
}

/* ---- The border ---- */

/* The input that `rows` output rows and all columns see, as an image of its own. */
FN_INLINE int64_t window_height(const fn_conv *s, int64_t rows) { return (rows - 1) * s->SH + (s->KH - 1) * s->DH + 1; }
FN_INLINE int64_t window_width(const fn_conv *s) { return (s->OW - 1) * s->SW + (s->KW - 1) * s->DW + 1; }
static int has_border(const fn_conv *s) {
  return s->PT || s->PL || window_height(s, s->OH) > s->H || window_width(s) > s->W;
}

/* 16 MB of scratch for a border is too much (a dilation of thousands, say): then some slower way has to do. */
static int too_wide(const fn_conv *s, int64_t images, int64_t rows) {
  return (double)images * window_height(s, rows) * window_width(s) * s->C > (1 << 22);
}

/* Copies rows [top, top + height) and columns [-PL, width - PL) of an image; what lies outside is zero. */
static void copy_window(const fn_conv *s, const float *x, int64_t top, int64_t height, int64_t width, float *out) {
  int64_t lo = FN_MIN(FN_MAX(s->PL, 0), width), hi = FN_MAX(FN_MIN(s->W + s->PL, width), lo), C = s->C;
  for (int64_t r = 0; r < height; r++, out += width * C) {
    int64_t ih = top + r;
    int inside = ih >= 0 && ih < s->H && lo < hi;
    int64_t a = inside ? lo : width, b = inside ? hi : width;
    memset(out, 0, (size_t)(a * C) * 4);
    if (inside) memcpy(out + a * C, x + (ih * s->W + a - s->PL) * C, (size_t)((b - a) * C) * 4);
    memset(out + b * C, 0, (size_t)((width - b) * C) * 4);
  }
}

/* ---- Tiles ---- */

/* The activations that are not worth a place in the tile's epilogue: over what it has just stored. */
static void activate_pixels(const conv_forward *j, float *y, int64_t pixels, int64_t step, int64_t width) {
  if (j->act <= FN_RELU) return;
  for (int64_t i = 0; i < pixels; i++, y += step)
    for (int64_t f = 0; f < width; f += VL) {
      int64_t lanes = FN_MIN(width - f, VL);
      vf v = lanes < VL ? vload_n(y + f, lanes) : vload(y + f);
      v = vactivate((int)j->act, v, j->alpha);
      if (lanes < VL) vstore_n(y + f, v, lanes);
      else vstore(y + f, v);
    }
}

/* Rows of outputs that one call of run_panels covers: `pixels` in each, from one to the next x_row and y_row further. */
typedef struct {
  int64_t rows, pixels, x_row, y_row;
} conv_outputs;

/* Every group and panel of filters for some rows of outputs: a panel stays in the cache for all of them.  t has the
 * geometry, the first x and the first y; w_first: where in K it begins. */
static void run_panels(const conv_forward *j, const conv_tile *geometry, int64_t w_first, conv_outputs out) {
  const fn_conv *s = &j->s;
  int64_t K = s->KH * s->KW * s->CG, FG = s->F / s->G, P = padded(FG);
  for (int64_t g = 0; g < s->G; g++)
    for (int64_t p = 0; p * PANEL < FG; p++) {
      conv_tile t = *geometry;
      int64_t vectors = panel_vectors(FG, p), width = vectors * VL;
      t.x += g * s->CG, t.y += g * FG + p * PANEL;
      t.w = j->w + (g * P + p * PANEL) * K + w_first * width;
      t.init = j->b + g * P + p * PANEL;
      t.w_outer *= width, t.w_inner *= width;
      t.lanes = panel_lanes(FG, p);
      for (int64_t r = 0; r < out.rows; r++, t.x += out.x_row, t.y += out.y_row) {
        conv_tiles_over(&t, out.pixels, vectors);
        activate_pixels(j, t.y, out.pixels, t.y_step, (vectors - 1) * VL + t.lanes);
      }
    }
}

/* The runs of K in an image of rows W wide: whole kernel rows where their inputs lie side by side. */
static conv_tile walk_kernel(const conv_forward *j, int64_t kh, int64_t kw, int64_t W) {
  const fn_conv *s = &j->s;
  int joined = s->DW == 1 && s->G == 1;
  return (conv_tile){.outer = kh, .x_outer = s->DH * W * s->C, .w_outer = s->KW * s->CG,
                     .inner = joined ? 1 : kw, .x_inner = s->DW * s->C, .w_inner = s->CG,
                     .len = joined ? kw * s->CG : s->CG, .relu = j->act == FN_RELU, .stream = j->stream};
}

/* Rows [from, to) of one image, to y. */
static void forward_rows(conv_forward *j, int64_t n, int64_t from, int64_t to, float *y) {
  const fn_conv *s = &j->s;
  const float *x = j->x + n * s->H * s->W * s->C;
  int64_t top = from * s->SH, width = s->W;
  if (j->border) {
    width = window_width(s);
    int64_t height = window_height(s, to - from);
    float *window = fn_scratch(1, (size_t)(height * width * s->C) * 4);
    if (!window) {
      __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
      return;
    }
    copy_window(s, x, top - s->PT, height, width, window);
    x = window, top = 0;
  }
  conv_tile t = walk_kernel(j, s->KH, s->KW, width);
  t.x_step = s->SW * s->C, t.y_step = s->F;
  t.x = x + top * width * s->C, t.y = y;
  run_panels(j, &t, 0, (conv_outputs){to - from, s->OW, s->SH * width * s->C, s->OW * s->F});
}

static void forward_chunk(void *ctx, int64_t chunk) {
  conv_forward *j = ctx;
  int64_t OH = j->s.OH, row = chunk * j->chunk_rows, end = FN_MIN(row + j->chunk_rows, j->rows);
  while (row < end) {
    int64_t n = row / OH, from = row % OH, to = FN_MIN(OH, from + end - row);
    j->make_rows(j, n, from, to, j->y + row * j->s.OW * j->s.F);
    row += to - from;
  }
}

/* Short rows: a tile is the same output pixel of TILE_ROWS images, and the border is stepped over. */
static void forward_images_chunk(void *ctx, int64_t chunk) {
  const conv_forward *j = ctx;
  const fn_conv *s = &j->s;
  int64_t blocks = FN_CEIL(s->N, TILE_ROWS), block = chunk / s->OH, oh = chunk % s->OH;
  int64_t n = block * s->N / blocks, images = (block + 1) * s->N / blocks - n;
  int64_t h0, h1, w0, w1, ih = oh * s->SH - s->PT;
  fn_conv_range(ih, s->DH, s->H, s->KH, &h0, &h1);
  for (int64_t ow = 0; ow < s->OW; ow++) {
    int64_t iw = ow * s->SW - s->PL;
    fn_conv_range(iw, s->DW, s->W, s->KW, &w0, &w1);
    conv_tile t = walk_kernel(j, h1 - h0, w1 - w0, s->W);
    t.x_step = s->H * s->W * s->C, t.y_step = s->OH * s->OW * s->F;
    t.x = h0 < h1 && w0 < w1 ? j->x + n * t.x_step + ((ih + h0 * s->DH) * s->W + iw + w0 * s->DW) * s->C : j->x;
    t.y = j->y + n * t.y_step + (oh * s->OW + ow) * s->F;
    run_panels(j, &t, (h0 * s->KW + w0) * s->CG, (conv_outputs){1, images, 0, 0});
  }
}

/* ---- Any other shape: the few rows of im2col that a tile needs ---- */

static void gather_pixel(const fn_conv *s, const float *x, int64_t oh, int64_t ow, float *cols) {
  for (int64_t kh = 0; kh < s->KH; kh++)
    for (int64_t kw = 0; kw < s->KW; kw++, cols += s->C) {
      int64_t ih = oh * s->SH - s->PT + kh * s->DH, iw = ow * s->SW - s->PL + kw * s->DW;
      int inside = ih >= 0 && ih < s->H && iw >= 0 && iw < s->W;
      if (inside) memcpy(cols, x + (ih * s->W + iw) * s->C, (size_t)s->C * 4);
      else memset(cols, 0, (size_t)s->C * 4);
    }
}

/* Pixels [first, first + count) of all images, a tile at most, to y. */
static void gather_tile(conv_forward *j, int64_t first, int64_t count, float *y) {
  const fn_conv *s = &j->s;
  int64_t K = s->KH * s->KW * s->C, step = K % 256 ? K : K + VL; /* never a multiple of 1 KB: such rows share cache sets */
  float *cols = fn_scratch(1, (size_t)(count * step) * 4);
  if (!cols) {
    __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t i = 0; i < count; i++) {
    int64_t row = (first + i) / s->OW, ow = (first + i) % s->OW;
    gather_pixel(s, j->x + row / s->OH * s->H * s->W * s->C, row % s->OH, ow, cols + i * step);
  }
  conv_tile t = {.x = cols, .y = y, .x_step = step, .y_step = s->F, .outer = 1, .inner = s->KH * s->KW, .x_inner = s->C,
                 .w_inner = s->CG, .len = s->CG, .relu = j->act == FN_RELU};
  if (s->G == 1) t.len *= t.inner, t.inner = 1;
  run_panels(j, &t, 0, (conv_outputs){1, count, 0, 0});
}

static void gather_chunk(void *ctx, int64_t chunk) {
  conv_forward *j = ctx;
  int64_t pixels = j->rows * j->s.OW, tiles = FN_CEIL(pixels, TILE_ROWS), first = chunk * pixels / tiles;
  gather_tile(j, first, (chunk + 1) * pixels / tiles - first, j->y + first * j->s.F);
}

static void gather_rows(conv_forward *j, int64_t n, int64_t from, int64_t to, float *y) {
  int64_t row = n * j->s.OH, last = (row + to) * j->s.OW;
  for (int64_t first = (row + from) * j->s.OW, count; first < last; first += count, y += count * j->s.F) {
    count = FN_MIN(last - first, TILE_ROWS);
    gather_tile(j, first, count, y);
  }
}

/* ---- Depthwise: filter c sees channel c, so channels fill the vectors ---- */

static void depthwise_rows(conv_forward *j, int64_t n, int64_t from, int64_t to, float *y) {
  const fn_conv *s = &j->s;
  if (!depthwise_image(&j->depthwise, j->x + n * s->H * s->W * s->C, y, from, to)) __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
  else activate_pixels(j, y, (to - from) * s->OW, s->F, s->F);
}

/* ---- Which way ---- */

/* Rows in a chunk: four million multiply-adds, more where the kernel is large (so that it is not fetched anew for every
 * row), one chunk for all where there is little work. */
static int64_t rows_in_chunk(int64_t rows, double row_work, double kernel) {
  if (rows * row_work < 1e6) return FN_MAX(rows, 1);
  double most = FN_MAX(4e6, 64 * kernel);
  return FN_MAX(1, FN_MIN((int64_t)(most / row_work), FN_CEIL(rows, 8)));
}

/* Tiles across images, not along rows: where a row is half a tile or less. */
static int has_short_rows(const fn_conv *s) { return s->OW * 2 <= TILE_ROWS && s->N * 2 >= TILE_ROWS; }

/* What makes `rows` rows of an image at a time. */
static conv_rows rows_maker(const conv_forward *j, int64_t rows) {
  if (is_depthwise(&j->s)) return depthwise_rows;
  return j->s.OW * 2 < TILE_ROWS || (j->border && too_wide(&j->s, 1, rows)) ? gather_rows : forward_rows;
}

static int run_forward(conv_forward *j) {
  const fn_conv *s = &j->s;
  double row_work = (double)s->OW * s->F * s->KH * s->KW * s->CG;
  j->rows = s->N * s->OH;
  j->chunk_rows = rows_in_chunk(j->rows, row_work, (double)s->KH * s->KW * s->CG * s->F);
  j->border = has_border(s);
  j->make_rows = rows_maker(j, FN_MIN(j->chunk_rows, s->OH));
  void (*chunk)(void *, int64_t) = forward_chunk;
  int64_t chunks = FN_CEIL(j->rows, j->chunk_rows);
  if (j->make_rows != depthwise_rows && has_short_rows(s))
    chunk = forward_images_chunk, chunks = FN_CEIL(s->N, TILE_ROWS) * s->OH;
  else if (j->make_rows == gather_rows) chunk = gather_chunk, chunks = FN_CEIL(j->rows * s->OW, TILE_ROWS);
  else if (j->make_rows == forward_rows) {
    double bytes = 4. * j->rows * s->OW * s->F;
    j->stream = bytes > (1 << 24) && j->act <= FN_RELU && s->F / s->G % VL == 0 && (uintptr_t)j->y % (VL * 4) == 0;
  }
  fn_parallel(chunks, chunk, j);
  vfence(j->stream);
  return j->status;
}

/* The filters and the bias as the tiles take them, in scratch. */
static int prepare_forward(conv_forward *j, const float *w, const float *b) {
  const fn_conv *s = &j->s;
  if (is_depthwise(s)) {
    if (!depthwise_prepare(s, 1, w, b, &j->depthwise)) return FN_NOMEM;
    j->depthwise.relu = j->act == FN_RELU;
    return FN_OK;
  }
  int64_t K = s->KH * s->KW * s->CG, FG = s->F / s->G, P = s->G * padded(FG);
  float *packed = fn_scratch(0, (size_t)(K + 1) * P * 4);
  if (!packed) return FN_NOMEM;
  float *bias = packed + K * P;
  memset(bias, 0, (size_t)P * 4);
  pack_filters(s, w, packed);
  for (int64_t g = 0; b && g < s->G; g++) memcpy(bias + g * padded(FG), b + g * FG, (size_t)FG * 4);
  j->w = packed, j->b = bias;
  return FN_OK;
}

FN_TUNED(conv2d) {
  conv_forward j = {.x = a[0].p, .y = a[3].p, .act = a[4 + FN_CONV_SHAPE_ARGS].i, .alpha = (float)a[5 + FN_CONV_SHAPE_ARGS].f};
  fn_conv *s = &j.s;
  int ok = fn_conv_read(s, a + 4);
  int64_t size = fn_conv_size(s->N, s->OH, s->OW, s->F);
  if (!ok) memset(j.y, 0, (size_t)size * 4);
  if (!ok || !size) return FN_OK;
  if (j.act < FN_LINEAR || j.act > FN_LEAKY_RELU) j.act = FN_LINEAR;
  if (a[6 + FN_CONV_SHAPE_ARGS].i && winograd_run_pays(s)) {
    winograd_job wino = {.s = *s, .x = j.x, .w = a[1].p, .y = j.y, .act = (int)j.act, .alpha = j.alpha};
    return winograd_run(&wino, a[2].p);
  }
  int status = prepare_forward(&j, a[1].p, a[2].p);
  return status ? status : run_forward(&j);
}
