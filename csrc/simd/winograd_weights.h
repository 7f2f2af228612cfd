/* Winograd backward to the weights: at each of the 36 positions a product (C, tiles) x (tiles, F) of transformed inputs and
 * transformed gradients, whose sum over all tiles is turned back into a kernel of 3x3.  A chunk is a part of the tiles x a
 * slice of the filters, with sums of its own; parts are added up in order. */

typedef struct {
  fn_conv s;
  const float *x, *dy;
  float *sums, *dw; /* sums (parts, 36, C, padded(F)) */
  int64_t tiles, block, parts, slices; /* block: tiles that are transformed at a time */
  int status;
} winograd_weights;

/* A dy A' of tiles [from, to), panels of filters [p0, p1), into d (36, panels, tiles, PANEL); outputs beyond the image are zero. */
static void winograd_gradients(const winograd_weights *j, int64_t from, int64_t to, int64_t p0, int64_t p1, winograd_planes d) {
  const fn_conv *s = &j->s;
  for (int64_t tile = from; tile < to; tile++) {
    winograd_tile t = winograd_tile_at(s, tile);
    int64_t rows = FN_MIN(WINO, s->OH - t.oh), columns = FN_MIN(WINO, s->OW - t.ow);
    const float *dy = j->dy + ((t.n * s->OH + t.oh) * s->OW + t.ow) * s->F;
    for (int64_t f = p0 * PANEL; f < FN_MIN(p1 * PANEL, s->F); f += VL) {
      int64_t lanes = FN_MIN(VL, s->F - f), p = f / PANEL, width = panel_vectors(s->F, p) * VL;
      float *out = d.at + (p - p0) * PANEL * (to - from) + (tile - from) * width + f % PANEL;
      vf half[WINO * WINO_IN];
      const float *at = dy + f;
#pragma GCC unroll 4
      for (int r = 0; r < WINO; r++, at += s->OW * s->F) {
        vf y[WINO];
        WINO_OPAQUE(at);
#pragma GCC unroll 4
        for (int c = 0; c < WINO; c++) {
          y[c] = r < rows && c < columns ? load_lanes(at + c * s->F, lanes) : (vf){0};
          __builtin_prefetch(at + (c + WINO) * s->F);
        }
        winograd_spread(y, 1, half + r * WINO_IN, 1);
      }
      winograd_store_points(half, WINO, out, d.plane);
    }
  }
}

/* sums[point] += v[point]' d[point] for panels [p0, p1). */
static void winograd_accumulate(const winograd_weights *j, winograd_planes v, winograd_planes d, int64_t tiles, int64_t p0, int64_t p1,
                                float *sums) {
  const fn_conv *s = &j->s;
  int64_t P = padded(s->F), cuts = FN_CEIL(s->C, TILE_ROWS);
  conv_block t = {.dw_step = P, .images = 1, .rows = 1, .pixels = tiles, .x_pixel = v.step};
  for (int64_t k = 0; k < WINO_POINTS; k++)
    for (int64_t p = p0; p < p1; p++) {
      int64_t vectors = panel_vectors(s->F, p);
      t.dy = d.at + k * d.plane + (p - p0) * PANEL * tiles, t.dy_pixel = vectors * VL;
      for (int64_t i = 0; i < cuts; i++) {
        int64_t c = i * s->C / cuts, rows = (i + 1) * s->C / cuts - c;
        t.x = v.at + k * v.plane + c, t.dw = sums + (k * s->C + c) * P + p * PANEL;
        weights_tiles[0][vectors - 1][rows - 1](&t);
      }
    }
}

