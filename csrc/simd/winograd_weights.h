/* Winograd backward to the weights: at each of the 36 positions a product (C, tiles) x (tiles, F) of transformed inputs and
 * transformed gradients, whose sum over all tiles is turned back into a kernel of 3x3.  In one of two ways:
 *  - A chunk is a part of the tiles, with sums of its own; what it transforms at a time fits its caches.
 *  - Where the sums are large, or tiles few: all tiles (or as many as fit the scratch) are transformed first, then a chunk is
 *    the product of one position. */

typedef struct {
  fn_conv s;
  const float *x, *dy;
  float *sums, *dw;           /* sums (parts, 36, C, padded(F)) */
  int64_t plane;              /* of sums, from one of the 36 to the next */
  int64_t tiles, parts, block; /* block: tiles that are transformed at a time */
  int64_t from, to;           /* the second way: the tiles that are at hand, in v and d */
  winograd_planes v, d;
  int status;
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

/* sums += v[point]' d[point] over `tiles` rows. */
static void winograd_accumulate(const winograd_weights *j, winograd_planes v, winograd_planes d, int64_t tiles, int64_t point, float *sums) {
  const fn_conv *s = &j->s;
  int64_t P = padded(s->F), cuts = FN_CEIL(s->C, TILE_ROWS);
  conv_block t = {.dw_step = P, .images = 1, .rows = 1, .pixels = tiles, .x_pixel = v.step};
  for (int64_t p = 0; p * PANEL < s->F; p++) {
    int64_t vectors = panel_vectors(s->F, p);
    t.dy = d.at + point * d.plane + p * PANEL * tiles, t.dy_pixel = vectors * VL;
    for (int64_t i = 0; i < cuts; i++) {
      int64_t c = i * s->C / cuts, rows = (i + 1) * s->C / cuts - c;
      t.x = v.at + point * v.plane + c, t.dw = sums + point * j->plane + c * P + p * PANEL;
      weights_tiles[0][vectors - 1][rows - 1](&t);
    }
  }
}

/* ---- A part of the tiles ---- */

static void winograd_part_chunk(void *ctx, int64_t part) {
  winograd_weights *j = ctx;
  const fn_conv *s = &j->s;
  winograd_planes v = j->v, d = j->d;
  v.at = fn_scratch(1, (size_t)(WINO_POINTS * v.plane) * 4), d.at = fn_scratch(2, (size_t)(WINO_POINTS * d.plane) * 4);
  if (!v.at || !d.at) {
    __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
    return;
  }
  int64_t size = WINO_POINTS * j->plane, end = (part + 1) * j->tiles / j->parts;
  float *sums = memset(j->sums + part * size, 0, (size_t)size * 4);
  for (int64_t from = part * j->tiles / j->parts, to; from < end; from = to) {
    to = FN_MIN(from + j->block, end);
    winograd_inputs(s, j->x, from, to, v);
    winograd_gradients(j, from, to, d, 0, to - from);
    for (int64_t point = 0; point < WINO_POINTS; point++) winograd_accumulate(j, v, d, to - from, point, sums);
  }
}

/* ---- One position ---- */

enum { WINO_STRIP = 16 }; /* tiles that a chunk transforms */

static void winograd_strip_chunk(void *ctx, int64_t chunk) {
  const winograd_weights *j = ctx;
  int64_t from = j->from + chunk * WINO_STRIP, to = FN_MIN(from + WINO_STRIP, j->to), first = from - j->from;
  winograd_planes v = j->v;
  v.at += first * v.step;
  winograd_inputs(&j->s, j->x, from, to, v);
  winograd_gradients(j, from, to, j->d, first, j->to - j->from);
}

static void winograd_point_chunk(void *ctx, int64_t point) {
  const winograd_weights *j = ctx;
  if (!j->from) memset(j->sums + point * j->plane, 0, (size_t)j->plane * 4);
  winograd_accumulate(j, j->v, j->d, j->to - j->from, point, j->sums);
}

/* ---- Both ---- */

/* G' m G of the sum of the parts, for one input channel. */
static void winograd_weights_finish(void *ctx, int64_t c) {
  const winograd_weights *j = ctx;
  const fn_conv *s = &j->s;
  int64_t P = padded(s->F), part = WINO_POINTS * j->plane;
  for (int64_t f = 0; f < s->F; f += VL) {
    vf m[WINO_POINTS], half[18], w[9];
    for (int64_t k = 0; k < WINO_POINTS; k++) {
      const float *from = j->sums + k * j->plane + c * P + f;
      m[k] = vload(from);
      for (int64_t i = 1; i < j->parts; i++) m[k] += vload(from + i * part);
    }
    for (int i = 0; i < WINO_IN; i++) winograd_gather(m + i, WINO_IN, half + i, WINO_IN);
    for (int i = 0; i < 3; i++) winograd_gather(half + i * WINO_IN, 1, w + i * 3, 1);
    for (int64_t k = 0; k < 9; k++) store_lanes(j->dw + (k * s->C + c) * s->F + f, w[k], FN_MIN(VL, s->F - f));
  }
}

/* The first way for sums of up to 2 MB and many tiles: parts of some hundred.  Transformed tiles take 4 MB of scratch a
 * thread then, or 20 in all. */
static void winograd_cut_weights(winograd_weights *j) {
  const fn_conv *s = &j->s;
  int64_t P = padded(s->F), tile = WINO_POINTS * (winograd_input_step(s) + P);
  j->tiles = winograd_tiles(s);
  j->parts = s->C * P <= 96 * 128 ? FN_MIN(j->tiles / 192, 8) : 1;
  if (j->parts < 4) j->parts = 1;
  int64_t part = FN_CEIL(j->tiles, j->parts), most = j->parts > 1 ? 128 : FN_MAX(5000000 / tile, 16);
  j->block = FN_CEIL(part, FN_CEIL(part, most));
  j->v.step = winograd_input_step(s), j->v.plane = winograd_plane(j->block, j->v.step), j->d.plane = winograd_plane(j->block, P);
}

static int winograd_weights_pays(const fn_conv *s) { return winograd_pays(s, 0.35, 16, 6000); }

static int winograd_run_weights(winograd_weights *j) {
  const fn_conv *s = &j->s;
  winograd_cut_weights(j);
  j->plane = winograd_plane(s->C, padded(s->F));
  int64_t sums = j->parts * WINO_POINTS * j->plane, at_hand = j->parts > 1 ? 0 : WINO_POINTS * (j->v.plane + j->d.plane);
  if (!(j->sums = fn_scratch(0, (size_t)(sums + at_hand) * 4))) return FN_NOMEM;
  j->v.at = j->sums + sums, j->d.at = j->v.at + WINO_POINTS * j->v.plane;
  if (j->parts > 1) fn_parallel(j->parts, winograd_part_chunk, j);
  else
    for (j->from = 0; j->from < j->tiles; j->from = j->to) {
      j->to = FN_MIN(j->from + j->block, j->tiles);
      fn_parallel(FN_CEIL(j->to - j->from, WINO_STRIP), winograd_strip_chunk, j);
      fn_parallel(WINO_POINTS, winograd_point_chunk, j);
    }
  if (!j->status) fn_parallel(s->C, winograd_weights_finish, j);
  return j->status;
}
