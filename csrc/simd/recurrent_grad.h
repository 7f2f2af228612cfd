/* Gradients of recurrent layers: from the last step to the first, and after every few steps what these add to the gradients of
 * the weights, and of the inputs. */

/* Scratch of a chunk: of each row of a block the steps of a group, side by side in the order of the sequence. */
typedef struct {
  recurrent_group g;
  float *dp, *dz;           /* gradients of the product with the kernel, and of z, which differ for a GRU alone */
  float *fed, *inner;       /* what was multiplied by the kernel; of a GRU that times the reset gate */
  float *x, *back;          /* what was multiplied by w; the gradient of `fed` at this step */
  float *part;              /* to what the chunk adds up: the gradients of kernel, bias, w, wb */
  int fresh;                /* nothing is there yet */
} recurrent_space;

static int recurrent_find_space(const recurrent *j, recurrent_space *p) {
  const int64_t rows = FN_MIN(j->most, j->share), depth = rows * j->steps, apart = j->s.gates == FN_GRU ? depth * j->wide : 0;
  p->dp = fn_scratch(3, (size_t)(depth * (j->wide + 2 * j->narrow + (j->w ? j->s.n : 0)) + apart + rows * j->narrow + VL) * 4);
  if (!p->dp) return FN_NOMEM;
  p->dz = p->dp + apart; /* rows of both are read in whole vectors, beyond their end */
  p->fed = p->dz + depth * j->wide, p->inner = p->fed + depth * j->narrow, p->back = p->inner + depth * j->narrow;
  p->x = p->back + rows * j->narrow;
  return FN_OK;
}

/* Where a step of a row of a block is in scratch; and where its gradient of z goes. */
FN_INLINE int64_t recurrent_here(const recurrent *j, const recurrent_space *p, int64_t r, int64_t step) {
  return r * p->g.steps + fn_recurrent_place(&j->s, step) - p->g.first;
}
FN_INLINE float *recurrent_dz(const recurrent *j, const recurrent_space *p, int64_t b, int64_t here, int64_t step) {
  return j->w ? p->dz + here * j->wide : j->dx + (b * j->s.t + fn_recurrent_place(&j->s, step)) * j->s.n;
}

static void recurrent_each_back(const recurrent *j, const recurrent_space *p, int64_t row, int64_t rows, int64_t step,
                                recurrent_body body) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u;
  for (int64_t r = 0; r < rows; r++) {
    if (!fn_recurrent_on(s, row + r, step)) continue;
    int64_t b = row + r, at = fn_recurrent_kept(s, b, step), last = fn_recurrent_before(s, b, step), here = recurrent_here(j, p, r, step);
    recurrent_row x = {.before = last < 0 ? j->h + b * u : j->y + (b * s->t + last) * u, .y = j->y + (b * s->t + step) * u,
                       .gates = j->gates ? j->gates + at * s->kept * u : NULL, .cells = j->cells ? j->cells + at * u : NULL,
                       .c_before = !j->cells ? NULL : step ? j->cells + (at - s->b) * u : j->c + b * u, .dh = j->dh + b * u,
                       .dc = j->dc ? j->dc + b * u : NULL, .dz = recurrent_dz(j, p, b, here, step), .dp = p->dp + here * j->wide,
                       .fed = p->fed + here * j->narrow, .inner = p->inner + here * j->narrow, .dfed = p->back + r * j->narrow,
                       .stream = j->stream};
    if (step) {
      if (x.gates) recurrent_ask(x.gates - s->b * s->kept * u, s->kept * u);
      if (!j->stream && !j->w) recurrent_claim(x.dz + (s->reverse ? width : -width), width);
    }
    if (step > 1) {
      recurrent_ask(j->y + (b * s->t + step - 2) * u, u);
      if (x.cells) recurrent_ask(x.c_before - s->b * u, u);
    }
    body(&x, u, (int)s->act, (int)s->rec);
  }
}

