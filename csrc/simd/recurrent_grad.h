/* Gradients of recurrent layers: from the last step to the first. */

enum { RECURRENT_DEPTH = 192 }; /* rows of the kernel's gradient that are multiplied at a time, about */

/* Scratch of a chunk.  A step of a block has a place in it, until there are `steps` of them. */
typedef struct {
  int64_t rows, steps, at;  /* at: the place of the step */
  float *dp, *fed, *inner;  /* of each step: gradients of the product; what was multiplied; of a GRU that times the reset gate */
  float *back;              /* the gradient of what was multiplied at this step */
  float *part;              /* to what the chunk adds up */
  int fresh;                /* nothing is there yet */
} recurrent_space;

static int recurrent_find_space(const recurrent *j, recurrent_space *p) {
  p->rows = FN_MIN(j->most, j->share), p->steps = FN_CEIL(RECURRENT_DEPTH, p->rows);
  int64_t rows = p->rows * p->steps;
  p->dp = fn_scratch(3, (size_t)(rows * (j->wide + 2 * j->narrow) + p->rows * j->narrow + VL) * 4); /* rows of dp are read in whole vectors */
  if (!p->dp) return FN_NOMEM;
  p->fed = p->dp + rows * j->wide, p->inner = p->fed + rows * j->narrow, p->back = p->inner + rows * j->narrow;
  return FN_OK;
}

static void recurrent_each_back(const recurrent *j, const recurrent_space *p, int64_t row, int64_t rows, int64_t step, recurrent_body body) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u, place = fn_recurrent_place(s, step);
  for (int64_t r = 0; r < rows; r++) {
    if (!fn_recurrent_on(s, row + r, step)) continue;
    int64_t b = row + r, at = fn_recurrent_kept(s, b, step), last = fn_recurrent_before(s, b, step), here = p->at * rows + r;
    recurrent_row x = {.before = last < 0 ? j->h + b * u : j->y + (b * s->t + last) * u, .y = j->y + (b * s->t + step) * u,
                       .gates = j->gates ? j->gates + at * s->kept * u : NULL, .cells = j->cells ? j->cells + at * u : NULL,
                       .c_before = !j->cells ? NULL : step ? j->cells + (at - s->b) * u : j->c + b * u, .dh = j->dh + b * u,
                       .dc = j->dc ? j->dc + b * u : NULL, .dz = j->dz + (b * s->t + place) * width, .dp = p->dp + here * j->wide,
                       .fed = p->fed + here * j->narrow, .inner = p->inner + here * j->narrow, .dfed = p->back + r * j->narrow,
                       .stream = j->stream};
    if (step) {
      if (x.gates) recurrent_ask(x.gates - s->b * s->kept * u, s->kept * u);
      if (!j->stream) recurrent_claim(x.dz + (s->reverse ? width : -width), width);
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
    memset(j->dz + (b * s->t + fn_recurrent_place(s, step)) * width, 0, (size_t)width * 4);
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
  const float *dp = p->dp + p->at * rows * j->wide;
  int status = FN_OK;
  recurrent_body body = s->gates == FN_LSTM ? lstm_units_back_row : s->gates == FN_SIMPLE_RNN ? simple_units_back_row : gru_units_back_row;
  if (s->gates == FN_GRU && !s->after) {
    recurrent_each_back(j, p, row, rows, step, gru_rest_back_row);
    status |= recurrent_multiply(j->w + 1, dp + 2 * s->u, j->wide, rows, p->back, j->narrow);
    recurrent_each_back(j, p, row, rows, step, gru_gates_back_row);
    recurrent_leave(j, p, row, rows, step);
  } else {
    recurrent_each_back(j, p, row, rows, step, body);
  }
  status |= recurrent_multiply(j->w, dp, j->wide, rows, p->back, j->narrow);
  recurrent_leave(j, p, row, rows, step);
  return status;
}

/* ---- The kernel's gradient, and the bias' of a GRU ---- */

/* Columns [from, from + n) of a chunk's part += fed^T dp, over `depth` rows of both. */
static void recurrent_gather(const recurrent *j, const recurrent_space *p, const float *fed, int64_t from, int64_t n, int64_t depth) {
  const int64_t width = j->s.gates * j->s.u;
  gemm g = {.c = p->part + from, .m = j->s.u, .n = n, .k = depth, .ldc = width, .ta = 1};
  for (int64_t i = 0, panels = gemm_panels(n); i < panels; i++)
    gemm_panel(&g, (gemm_view){fed, j->narrow}, (gemm_view){p->dp + from + i * PANEL, j->wide}, 0, g.m, i, !p->fresh, depth);
}

/* The bias' gradient += the sums of the columns of dp. */
static void recurrent_sum(const recurrent *j, const recurrent_space *p, int64_t depth) {
  const int64_t width = j->s.gates * j->s.u;
  float *out = p->part + width * j->s.u;
  for (int64_t i = 0; i < width; i += VL) {
    int64_t n = FN_MIN(VL, width - i);
    vf sum = {0};
    for (int64_t r = 0; r < depth; r++) sum += load_lanes(p->dp + r * j->wide + i, n);
    store_lanes(out + i, p->fresh ? sum : load_lanes(out + i, n) + sum, n);
  }
}

/* What the steps so far add to the chunk's part. */
static void recurrent_flush(const recurrent *j, recurrent_space *p, int64_t rows) {
  const fn_recurrent *s = &j->s;
  int64_t depth = p->at * rows;
  int two = s->gates == FN_GRU && !s->after;
  recurrent_gather(j, p, p->fed, 0, two ? 2 * s->u : s->gates * s->u, depth);
  if (two) recurrent_gather(j, p, p->inner, 2 * s->u, s->u, depth);
  if (j->dbias) recurrent_sum(j, p, depth);
  p->at = 0, p->fresh = 0;
}

static int recurrent_block_back(const recurrent *j, recurrent_space *p, int64_t row, int64_t rows) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u;
  int64_t first[4 * RECURRENT_ROWS_MOST];
  int status = FN_OK;
  recurrent_copy(j->dh + row * u, j->dlast ? j->dlast + row * u : NULL, rows * u);
  if (j->dc) recurrent_copy(j->dc + row * u, j->dlastc ? j->dlastc + row * u : NULL, rows * u);
  for (int64_t r = 0; r < rows; r++) first[r] = fn_recurrent_first(s, row + r);
  for (int64_t step = s->t - 1; step >= 0; step--) {
    for (int64_t r = 0; r < rows; r++) recurrent_enter(j, p, row + r, p->at * rows + r, step, first[r]);
    if (!recurrent_any(s, row, rows, step)) continue;
    status |= recurrent_step_back(j, p, row, rows, step);
    if (++p->at == p->steps) recurrent_flush(j, p, rows);
  }
  recurrent_flush(j, p, rows);
  return status;
}

