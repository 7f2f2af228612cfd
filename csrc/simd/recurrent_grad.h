/* Gradients of recurrent layers: from the last step to the first, then the kernel's in one product. */

/* Scratch of a chunk, for the rows of a block. */
typedef struct {
  float *dp, *back; /* gradients of the product, and of what was multiplied */
  float *states;    /* what was multiplied at each step, in the order of dz */
  float *inner;     /* of a GRU: the candidate's side of the product that the reset gate is on */
  float *sum;       /* what a further block adds to its chunk's part */
} recurrent_space;

static int recurrent_find_space(const recurrent *j, recurrent_space *p) {
  const fn_recurrent *s = &j->s;
  int64_t rows = FN_MIN(j->most, j->share), states = s->t * rows * s->u, inner = s->gates == FN_GRU ? states : 0;
  p->dp = fn_scratch(3, (size_t)(rows * (j->wide + j->narrow) + states + inner + s->gates * s->u * (s->u + 1)) * 4);
  if (!p->dp) return FN_NOMEM;
  p->back = p->dp + rows * j->wide, p->states = p->back + rows * j->narrow;
  p->inner = p->states + states, p->sum = p->inner + inner;
  return FN_OK;
}

/* Where step `step` of row r of a block is among `states` and `inner`. */
static int64_t recurrent_state_at(const fn_recurrent *s, int64_t r, int64_t step) { return (r * s->t + fn_recurrent_place(s, step)) * s->u; }

static void recurrent_each_back(const recurrent *j, const recurrent_space *p, int64_t row, int64_t rows, int64_t step, recurrent_body body) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u, place = fn_recurrent_place(s, step);
  for (int64_t r = 0; r < rows; r++) {
    if (!fn_recurrent_on(s, row + r, step)) continue;
    int64_t b = row + r, at = b * s->t + step, last = fn_recurrent_before(s, b, step), state = recurrent_state_at(s, r, step);
    recurrent_row x = {.before = last < 0 ? j->h + b * u : j->y + (b * s->t + last) * u, .y = j->y + at * u,
                       .gates = j->gates ? j->gates + at * s->kept * u : NULL, .cells = j->cells ? j->cells + at * u : NULL,
                       .c_before = !j->cells ? NULL : step ? j->cells + (at - 1) * u : j->c + b * u, .dh = j->dh + b * u,
                       .dc = j->dc ? j->dc + b * u : NULL, .dz = j->dz + (b * s->t + place) * width, .dp = p->dp + r * j->wide,
                       .fed = p->states + state, .inner = p->inner + state, .dfed = p->back + r * j->narrow};
    body(&x, u, (int)s->act, (int)s->rec);
  }
}

/* Before the step: dy is added, and what the step had multiplied is noted; masked rows have no gradient of z. */
static void recurrent_enter(const recurrent *j, const recurrent_space *p, int64_t b, int64_t r, int64_t step, int64_t first) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u, at = b * s->t + step;
  float *dh = j->dh + b * u, *state = p->states + recurrent_state_at(s, r, step);
  if (j->dy && fn_recurrent_shows(s, b, step, first)) {
    const float *dy = j->dy + at * u;
    for (int64_t i = 0; i < u; i++) dh[i] += dy[i];
  }
  if (fn_recurrent_on(s, b, step)) {
    int64_t last = fn_recurrent_before(s, b, step);
    const float *from = last < 0 ? j->h + b * u : j->y + (b * s->t + last) * u, *factor = j->factor + b * u;
    if (j->factor)
      for (int64_t i = 0; i < u; i++) state[i] = from[i] * factor[i];
    else memcpy(state, from, (size_t)u * 4);
  } else {
    memset(state, 0, (size_t)u * 4);
    memset(j->dz + (b * s->t + fn_recurrent_place(s, step)) * width, 0, (size_t)width * 4);
    if (s->gates == FN_GRU) memset(p->inner + recurrent_state_at(s, r, step), 0, (size_t)u * 4);
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
  int status = FN_OK;
  recurrent_body body = s->gates == FN_LSTM ? lstm_units_back_row : s->gates == FN_SIMPLE_RNN ? simple_units_back_row : gru_units_back_row;
  if (s->gates == FN_GRU && !s->after) {
    recurrent_each_back(j, p, row, rows, step, gru_rest_back_row);
    status |= recurrent_multiply(j->w + 1, p->dp + 2 * s->u, j->wide, rows, p->back, j->narrow);
    recurrent_each_back(j, p, row, rows, step, gru_gates_back_row);
    recurrent_leave(j, p, row, rows, step);
  } else {
    recurrent_each_back(j, p, row, rows, step, body);
  }
  status |= recurrent_multiply(j->w, p->dp, j->wide, rows, p->back, j->narrow);
  recurrent_leave(j, p, row, rows, step);
  return status;
}