/* Before the step: dy is added, and what the step had multiplied is noted; a masked row has no gradients. */
static void recurrent_enter(const recurrent *j, const recurrent_space *p, int64_t b, int64_t here, int64_t step, int64_t first) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u;
  float *dh = j->dh + b * u, *fed = p->fed + here * j->narrow;
  if (j->dy && fn_recurrent_shows(s, b, step, first)) {
    const float *dy = j->dy + (b * s->t + step) * u;
    if (step) recurrent_ask(dy - u, u);
    for (int64_t i = 0; i < u; i++) dh[i] += dy[i];
  }
  if (fn_recurrent_on(s, b, step)) {
    int64_t last = fn_recurrent_before(s, b, step);
    const float *from = last < 0 ? j->h + b * u : j->y + (b * s->t + last) * u, *factor = j->factor + b * u;
    for (int64_t i = 0; i < u; i += VL) {
      int64_t n = FN_MIN(VL, u - i);
      vf x = load_lanes(from + i, n);
      store_lanes(fed + i, j->factor ? x * load_lanes(factor + i, n) : x, n);
    }
  } else {
    memset(fed, 0, (size_t)u * 4);
    memset(p->inner + here * j->narrow, 0, (size_t)u * 4);
    memset(p->dp + here * j->wide, 0, (size_t)width * 4);
    memset(recurrent_dz(j, p, b, here, step), 0, (size_t)width * 4);
  }
}

/* What passes through a product to the state before. */
static void recurrent_leave(const recurrent *j, const recurrent_space *p, int64_t row, int64_t rows, int64_t step) {
  const int64_t u = j->s.u;
  for (int64_t r = 0; r < rows; r++) {
    if (!fn_recurrent_on(&j->s, row + r, step)) continue;
    float *dh = j->dh + (row + r) * u;
    const float *back = p->back + r * j->narrow, *factor = j->factor + (row + r) * u;
    if (j->factor)
      for (int64_t i = 0; i < u; i++) dh[i] += back[i] * factor[i];
    else
      for (int64_t i = 0; i < u; i++) dh[i] += back[i];
  }
}

static int recurrent_step_back(const recurrent *j, const recurrent_space *p, int64_t row, int64_t rows, int64_t step) {
  const fn_recurrent *s = &j->s;
  const float *dp = p->dp + recurrent_here(j, p, 0, step) * j->wide;
  const int64_t apart = p->g.steps * j->wide;
  int status = FN_OK;
  recurrent_body body = s->gates == FN_LSTM ? lstm_units_back_row : s->gates == FN_SIMPLE_RNN ? simple_units_back_row : gru_units_back_row;
  if (s->gates == FN_GRU && !s->after) {
    recurrent_each_back(j, p, row, rows, step, gru_rest_back_row);
    status |= recurrent_multiply(j->by + 1, dp + 2 * s->u, apart, rows, p->back, j->narrow);
    recurrent_each_back(j, p, row, rows, step, gru_gates_back_row);
    recurrent_leave(j, p, row, rows, step);
  } else {
    recurrent_each_back(j, p, row, rows, step, body);
  }
  status |= recurrent_multiply(j->by, dp, apart, rows, p->back, j->narrow);
  recurrent_leave(j, p, row, rows, step);
  return status;
}

/* ---- Gradients of weights and inputs ---- */

/* c (m, n) of the chunk's part += a^T b, over `depth` rows of both. */
static void recurrent_gather(const recurrent *j, const recurrent_space *p, const float *a, int64_t lda, int64_t m, const float *b,
                             int64_t n, int64_t depth, float *c) {
  gemm g = {.c = c, .m = m, .n = n, .k = depth, .ldc = j->s.gates * j->s.u, .ta = 1};
  for (int64_t i = 0, panels = gemm_panels(n); i < panels; i++)
    gemm_panel(&g, (gemm_view){a, lda}, (gemm_view){b + i * PANEL, j->wide}, 0, m, i, !p->fresh, depth);
}

/* out += the sums of the columns of d. */
static void recurrent_sum(const recurrent *j, const recurrent_space *p, const float *d, int64_t depth, float *out) {
  const int64_t width = j->s.gates * j->s.u;
  for (int64_t i = 0; i < width; i += VL) {
    int64_t n = FN_MIN(VL, width - i);
    vf sum = {0};
    for (int64_t r = 0; r < depth; r++) sum += load_lanes(d + r * j->wide + i, n);
    store_lanes(out + i, p->fresh ? sum : load_lanes(out + i, n) + sum, n);
  }
}

