/* Tuned float kernels: recurrent layers over whole sequences.
 *
 * A chunk takes some rows of the batch through all steps, so that no step waits for another thread.  A step is a product of
 * these rows, in registers, with the packed kernel, which stays in the caches; then the gates, row by row.  Backward the
 * chunk gathers what was multiplied at some steps, and its gradients, and adds their product to its part of the kernel's gradient:
 * one product over all steps, of which each piece is used while it is in the caches. */
#include "level.h"
#include "../chunks.h"
#include "../recurrent.h"
#include "gemm.h"
#include "recurrent_units.h"

enum {
  RECURRENT_ROWS_MOST = TILE_ROWS * (14 / TILE_ROWS), /* rows of a block: one or two tiles */
  RECURRENT_LARGE = 1 << 18,                          /* floats of a kernel from which on blocks are higher: it is read from afar */
  RECURRENT_FEW = 4,                                  /* up to so many rows, the kernel is read where it lies */
  RECURRENT_PARTS = 1 << 22,                          /* floats of all parts of the kernel's gradient, about */
  RECURRENT_WORK = 1 << 20,                           /* multiply-adds below which threads cost more than they give */
  RECURRENT_DEPTH = 192,                              /* rows times steps of what is multiplied at a time beside the recurrence */
};

/* Columns of the kernel, or of the kernel turned. */
typedef struct {
  const float *b, *bias;
  int64_t n, k, ldb;
  int turned;
  float *packed; /* NULL: it is used where it lies */
} recurrent_weights;

typedef struct {
  fn_recurrent s;
  const float *z, *h, *c, *k, *bias, *factor, *w, *wb, *dy, *dlast, *dlastc; /* z: x if there is w */
  float *y, *last, *lastc, *gates, *cells, *dx, *dh, *dc, *dk, *dbias, *dw, *dwb;
  recurrent_weights by[3];                 /* the kernel; of a GRU that resets before the product the candidate's part; w */
  int64_t most, share, chunks, steps;      /* rows of a block at most, and of a chunk; steps beside each other at most */
  int64_t wide, narrow;                    /* from one row of scratch to the next, of all gates and of a state */
  float *parts;                            /* of each chunk: its gradient of kernel and bias */
  int64_t stream;                          /* whether what is kept, or dz, is written past the caches */
  int status;
} recurrent;

static int64_t recurrent_step_of(int64_t n) { return (FN_CEIL(n, 16) | 1) * 16; } /* so that rows do not share cache sets */

/* ---- Products ---- */

/* c = a times weights, for `groups` of `rows` rows; *_group: from one group to the next. */
static int recurrent_multiply_all(const recurrent_weights *w, const float *a, int64_t a_group, int64_t lda, int64_t groups, int64_t rows,
                                  float *c, int64_t c_group, int64_t ldc) {
  gemm g = {.b = w->b, .bias = w->bias, .m = rows, .n = w->n, .k = w->k, .lda = lda, .ldb = w->ldb, .ldc = ldc, .tb = w->turned,
            .packed = w->packed, .deep = w->k};
  int status = FN_OK;
  if (!w->packed)
    for (int64_t i = 0; i < groups; i++) {
      g.a = a + i * a_group, g.c = c + i * c_group;
      status |= gemm_serial(&g);
    }
  else
    for (int64_t p = 0, panels = gemm_panels(w->n); p < panels; p++) {
      gemm_view b = gemm_place_b(&g, p, 0, w->k, NULL, 0);
      for (int64_t i = 0; i < groups; i++) {
        g.c = c + i * c_group;
        gemm_panel(&g, (gemm_view){a + i * a_group, lda}, b, 0, rows, p, 0, w->k);
      }
    }
  return status;
}

static int recurrent_multiply(const recurrent_weights *w, const float *a, int64_t lda, int64_t rows, float *c, int64_t ldc) {
  return recurrent_multiply_all(w, a, 0, lda, 1, rows, c, 0, ldc);
}

static int64_t recurrent_packed(const recurrent_weights *w) { return FN_CEIL(w->n, VL) * VL * w->k; }