static void recurrent_chunk_back(void *ctx, int64_t chunk) {
  recurrent *j = ctx;
  recurrent_space p;
  if (recurrent_find_space(j, &p)) {
    recurrent_report(j, FN_NOMEM);
    return;
  }
  p.part = j->parts + chunk * j->s.gates * j->s.u * (j->s.u + 1), p.at = 0, p.fresh = 1;
#define BLOCK(row, rows) recurrent_report(j, recurrent_block_back(j, &p, row, rows))
  RECURRENT_BLOCKS(j, chunk, BLOCK);
#undef BLOCK
}

/* The parts of all chunks in their order: elements [from, to) of kernel and bias. */
static void recurrent_join(const fn_arg *a, int64_t extra, int64_t from, int64_t to) {
  const recurrent *j = a[0].p;
  const int64_t kernel = j->s.gates * j->s.u * j->s.u, size = kernel + j->s.gates * j->s.u;
  (void)extra;
  for (int64_t i = from; i < to; i++) {
    float sum = 0;
    for (int64_t c = 0; c < j->chunks; c++) sum += j->parts[c * size + i];
    if (i < kernel) j->dk[i] = sum;
    else j->dbias[i - kernel] = sum;
  }
}

static int recurrent_backward(recurrent *j) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u, size = (u + (j->dbias != NULL)) * width;
  if (!u) return FN_OK;
  if (!s->b || !s->t) {
    memset(j->dk, 0, (size_t)(u * width) * 4);
    if (j->dbias) memset(j->dbias, 0, (size_t)width * 4);
    recurrent_copy(j->dh, j->dlast, s->b * u);
    if (j->dc) recurrent_copy(j->dc, j->dlastc, s->b * u);
    return FN_OK;
  }
  int two = s->gates == FN_GRU && !s->after;
  j->w[0] = (recurrent_weights){.b = j->k, .n = u, .k = two ? 2 * u : width, .ldb = width, .turned = 1};
  if (two) j->w[1] = (recurrent_weights){.b = j->k + 2 * u, .n = u, .k = u, .ldb = width, .turned = 1};
  if (recurrent_prepare(j, (u + 1) * width)) return FN_NOMEM;
  j->stream = worth_streaming(j->dz, s->b * s->t * width, u);
  fn_parallel(j->chunks, recurrent_chunk_back, j);
  vfence(j->stream);
  fn_over_rows(&(fn_arg){.p = j}, 0, size, j->chunks, recurrent_join);
  return j->status;
}

FN_TUNED(simple_rnn_grad) {
  recurrent j = {.s = fn_recurrent_of(a + 10, FN_SIMPLE_RNN, a[4].p), .dy = a[0].p, .dlast = a[1].p, .h = a[2].p, .k = a[3].p,
                 .factor = a[5].p, .y = a[6].p, .dz = a[7].p, .dh = a[8].p, .dk = a[9].p};
  j.s.rec = FN_SIGMOID;
  return recurrent_backward(&j);
}
FN_TUNED(lstm_grad) {
  recurrent j = {.s = fn_recurrent_of(a + 15, FN_LSTM, a[6].p), .dy = a[0].p, .dlast = a[1].p, .dlastc = a[2].p, .h = a[3].p,
                 .c = a[4].p, .k = a[5].p, .factor = a[7].p, .y = a[8].p, .gates = a[9].p, .cells = a[10].p, .dz = a[11].p,
                 .dh = a[12].p, .dc = a[13].p, .dk = a[14].p};
  return recurrent_backward(&j);
}
FN_TUNED(gru_grad) {
  recurrent j = {.s = fn_recurrent_of(a + 12, FN_GRU, a[4].p), .dy = a[0].p, .dlast = a[1].p, .h = a[2].p, .k = a[3].p,
                 .factor = a[5].p, .y = a[6].p, .gates = a[7].p, .dz = a[8].p, .dh = a[9].p, .dk = a[10].p, .dbias = a[11].p};
  return recurrent_backward(&j);
}
