/* Winograd forward, and backward to the data: that is a forward convolution of dy with the kernel turned by 180 degrees and
 * transposed.  A chunk is some tiles: their inputs are transformed once, stay in the second cache, and meet one panel of
 * filters after the other, whose products become outputs at once. */

typedef struct {
  fn_conv s; /* of the convolution that is computed */
  const float *x, *w;
  float *u, *bias, *y; /* u (panels, 36, C, PANEL): the transformed kernel */
  int64_t u_plane;     /* from one of the 36 to the next */
  int turned;          /* w is (3, 3, F, C), and turned by 180 degrees */
  int act;
  float alpha;
  int64_t tiles, block; /* tiles in all, and in a chunk */
  uint8_t *index; /* with 2x2 pooling: which cell it was, and y is (N, OH / 2, OW / 2, F); else NULL */
  int status;
} winograd_job;

/* ---- The kernel ---- */

/* g[tap][i]: kernel taps for input channel c + i and a vector of filters from f on. */
static void winograd_load_filters(const winograd_job *j, int64_t c, int64_t f, vf g[9][VL]) {
  const fn_conv *s = &j->s;
  int64_t rows = FN_MIN(VL, s->C - c), lanes = FN_MIN(VL, s->F - f);
  for (int tap = 0; tap < 9; tap++) {
    if (!j->turned) {
      for (int64_t i = 0; i < rows; i++) g[tap][i] = load_lanes(j->w + (tap * s->C + c + i) * s->F + f, lanes);
      continue;
    }
    vf *block = g[8 - tap];
    for (int64_t i = 0; i < VL; i++)
      block[i] = i < lanes ? load_lanes(j->w + (tap * s->F + f + i) * s->C + c, rows) : (vf){0};
    vtranspose(block);
  }
}

FN_INLINE float *winograd_panel(const winograd_job *j, int64_t p) { return j->u + p * WINO_POINTS * j->u_plane; }

/* VL input channels, all filters. */
static void winograd_filters_chunk(void *ctx, int64_t chunk) {
  const winograd_job *j = ctx;
  const fn_conv *s = &j->s;
  int64_t c = chunk * VL, rows = FN_MIN(VL, s->C - c);
  vf g[9][VL];
  for (int64_t f = 0; f < s->F; f += VL) {
    int64_t p = f / PANEL, width = panel_vectors(s->F, p) * VL;
    float *u = winograd_panel(j, p) + c * width + f % PANEL;
    winograd_load_filters(j, c, f, g);
    for (int64_t i = 0; i < rows; i++, u += width) {
      vf taps[9], half[18], v[WINO_POINTS];
      for (int k = 0; k < 9; k++) taps[k] = g[k][i];
      for (int k = 0; k < 3; k++) winograd_kernel(taps + k, 3, half + k, 3);
      for (int k = 0; k < WINO_IN; k++) winograd_kernel(half + k * 3, 1, v + k * WINO_IN, 1);
      for (int k = 0; k < WINO_POINTS; k++) vstore(u + k * j->u_plane, v[k]);
    }
  }
}

/* ---- Tiles ---- */

/* The products of one panel of filters: m[point] (tiles, width) = v[point] (tiles, C) u[point] (C, width). */
static void winograd_products(const winograd_job *j, winograd_planes v, int64_t tiles, int64_t p, winograd_planes m) {
  static const float zeros[PANEL];
  int64_t C = j->s.C, vectors = panel_vectors(j->s.F, p);
  conv_tile t = {.init = zeros, .x_step = v.step, .y_step = m.step, .outer = 1, .inner = 1, .len = C, .lanes = VL};
  for (int64_t k = 0; k < WINO_POINTS; k++) {
    t.x = v.at + k * v.plane, t.y = m.at + k * m.plane;
    t.w = winograd_panel(j, p) + k * j->u_plane;
    conv_tiles_over(&t, tiles, vectors);
  }
}

/* A' m A of one tile and vector of filters, plus the bias, through the activation. */
FN_INLINE void winograd_outputs(const winograd_job *j, const float *m, int64_t plane, vf bias, vf y[WINO * WINO]) {
  vf half[WINO * WINO_IN];
#pragma GCC unroll 6
  for (int i = 0; i < WINO_IN; i++, m += WINO_IN * plane) {
    vf row[WINO_IN], out[WINO];
    WINO_OPAQUE(m);
#pragma GCC unroll 6
    for (int k = 0; k < WINO_IN; k++) row[k] = vload(m + k * plane);
    winograd_output(row, 1, out, 1);
#pragma GCC unroll 4
    for (int k = 0; k < WINO; k++) half[k * WINO_IN + i] = out[k];
  }
#pragma GCC unroll 4
  for (int i = 0; i < WINO; i++) winograd_output(half + i * WINO_IN, 1, y + i, WINO);
#pragma GCC unroll 16
  for (int i = 0; i < WINO * WINO; i++) y[i] = j->act == FN_RELU ? vrelu(y[i] + bias) : y[i] + bias;
  if (j->act > FN_RELU)
    for (int i = 0; i < WINO * WINO; i++) y[i] = vactivate(j->act, y[i], j->alpha);
}