/* The inputs' side, with x and w. */
static int recurrent_flush_inputs(const recurrent *j, const recurrent_space *p, int64_t row, int64_t rows, float *to) {
  const fn_recurrent *s = &j->s;
  const int64_t n = s->n, width = s->gates * s->u, steps = p->g.steps, at = (row * s->t + p->g.first) * n;
  for (int64_t r = 0; r < rows; r++) memcpy(p->x + r * steps * n, j->z + at + r * s->t * n, (size_t)(steps * n) * 4);
  recurrent_gather(j, p, p->x, n, n, p->dz, width, rows * steps, to);
  recurrent_sum(j, p, p->dz, rows * steps, to + n * width);
  if (!j->dx) return FN_OK;
  return recurrent_multiply_all(j->by + 2, p->dz, steps * j->wide, j->wide, rows, steps, j->dx + at, s->t * n, n);
}

/* What the steps of a group add to the chunk's part. */
static int recurrent_flush(const recurrent *j, recurrent_space *p, int64_t row, int64_t rows) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u, depth = rows * p->g.steps;
  int two = s->gates == FN_GRU && !s->after, status = FN_OK;
  recurrent_gather(j, p, p->fed, j->narrow, u, p->dp, two ? 2 * u : width, depth, p->part);
  if (two) recurrent_gather(j, p, p->inner, j->narrow, u, p->dp + 2 * u, u, depth, p->part + 2 * u);
  if (j->dbias) recurrent_sum(j, p, p->dp, depth, p->part + u * width);
  if (j->w) status = recurrent_flush_inputs(j, p, row, rows, p->part + (u + 1) * width);
  p->fresh = 0;
  return status;
}

static int recurrent_block_back(const recurrent *j, recurrent_space *p, int64_t row, int64_t rows) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u;
  int64_t first[4 * RECURRENT_ROWS_MOST], end = s->t;
  int status = FN_OK;
  recurrent_copy(j->dh + row * u, j->dlast ? j->dlast + row * u : NULL, rows * u);
  if (j->dc) recurrent_copy(j->dc + row * u, j->dlastc ? j->dlastc + row * u : NULL, rows * u);
  for (int64_t r = 0; r < rows; r++) first[r] = fn_recurrent_first(s, row + r);
  for (int64_t step = s->t - 1; step >= 0; step--) {
    if (step == end - 1) recurrent_begin(j, step, 1, &p->g), end -= p->g.steps;
    for (int64_t r = 0; r < rows; r++) recurrent_enter(j, p, row + r, recurrent_here(j, p, r, step), step, first[r]);
    if (recurrent_any(s, row, rows, step)) status |= recurrent_step_back(j, p, row, rows, step);
    if (step == end) status |= recurrent_flush(j, p, row, rows);
  }
  return status;
}

static int64_t recurrent_part(const recurrent *j) { return j->s.gates * j->s.u * (j->s.u + 1 + (j->w ? j->s.n + 1 : 0)); }

static void recurrent_chunk_back(void *ctx, int64_t chunk) {
  recurrent *j = ctx;
  recurrent_space p;
  if (recurrent_find_space(j, &p)) {
    recurrent_report(j, FN_NOMEM);
    return;
  }
  p.part = j->parts + chunk * recurrent_part(j), p.fresh = 1;
#define BLOCK(row, rows) recurrent_report(j, recurrent_block_back(j, &p, row, rows))
  RECURRENT_BLOCKS(j, chunk, BLOCK);
#undef BLOCK
}