static void recurrent_pack(recurrent_weights *w, float *to) {
  gemm g = {.b = w->b, .n = w->n, .k = w->k, .ldb = w->ldb, .tb = w->turned};
  gemm_pack(&g, w->packed = to, 0, gemm_panels(w->n), 0, w->k, 0, w->k);
}

/* Cuts the batch, and packs the kernel; `parts`: floats that each chunk wants beside. */
static int recurrent_prepare(recurrent *j, int64_t parts) {
  const fn_recurrent *s = &j->s;
  int64_t width = s->gates * s->u, weights = width * s->u, chunks;
  j->most = weights > RECURRENT_LARGE ? 4 * RECURRENT_ROWS_MOST : RECURRENT_ROWS_MOST;
  chunks = FN_CEIL(s->b, j->most);
  if (chunks > 2) chunks = FN_CEIL(chunks, 4) * 4;
  else if (s->b >= 8) chunks = 2;
  if ((double)s->b * (double)s->t * (double)(weights + 64 * width) < RECURRENT_WORK) chunks = 1;
  chunks = FN_MIN(chunks, FN_MIN(64, FN_MAX(4, RECURRENT_PARTS / (weights + (j->w ? s->n * width : 0)))));
  j->share = FN_CEIL(s->b, chunks), j->chunks = FN_CEIL(s->b, j->share);
  j->wide = recurrent_step_of(width), j->narrow = recurrent_step_of(s->u);
  int64_t rows = FN_MIN(j->most, j->share), steps = FN_CEIL(RECURRENT_DEPTH, rows);
  j->steps = FN_MIN(s->t, steps > TILE_ROWS ? steps / TILE_ROWS * TILE_ROWS : steps);
  int many = s->b * s->t > 4 * RECURRENT_FEW;
  int64_t size[3], sum = 0;
  for (int i = 0; i < 3; i++) sum += size[i] = many && (i == 2 || s->b > RECURRENT_FEW) ? recurrent_packed(j->by + i) : 0;
  float *space = fn_scratch(0, (size_t)(sum + j->chunks * parts) * 4 + 4);
  if (!space) return FN_NOMEM;
  for (int i = 0; i < 3; space += size[i++])
    if (size[i]) recurrent_pack(j->by + i, space);
  j->parts = space;
  return FN_OK;
}

/* Whether a step of a block has anything to do. */
static int recurrent_any(const fn_recurrent *s, int64_t row, int64_t rows, int64_t step) {
  if (!s->mask) return 1;
  for (int64_t r = 0; r < rows; r++)
    if (fn_recurrent_on(s, row + r, step)) return 1;
  return 0;
}

static void recurrent_copy(float *to, const float *from, int64_t n) {
  if (from) memcpy(to, from, (size_t)n * 4);
  else memset(to, 0, (size_t)n * 4);
}

/* Asks for n floats that the next step reads or writes: rows of z and y lie too far apart to be fetched by themselves. */
FN_INLINE void recurrent_ask(const float *p, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) __builtin_prefetch(p + i, 0);
}
FN_INLINE void recurrent_claim(float *p, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) __builtin_prefetch(p + i, 1);
}

/* ---- Forward ---- */

typedef void (*recurrent_body)(const recurrent_row *r, int64_t u, int act, int rec);

/* Steps that are beside each other in the sequence, in scratch. */
typedef struct {
  int64_t first, steps; /* their first place, and how many there are */
  float *z;             /* with x and w: z of each row of a block at each step */
} recurrent_group;

/* The group that begins with a step and goes on to the last; or, backward, with the last and to the first. */
static void recurrent_begin(const recurrent *j, int64_t step, int backward, recurrent_group *g) {
  const fn_recurrent *s = &j->s;
  g->steps = FN_MIN(j->steps, backward ? step + 1 : s->t - step);
  int64_t end = backward ? step - g->steps + 1 : step + g->steps - 1;
  g->first = FN_MIN(fn_recurrent_place(s, step), fn_recurrent_place(s, end));
}