/* A tile holds four windows of 2x2: their maxima.  (OH and OW are even then.) */
FN_INLINE void winograd_pool_tile(const winograd_job *j, winograd_tile t, int64_t f, int64_t lanes, const vf y[WINO * WINO]) {
  const fn_conv *s = &j->s;
  int64_t rows = FN_MIN(2, (s->OH - t.oh) / 2), columns = FN_MIN(2, (s->OW - t.ow) / 2);
  int64_t to = ((t.n * (s->OH / 2) + t.oh / 2) * (s->OW / 2) + t.ow / 2) * s->F + f;
#pragma GCC unroll 2
  for (int r = 0; r < 2; r++)
#pragma GCC unroll 2
    for (int c = 0; c < 2; c++) {
      const vf *corner = y + 2 * r * WINO + 2 * c;
      int64_t at = to + (r * (s->OW / 2) + c) * s->F;
      vi cell;
      if (r >= rows || c >= columns) continue;
      vf best = max_of_square(corner[0], corner[1], corner[WINO], corner[WINO + 1], &cell);
      store_lanes(j->y + at, best, lanes);
      store_byte_lanes(j->index + at, j->act == FN_RELU ? mark_dead(best, cell) : cell, lanes);
    }
}

/* Stores those of a tile's 4x4 outputs that exist; the cache is told where the tile to the right will write. */
FN_INLINE void winograd_store(const vf y[WINO * WINO], float *to, int64_t row, int64_t pixel, int64_t rows, int64_t columns,
                              int64_t lanes, const int all) {
#pragma GCC unroll 4
  for (int r = 0; r < WINO; r++, to += row) {
    WINO_OPAQUE(to);
    if (all || r < rows)
#pragma GCC unroll 4
      for (int c = 0; c < WINO; c++) {
        if (all || c < columns) store_lanes(to + c * pixel, y[r * WINO + c], lanes);
        __builtin_prefetch(to + (c + WINO) * pixel, 1);
      }
  }
}

/* Outputs of tiles [from, from + tiles), filters [p*PANEL, ...). */
static void winograd_store_tiles(const winograd_job *j, winograd_planes m, int64_t from, int64_t tiles, int64_t p) {
  const fn_conv *s = &j->s;
  const int64_t row = s->OW * s->F, pixel = s->F;
  for (int64_t i = 0; i < tiles; i++) {
    winograd_tile t = winograd_tile_at(s, from + i);
    int64_t rows = s->OH - t.oh, columns = s->OW - t.ow;
    float *to = j->y + (t.n * s->OH + t.oh) * row + t.ow * pixel;
    for (int64_t v = 0; v < panel_vectors(s->F, p); v++) {
      int64_t f = p * PANEL + v * VL;
      vf y[WINO * WINO];
      winograd_outputs(j, m.at + i * m.step + v * VL, m.plane, vload(j->bias + f), y);
      int64_t lanes = FN_MIN(VL, s->F - f);
      if (j->index) winograd_pool_tile(j, t, f, lanes, y);
      else if (rows >= WINO && columns >= WINO && lanes == VL) winograd_store(y, to + f, row, pixel, WINO, WINO, VL, 1);
      else winograd_store(y, to + f, row, pixel, rows, columns, lanes, 0);
    }
  }
}

static void winograd_chunk(void *ctx, int64_t chunk) {
  winograd_job *j = ctx;
  const fn_conv *s = &j->s;
  int64_t from = chunk * j->block, tiles = FN_MIN(j->block, j->tiles - from);
  winograd_planes v = {.step = winograd_input_step(s)}, m = {.step = PANEL};
  v.plane = winograd_plane(tiles, v.step), m.plane = winograd_plane(tiles, m.step);
  v.at = fn_scratch(1, (size_t)(WINO_POINTS * v.plane) * 4), m.at = fn_scratch(2, (size_t)(WINO_POINTS * m.plane) * 4);
  if (!v.at || !m.at) {
    __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
    return;
  }
  winograd_inputs(s, j->x, from, from + tiles, v);
  for (int64_t p = 0; p * PANEL < s->F; p++) {
    winograd_products(j, v, tiles, p, m);
    winograd_store_tiles(j, m, from, tiles, p);
  }
}

/* Tiles in a chunk: enough for the transformed kernel, which every chunk reads, few enough for the second cache; whole
 * micro-tiles; and some chunks for the threads. */
static int64_t winograd_block(const fn_conv *s, int64_t tiles) {
  int64_t most = FN_MIN(56, (1 << 20) / (WINO_POINTS * s->C));
  return FN_MAX(FN_MIN(most / TILE_ROWS, FN_CEIL(FN_CEIL(tiles, 8), TILE_ROWS)), 1) * TILE_ROWS;
}

static int winograd_run_pays(const fn_conv *s) { return winograd_pays(s, 0.5, 24, 2000); }

/* y = act(conv(x, w) + b); b may be NULL. */
static int winograd_run(winograd_job *j, const float *b) {
  const fn_conv *s = &j->s;
  j->u_plane = winograd_plane(s->C, PANEL);
  int64_t P = padded(s->F), U = FN_CEIL(s->F, PANEL) * WINO_POINTS * j->u_plane;
  float *u = fn_scratch(0, (size_t)(U + P) * 4);
  if (!u) return FN_NOMEM;
  j->u = u, j->bias = u + U;
  memset(j->bias, 0, (size_t)P * 4);
  if (b) memcpy(j->bias, b, (size_t)s->F * 4);
  fn_parallel(FN_CEIL(s->C, VL), winograd_filters_chunk, j);
  j->tiles = winograd_tiles(s), j->block = winograd_block(s, j->tiles);
  fn_parallel(FN_CEIL(j->tiles, j->block), winograd_chunk, j);
  return j->status;
}

/* The forward convolution that gives dx: dy has the part of x, outputs are the input pixels. */
static fn_conv winograd_backward_shape(const fn_conv *s) {
  fn_conv t = *s;
  t.H = s->OH, t.W = s->OW, t.C = t.CG = s->F, t.OH = s->H, t.OW = s->W, t.F = s->C, t.PT = 2 - s->PT, t.PL = 2 - s->PL;
  return t;
}
