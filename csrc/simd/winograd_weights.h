/* Winograd backward to the weights: at each of the 36 positions a product (C, tiles) x (tiles, F) of transformed inputs and
 * transformed gradients, whose sum over all tiles is turned back into a kernel of 3x3.  Some hundred tiles are transformed at
 * a time, a strip of them to a chunk; then a chunk is the product of one position.  No chunk needs sums of its own. */

typedef struct {
  fn_conv s;
  const float *x, *dy;
  float *sums, *dw;     /* sums (36, C, padded(F)) */
  int64_t plane;        /* from one of the 36 to the next */
  int64_t from, to;     /* the tiles that are at hand, in v and d */
  winograd_planes v, d;
} winograd_weights;

/* A dy A' of one tile and one vector of filters, each result in its plane; outputs beyond the image are zero. */
FN_INLINE void winograd_transform_gradient(const float *dy, int64_t row, int64_t pixel, int64_t rows, int64_t columns, int64_t lanes,
                                           const int all, float *out, int64_t plane) {
  vf half[WINO * WINO_IN];
#pragma GCC unroll 4
  for (int r = 0; r < WINO; r++, dy += row) {
    vf y[WINO];
    WINO_OPAQUE(dy);
#pragma GCC unroll 4
    for (int c = 0; c < WINO; c++) {
      y[c] = all ? vload(dy + c * pixel) : winograd_load(dy + c * pixel, r < rows && c < columns, lanes);
      __builtin_prefetch(dy + (c + WINO) * pixel);
    }
    winograd_spread(y, 1, half + r * WINO_IN, 1);
  }
  winograd_store_points(half, WINO, out, plane);
}

/* Tiles [from, to) into d (36, panels, rows, PANEL), from row `first` of `rows` on. */
static void winograd_gradients(const winograd_weights *j, int64_t from, int64_t to, winograd_planes d, int64_t first, int64_t rows) {
  const fn_conv *s = &j->s;
  const int64_t row = s->OW * s->F, pixel = s->F;
  for (int64_t tile = from; tile < to; tile++, first++) {
    winograd_tile t = winograd_tile_at(s, tile);
    int64_t h = s->OH - t.oh, w = s->OW - t.ow;
    const float *dy = j->dy + (t.n * s->OH + t.oh) * row + t.ow * pixel;
    for (int64_t f = 0; f < pixel; f += VL) {
      int64_t width = panel_vectors(pixel, f / PANEL) * VL, lanes = FN_MIN(VL, pixel - f);
      float *out = d.at + f / PANEL * PANEL * rows + first * width + f % PANEL;
      if (h >= WINO && w >= WINO && lanes == VL) winograd_transform_gradient(dy + f, row, pixel, WINO, WINO, VL, 1, out, d.plane);
      else winograd_transform_gradient(dy + f, row, pixel, h, w, lanes, 0, out, d.plane);
    }
  }
}

enum { WINO_BLOCK = 256, WINO_STRIP = 16 }; /* tiles at hand, and those that a chunk transforms */

static void winograd_strip_chunk(void *ctx, int64_t chunk) {
  const winograd_weights *j = ctx;
  int64_t from = j->from + chunk * WINO_STRIP, to = FN_MIN(from + WINO_STRIP, j->to), first = from - j->from;
  winograd_planes v = j->v;
  v.at += first * v.step;
  winograd_inputs(&j->s, j->x, from, to, v);
  winograd_gradients(j, from, to, j->d, first, j->to - j->from);
}

/* sums[point] += v[point]' d[point].  Each block is summed apart: one long sum would lose digits. */
static void winograd_point_chunk(void *ctx, int64_t point) {
  const winograd_weights *j = ctx;
  const fn_conv *s = &j->s;
  int64_t tiles = j->to - j->from, P = padded(s->F), cuts = FN_CEIL(s->C, TILE_ROWS);
  float *sums = j->sums + point * j->plane, part[TILE_ROWS * PANEL];
  conv_block t = {.dw = part, .images = 1, .rows = 1, .pixels = tiles, .x_pixel = j->v.step};
  for (int64_t p = 0; p * PANEL < s->F; p++) {
    int64_t vectors = panel_vectors(s->F, p), width = vectors * VL;
    t.dy = j->d.at + point * j->d.plane + p * PANEL * tiles, t.dy_pixel = t.dw_step = width;
    for (int64_t i = 0; i < cuts; i++) {
      int64_t c = i * s->C / cuts, rows = (i + 1) * s->C / cuts - c;
      t.x = j->v.at + point * j->v.plane + c;
      memset(part, 0, (size_t)(rows * width) * 4);
      weights_tiles[0][vectors - 1][rows - 1](&t);
      for (int64_t at = 0; at < rows * width; at += VL) {
        float *sum = sums + (c + at / width) * P + p * PANEL + at % width;
        vstore(sum, j->from ? vload(sum) + vload(part + at) : vload(part + at));
      }
    }
  }
}

/* G' m G of the sums, for VL input channels. */
static void winograd_weights_finish(void *ctx, int64_t chunk) {
  const winograd_weights *j = ctx;
  const fn_conv *s = &j->s;
  int64_t P = padded(s->F), vectors = P / VL, channels = FN_MIN(VL, s->C - chunk * VL);
  for (int64_t i = 0; i < channels * vectors; i++) {
    int64_t c = chunk * VL + i / vectors, f = i % vectors * VL;
    vf m[WINO_POINTS], half[18], w[9];
    for (int64_t k = 0; k < WINO_POINTS; k++) m[k] = vload(j->sums + k * j->plane + c * P + f);
    for (int i = 0; i < WINO_IN; i++) winograd_gather(m + i, WINO_IN, half + i, WINO_IN);
    for (int i = 0; i < 3; i++) winograd_gather(half + i * WINO_IN, 1, w + i * 3, 1);
    for (int64_t k = 0; k < 9; k++) store_lanes(j->dw + (k * s->C + c) * s->F + f, w[k], FN_MIN(VL, s->F - f));
  }
}

static int winograd_weights_pays(const fn_conv *s) { return winograd_pays(s, 0.35, 16, 6000); }

static int winograd_run_weights(winograd_weights *j) {
  const fn_conv *s = &j->s;
  int64_t P = padded(s->F), step = winograd_input_step(s), tiles = winograd_tiles(s);
  int64_t most = FN_MIN(WINO_BLOCK, FN_MAX(5000000 / (WINO_POINTS * (step + P)), 16)), blocks = FN_CEIL(tiles, most);
  int64_t rows = FN_CEIL(tiles, blocks);
  j->plane = winograd_plane(s->C, P);
  j->v = (winograd_planes){.step = step, .plane = winograd_plane(rows, step)}, j->d = (winograd_planes){.plane = winograd_plane(rows, P)};
  if (!(j->sums = fn_scratch(0, (size_t)(WINO_POINTS * (j->plane + j->v.plane + j->d.plane)) * 4))) return FN_NOMEM;
  j->v.at = j->sums + WINO_POINTS * j->plane, j->d.at = j->v.at + WINO_POINTS * j->v.plane;
  for (j->from = 0; j->from < tiles; j->from = j->to) {
    j->to = FN_MIN(j->from + rows, tiles);
    fn_parallel(FN_CEIL(j->to - j->from, WINO_STRIP), winograd_strip_chunk, j);
    fn_parallel(WINO_POINTS, winograd_point_chunk, j);
  }
  fn_parallel(FN_CEIL(s->C, VL), winograd_weights_finish, j);
  return FN_OK;
}