/* Runs a body for each row of a block that is not masked. */
static void recurrent_each(const recurrent *j, const recurrent_group *g, int64_t row, int64_t rows, int64_t step, float *space,
                           recurrent_body body) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u, place = fn_recurrent_place(s, step);
  const int64_t ahead = step + 1 < s->t && !j->w ? s->reverse ? -width : width : 0;
  float *p = space, *fed = p + rows * j->wide, *inner = fed + rows * j->narrow;
  for (int64_t r = 0; r < rows; r++) {
    if (!fn_recurrent_on(s, row + r, step)) continue;
    int64_t b = row + r, at = fn_recurrent_kept(s, b, step);
    const float *z = j->w ? g->z + (r * g->steps + place - g->first) * j->wide : j->z + (b * s->t + place) * width;
    recurrent_row x = {.x = z, .p = p + r * j->wide, .factor = j->factor ? j->factor + b * u : NULL, .h = j->last + b * u,
                       .c = j->lastc ? j->lastc + b * u : NULL, .y = j->y + (b * s->t + step) * u, .fed = fed + r * j->narrow,
                       .gates = j->gates ? j->gates + at * s->kept * u : NULL, .cells = j->cells ? j->cells + at * u : NULL,
                       .inner = inner + r * j->narrow, .stream = j->stream};
    if (ahead) recurrent_ask(x.x + ahead, width);
    if (step + 1 < s->t) recurrent_claim(x.y + u, u);
    body(&x, u, (int)s->act, (int)s->rec);
  }
}

/* What a masked row gives. */
static void recurrent_pass(const recurrent *j, int64_t b, int64_t step) {
  const fn_recurrent *s = &j->s;
  int64_t u = s->u, at = fn_recurrent_kept(s, b, step);
  float *y = j->y + (b * s->t + step) * u;
  recurrent_copy(y, s->zero || !step ? NULL : y - u, u);
  if (j->gates) memset(j->gates + at * s->kept * u, 0, (size_t)(s->kept * u) * 4);
  if (j->cells) recurrent_copy(j->cells + at * u, j->lastc + b * u, u);
}

static int recurrent_block(const recurrent *j, int64_t row, int64_t rows, float *space) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u;
  float *p = space, *fed = p + rows * j->wide;
  recurrent_group g = {.z = fed + 2 * rows * j->narrow};
  int status = FN_OK, two = s->gates == FN_GRU && !s->after;
  recurrent_body body = s->gates == FN_LSTM ? lstm_units_row : s->gates == FN_SIMPLE_RNN ? simple_units_row
                        : two ? gru_gates_row : gru_units_row;
  memcpy(j->last + row * u, j->h + row * u, (size_t)(rows * u) * 4);
  if (j->lastc) memcpy(j->lastc + row * u, j->c + row * u, (size_t)(rows * u) * 4);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < u; i++) fed[r * j->narrow + i] = j->h[(row + r) * u + i] * (j->factor ? j->factor[(row + r) * u + i] : 1);
  for (int64_t step = 0, begin = 0; step < s->t; step++) {
    if (j->w && step == begin) {
      recurrent_begin(j, step, 0, &g), begin += g.steps;
      status |= recurrent_multiply_all(j->by + 2, j->z + (row * s->t + g.first) * s->n, s->t * s->n, s->n, rows, g.steps, g.z,
                                       g.steps * j->wide, j->wide);
    }
    if (recurrent_any(s, row, rows, step)) {
      status |= recurrent_multiply(j->by, fed, j->narrow, rows, p, j->wide);
      recurrent_each(j, &g, row, rows, step, space, body);
      if (two) {
        status |= recurrent_multiply(j->by + 1, fed, j->narrow, rows, p + 2 * u, j->wide);
        recurrent_each(j, &g, row, rows, step, space, gru_rest_row);
      }
    }
    if (s->mask)
      for (int64_t r = 0; r < rows; r++)
        if (!fn_recurrent_on(s, row + r, step)) recurrent_pass(j, row + r, step);
  }
  return status;
}