static void winograd_weights_chunk(void *ctx, int64_t chunk) {
  winograd_weights *j = ctx;
  const fn_conv *s = &j->s;
  int64_t part = chunk / j->slices, slice = chunk % j->slices, panels = FN_CEIL(s->F, PANEL), P = padded(s->F);
  int64_t p0 = slice * panels / j->slices, p1 = (slice + 1) * panels / j->slices;
  int64_t first = p0 * PANEL, width = FN_MIN(p1 * PANEL, P) - first;
  winograd_planes v = {.step = padded(s->C) % 256 ? padded(s->C) : padded(s->C) + 16}, d = {.step = width};
  v.plane = winograd_plane(j->block, v.step), d.plane = winograd_plane(j->block, width);
  v.at = fn_scratch(1, (size_t)(WINO_POINTS * v.plane) * 4), d.at = fn_scratch(2, (size_t)(WINO_POINTS * d.plane) * 4);
  if (!v.at || !d.at) {
    __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
    return;
  }
  float *sums = j->sums + part * WINO_POINTS * s->C * P;
  for (int64_t i = 0; i < WINO_POINTS * s->C; i++) memset(sums + i * P + first, 0, (size_t)width * 4);
  int64_t end = (part + 1) * j->tiles / j->parts;
  for (int64_t from = part * j->tiles / j->parts, to; from < end; from = to) {
    to = FN_MIN(from + j->block, end);
    winograd_inputs(s, j->x, from, to, v);
    winograd_gradients(j, from, to, p0, p1, d);
    winograd_accumulate(j, v, d, to - from, p0, p1, sums);
  }
}

/* G' m G of the sum of the parts, for one input channel. */
static void winograd_weights_finish(void *ctx, int64_t c) {
  const winograd_weights *j = ctx;
  const fn_conv *s = &j->s;
  int64_t P = padded(s->F), part = WINO_POINTS * s->C * P;
  for (int64_t f = 0; f < s->F; f += VL) {
    vf m[WINO_POINTS], half[18], w[9];
    for (int64_t k = 0; k < WINO_POINTS; k++) {
      const float *from = j->sums + (k * s->C + c) * P + f;
      m[k] = vload(from);
      for (int64_t i = 1; i < j->parts; i++) m[k] += vload(from + i * part);
    }
    for (int i = 0; i < WINO_IN; i++) winograd_gather(m + i, WINO_IN, half + i, WINO_IN);
    for (int i = 0; i < 3; i++) winograd_gather(half + i * WINO_IN, 1, w + i * 3, 1);
    for (int64_t k = 0; k < 9; k++) store_lanes(j->dw + (k * s->C + c) * s->F + f, w[k], FN_MIN(VL, s->F - f));
  }
}

/* Parts of some hundred tiles; slices of the filters where there are few of them.  The block: as many tiles as the second
 * cache holds, or more where the sums, which are taken up and put back for every block, would cost more than that. */
static void winograd_cut_weights(winograd_weights *j) {
  const fn_conv *s = &j->s;
  int64_t P = padded(s->F), sums = WINO_POINTS * s->C * P;
  j->tiles = winograd_tiles(s);
  j->parts = FN_MAX(FN_MIN(FN_MIN(j->tiles / 192, WINO_SCRATCH / sums), 8), 1);
  j->slices = FN_MIN(FN_CEIL(4, j->parts), FN_CEIL(s->F, PANEL));
  int64_t near = 160000 / (WINO_POINTS * (padded(s->C) + P / j->slices)), far = 128;
  j->block = 1. * s->C * P / FN_MAX(near, 1) < s->C + P + 1. * s->C * P / far ? near : far;
  int64_t most = FN_CEIL(j->tiles, j->parts);
  j->block = FN_CEIL(most, FN_CEIL(most, FN_MAX(j->block, 16)));
}

static int winograd_run_weights(winograd_weights *j) {
  const fn_conv *s = &j->s;
  winograd_cut_weights(j);
  int64_t sums = j->parts * WINO_POINTS * s->C * padded(s->F);
  float *scratch = fn_scratch(0, (size_t)sums * 4);
  if (!scratch) return FN_NOMEM;
  j->sums = scratch;
  fn_parallel(j->parts * j->slices, winograd_weights_chunk, j);
  if (!j->status) fn_parallel(s->C, winograd_weights_finish, j);
  return j->status;
}