/* The parts of all chunks in their order: rows [from, to) of the kernel, the bias, w and wb. */
static void recurrent_join(const fn_arg *a, int64_t extra, int64_t from, int64_t to) {
  const recurrent *j = a[0].p;
  const int64_t u = j->s.u, width = j->s.gates * u, part = recurrent_part(j);
  (void)extra;
  for (int64_t i = from; i < to; i++) {
    int64_t left = i - u - 1;
    float *out = i < u ? j->dk + i * width : i == u ? j->dbias : left < j->s.n ? j->dw + left * width : j->dwb;
    if (!out) continue;
    memcpy(out, j->parts + i * width, (size_t)width * 4);
    for (int64_t c = 1; c < j->chunks; c++)
      for (int64_t x = 0; x < width; x++) out[x] += j->parts[c * part + i * width + x];
  }
}

/* Without a step of any row. */
static int recurrent_nothing_back(const recurrent *j) {
  const fn_recurrent *s = &j->s;
  const int64_t width = s->gates * s->u;
  recurrent_copy(j->dk, NULL, s->u * width);
  if (j->dbias) recurrent_copy(j->dbias, NULL, width);
  if (j->w) recurrent_copy(j->dw, NULL, s->n * width), recurrent_copy(j->dwb, NULL, width);
  recurrent_copy(j->dh, j->dlast, s->b * s->u);
  if (j->dc) recurrent_copy(j->dc, j->dlastc, s->b * s->u);
  return FN_OK;
}

static int recurrent_backward(recurrent *j) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u;
  if (!fn_recurrent_fits(s, j->w) || (j->w ? !j->z || !j->dw || !j->dwb : !j->dx)) return FN_OK;
  if (!s->b || !s->t) return recurrent_nothing_back(j);
  int two = s->gates == FN_GRU && !s->after;
  j->by[0] = (recurrent_weights){.b = j->k, .n = u, .k = two ? 2 * u : width, .ldb = width, .turned = 1};
  if (two) j->by[1] = (recurrent_weights){.b = j->k + 2 * u, .n = u, .k = u, .ldb = width, .turned = 1};
  if (j->w) j->by[2] = (recurrent_weights){.b = j->w, .n = s->n, .k = width, .ldb = width, .turned = 1};
  if (recurrent_prepare(j, recurrent_part(j))) return FN_NOMEM;
  j->stream = !j->w && worth_streaming(j->dx, s->b * s->t * width, u);
  fn_parallel(j->chunks, recurrent_chunk_back, j);
  vfence(j->stream);
  fn_over_rows(&(fn_arg){.p = j}, 0, u + 1 + (j->w ? s->n + 1 : 0), width * j->chunks, recurrent_join);
  return j->status;
}

FN_TUNED(simple_rnn_grad) {
  recurrent j = {.s = fn_recurrent_of(a + 14, FN_SIMPLE_RNN, a[4].p), .dy = a[0].p, .dlast = a[1].p, .h = a[2].p, .k = a[3].p,
                 .factor = a[5].p, .y = a[6].p, .z = a[7].p, .w = a[8].p, .dx = a[9].p, .dh = a[10].p, .dk = a[11].p,
                 .dw = a[12].p, .dwb = a[13].p};
  j.s.rec = FN_SIGMOID;
  return recurrent_backward(&j);
}
FN_TUNED(lstm_grad) {
  recurrent j = {.s = fn_recurrent_of(a + 19, FN_LSTM, a[6].p), .dy = a[0].p, .dlast = a[1].p, .dlastc = a[2].p, .h = a[3].p,
                 .c = a[4].p, .k = a[5].p, .factor = a[7].p, .y = a[8].p, .gates = a[9].p, .cells = a[10].p, .z = a[11].p,
                 .w = a[12].p, .dx = a[13].p, .dh = a[14].p, .dc = a[15].p, .dk = a[16].p, .dw = a[17].p, .dwb = a[18].p};
  return recurrent_backward(&j);
}
FN_TUNED(gru_grad) {
  recurrent j = {.s = fn_recurrent_of(a + 16, FN_GRU, a[4].p), .dy = a[0].p, .dlast = a[1].p, .h = a[2].p, .k = a[3].p,
                 .factor = a[5].p, .y = a[6].p, .gates = a[7].p, .z = a[8].p, .w = a[9].p, .dx = a[10].p, .dh = a[11].p,
                 .dk = a[12].p, .dbias = a[13].p, .dw = a[14].p, .dwb = a[15].p};
  return recurrent_backward(&j);
}