/* Blocks of about equal height: BLOCK(row, rows) from a chunk's first row to its last. */
#define RECURRENT_BLOCKS(j, chunk, BLOCK)                                                       \
  do {                                                                                          \
    int64_t at_ = chunk * j->share, left_ = FN_MIN(j->share, j->s.b - at_);                     \
    for (int64_t n_ = FN_CEIL(left_, j->most), rows_; n_; n_--, at_ += rows_, left_ -= rows_) { \
      rows_ = FN_CEIL(left_, n_);                                                               \
      BLOCK(at_, rows_);                                                                        \
    }                                                                                           \
  } while (0)

static void recurrent_report(recurrent *j, int status) {
  if (status) __atomic_store_n(&j->status, FN_NOMEM, __ATOMIC_RELAXED);
}

static void recurrent_chunk(void *ctx, int64_t chunk) {
  recurrent *j = ctx;
  float *space = fn_scratch(3, (size_t)(FN_MIN(j->most, j->share) * ((1 + (j->w ? j->steps : 0)) * j->wide + 2 * j->narrow)) * 4);
  if (!space) {
    recurrent_report(j, FN_NOMEM);
    return;
  }
#define BLOCK(row, rows) recurrent_report(j, recurrent_block(j, row, rows, space))
  RECURRENT_BLOCKS(j, chunk, BLOCK);
#undef BLOCK
}

static int recurrent_forward(recurrent *j) {
  const fn_recurrent *s = &j->s;
  const int64_t u = s->u, width = s->gates * u;
  if (!fn_recurrent_fits(s, j->w) || !s->b) return FN_OK;
  int two = s->gates == FN_GRU && !s->after;
  j->by[0] = (recurrent_weights){.b = j->k, .bias = j->bias, .n = two ? 2 * u : width, .k = u, .ldb = width};
  if (two) j->by[1] = (recurrent_weights){.b = j->k + 2 * u, .bias = j->bias ? j->bias + 2 * u : NULL, .n = u, .k = u, .ldb = width};
  if (j->w) j->by[2] = (recurrent_weights){.b = j->w, .bias = j->wb, .n = width, .k = s->n, .ldb = width};
  if (recurrent_prepare(j, 0)) return FN_NOMEM;
  j->stream = j->gates && worth_streaming(j->gates, s->b * s->t * s->kept * u, u) && (!j->cells || (uintptr_t)j->cells % (VL * 4) == 0);
  fn_parallel(j->chunks, recurrent_chunk, j);
  vfence(j->stream);
  return j->status;
}

FN_TUNED(simple_rnn) {
  recurrent j = {.s = fn_recurrent_of(a + 9, FN_SIMPLE_RNN, a[3].p), .z = a[0].p, .h = a[1].p, .k = a[2].p, .factor = a[4].p,
                 .w = a[5].p, .wb = a[6].p, .y = a[7].p, .last = a[8].p};
  j.s.rec = FN_SIGMOID; /* there are no gates; the usual pair has code of its own */
  return recurrent_forward(&j);
}
FN_TUNED(lstm) {
  recurrent j = {.s = fn_recurrent_of(a + 13, FN_LSTM, a[4].p), .z = a[0].p, .h = a[1].p, .c = a[2].p, .k = a[3].p, .factor = a[5].p,
                 .w = a[6].p, .wb = a[7].p, .y = a[8].p, .last = a[9].p, .lastc = a[10].p, .gates = a[11].p, .cells = a[12].p};
  if (!j.gates || !j.cells) j.gates = j.cells = NULL;
  return recurrent_forward(&j);
}
FN_TUNED(gru) {
  recurrent j = {.s = fn_recurrent_of(a + 11, FN_GRU, a[4].p), .z = a[0].p, .h = a[1].p, .k = a[2].p, .bias = a[3].p, .factor = a[5].p,
                 .w = a[6].p, .wb = a[7].p, .y = a[8].p, .last = a[9].p, .gates = a[10].p};
  return recurrent_forward(&j);
}

#include "recurrent_grad.h"