/* ---- The kernel's gradient, and the bias' of a GRU ---- */

/* c = a^T b over all steps of a block. */
static int recurrent_gather(const recurrent *j, const float *a, const float *b, int64_t ldb, int64_t n, int64_t steps, float *c) {
  const int64_t u = j->s.u;
  gemm g = {.a = a, .b = b, .c = c, .m = u, .n = n, .k = steps, .lda = u, .ldb = ldb, .ldc = j->s.gates * u, .ta = 1};
  return gemm_serial(&g);
}

/* out = the sums of the columns of x: of the steps of each row first, so that no sum is long. */
static void recurrent_sums(const float *x, int64_t ldx, int64_t rows, int64_t steps, int64_t n, float *out) {
  for (int64_t i = 0; i < n; i += VL) {
    int64_t lanes = FN_MIN(VL, n - i);
    vf sum = {0};
    for (int64_t r = 0; r < rows; r++) {
      vf part = {0};
      for (int64_t t = 0; t < steps; t++) part += load_lanes(x + (r * steps + t) * ldx + i, lanes);
      sum += part;
    }
    store_lanes(out + i, sum, lanes);
  }
}

/* A block's part: the kernel's rows, then the bias. */
static int recurrent_part(const recurrent *j, const recurrent_space *p, int64_t row, int64_t rows, float *to) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u, steps = rows * s->t;
  const float *dz = j->dz + row * s->t * width;
  if (s->gates != FN_GRU) return recurrent_gather(j, p->states, dz, width, width, steps, to);
  int status = recurrent_gather(j, p->states, dz, width, 2 * u, steps, to);
  if (s->after) status |= recurrent_gather(j, p->states, p->inner, u, u, steps, to + 2 * u);
  else status |= recurrent_gather(j, p->inner, dz + 2 * u, width, u, steps, to + 2 * u);
  if (!j->dbias) return status;
  recurrent_sums(dz, width, rows, s->t, 2 * u, to + u * width);
  if (s->after) recurrent_sums(p->inner, u, rows, s->t, u, to + u * width + 2 * u);
  else recurrent_sums(dz + 2 * u, width, rows, s->t, u, to + u * width + 2 * u);
  return status;
}

static int recurrent_block_back(const recurrent *j, const recurrent_space *p, int64_t row, int64_t rows, float *part, int fresh) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, size = (u + (j->dbias != NULL)) * s->gates * u;
  int64_t first[4 * RECURRENT_ROWS_MOST];
  int status = FN_OK;
  recurrent_copy(j->dh + row * u, j->dlast ? j->dlast + row * u : NULL, rows * u);
  if (j->dc) recurrent_copy(j->dc + row * u, j->dlastc ? j->dlastc + row * u : NULL, rows * u);
  for (int64_t r = 0; r < rows; r++) first[r] = fn_recurrent_first(s, row + r);
  for (int64_t step = s->t - 1; step >= 0; step--) {
    for (int64_t r = 0; r < rows; r++) recurrent_enter(j, p, row + r, r, step, first[r]);
    if (recurrent_any(s, row, rows, step)) status |= recurrent_step_back(j, p, row, rows, step);
  }
  if (fresh) return status | recurrent_part(j, p, row, rows, part);
  status |= recurrent_part(j, p, row, rows, p->sum);
  for (int64_t i = 0; i < size; i++) part[i] += p->sum[i];
  return status;
}

static void recurrent_chunk_back(void *ctx, int64_t chunk) {
  recurrent *j = ctx;
  recurrent_space p;
  if (recurrent_find_space(j, &p)) {
    recurrent_report(j, FN_NOMEM);
    return;
  }
  float *part = j->parts + chunk * j->s.gates * j->s.u * (j->s.u + 1);
#define BLOCK(row, rows) recurrent_report(j, recurrent_block_back(j, &p, row, rows, part, row == chunk * j->share))
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
  fn_parallel(j->chunks, recurrent_chunk_back, j);
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
