/* Convolution, bias, activation and max-pooling in one pass: rows of the convolution go into scratch that stays in the
 * cache, and only what the windows choose is written. */
#include "../windows.h"
#include "max_window.h"

enum { POOL_SCRATCH = 1 << 16 }; /* floats of convolved rows in a chunk, a quarter of a second-level cache: they are read at once */

typedef struct {
  conv_forward conv; /* of the pixels that windows see */
  fn_windows p;
  float *y;
  uint8_t *index;
  int64_t rows, chunk_rows; /* rows of windows in all, and in a chunk */
} conv_pool;

/* Rows of windows [from, to) of one image. */
static void conv_pool_rows(conv_pool *j, int64_t n, int64_t from, int64_t to) {
  const fn_conv *s = &j->conv.s;
  const fn_windows *w = &j->p;
  int64_t line = s->OW * s->F, first = (n * w->oh + from) * w->ow * s->F;
  float *scratch = fn_scratch(3, (size_t)((to - from) * w->kh * line) * 4);
  if (!scratch) {
    __atomic_store_n(&j->conv.status, FN_NOMEM, __ATOMIC_RELAXED);
    return;
  }
  if (w->sh == w->kh) j->conv.make_rows(&j->conv, n, from * w->kh, to * w->kh, scratch);
  else
    for (int64_t r = from; r < to; r++)
      j->conv.make_rows(&j->conv, n, r * w->sh, r * w->sh + w->kh, scratch + (r - from) * w->kh * line);
  pool p = {.c = s->F, .w = s->OW, .to = j->y + first, .small = j->index + first, .relu = j->conv.act == FN_RELU};
  for (int64_t r = 0, out = 0; r < to - from; r++)
    for (int64_t ow = 0; ow < w->ow; ow++, out += s->F) {
      const float *corner = scratch + r * w->kh * line + ow * w->sw * s->F;
      if (w->kh == 2 && w->kw == 2) max_square(&p, corner, out);
      else max_window(&p, corner, out, w->kh, w->kw, 0, w->kw);
    }
}

static void conv_pool_chunk(void *ctx, int64_t chunk) {
  conv_pool *j = ctx;
  int64_t oh = j->p.oh, row = chunk * j->chunk_rows, end = FN_MIN(row + j->chunk_rows, j->rows);
  while (row < end) {
    int64_t n = row / oh, from = row % oh, to = FN_MIN(oh, from + end - row);
    conv_pool_rows(j, n, from, to);
    row += to - from;
  }
}

static int run_conv_pool(conv_pool *j) {
  const fn_conv *s = &j->conv.s;
  const fn_windows *w = &j->p;
  double row_work = (double)w->kh * s->OW * s->F * s->KH * s->KW * s->CG;
  j->rows = s->N * w->oh;
  j->chunk_rows = rows_in_chunk(j->rows, row_work, (double)s->KH * s->KW * s->CG * s->F);
  j->chunk_rows = FN_MAX(FN_MIN(j->chunk_rows, POOL_SCRATCH / (w->kh * s->OW * s->F)), 1);
  j->conv.border = has_border(s);
  j->conv.make_rows = rows_maker(&j->conv, FN_MIN(j->chunk_rows, w->oh) * w->kh);
  fn_parallel(FN_CEIL(j->rows, j->chunk_rows), conv_pool_chunk, j);
  return j->conv.status;
}

FN_TUNED(conv2d_max_pool) {
  conv_pool j = {.conv = {.x = a[0].p}, .y = a[3].p, .index = a[4].p};
  const fn_arg *windows = a + 5 + FN_CONV_SHAPE_ARGS, *act = windows + FN_WINDOWS_ARGS;
  fn_conv *s = &j.conv.s;
  int ok = fn_conv_read(s, a + 5) && fn_windows_read(&j.p, windows, s->OH, s->OW);
  int64_t size = fn_conv_size(a[5].i, windows[0].i, windows[1].i, a[11].i);
  j.conv.act = act[0].i, j.conv.alpha = (float)act[1].f;
  if (!ok) memset(j.y, 0, (size_t)size * 4), memset(j.index, 0, (size_t)size);
  if (!ok || !size) return FN_OK;
  if (j.conv.act < FN_LINEAR || j.conv.act > FN_LEAKY_RELU) j.conv.act = FN_LINEAR;
  if (act[2].i && winograd_run_pays(s) && j.p.kh == 2 && j.p.kw == 2 && j.p.sh == 2 && j.p.sw == 2) {
    winograd_job wino = {.s = *s, .x = j.conv.x, .w = a[1].p, .y = j.y, .index = j.index, .act = (int)j.conv.act, .alpha = j.conv.alpha};
    wino.s.OH = 2 * j.p.oh, wino.s.OW = 2 * j.p.ow;
    return winograd_run(&wino, a[2].p);
  }
  s->OH = (j.p.oh - 1) * j.p.sh + j.p.kh;
  if (s->OW > TILE_ROWS) s->OW = FN_MAX((j.p.ow - 1) * j.p.sw + j.p.kw, TILE_ROWS); /* narrower would be a slower way */
  int status = prepare_forward(&j.conv, a[1].p, a[2].p);
  return status ? status : run_conv_pool(&j);
}

/* ---- Backward to the kernel and the bias: dz is made for a block of pixels at a time, and never stored ---- */

FN_TUNED(conv2d_max_pool_backward_weights) {
  conv_backward_weights j = {.x = a[0].p};
  pool_act p = {.dy = a[1].p, .y = a[2].p, .index = a[3].p};
  const fn_arg *windows = a + 6 + FN_CONV_SHAPE_ARGS, *act = windows + FN_WINDOWS_ARGS;
  fn_conv *s = &j.s;
  float *dw = a[4].p, *db = a[5].p;
  int ok = fn_conv_read(s, a + 6) && fn_windows_read(&p.p, windows, s->OH, s->OW) && fn_windows_fill(&p.p, s->OH, s->OW);
  int64_t size = fn_conv_size(a[13].i, a[14].i, a[22].i, a[12].i);
  memset(dw, 0, (size_t)size * 4);
  if (a[12].i) memset(db, 0, (size_t)a[12].i * 4);
  if (!ok || !size || !s->N || !p.p.oh || !p.p.ow) return FN_OK;
  p.h = s->OH, p.w = s->OW, p.c = s->F, p.pixels = s->N * s->OH * s->OW;
  p.act = act[0].i >= FN_LINEAR && act[0].i <= FN_LEAKY_RELU ? (int)act[0].i : FN_LINEAR, p.alpha = (float)act[1].f;
  if (is_depthwise(s)) { /* that way reads dy where it lies; its bodies do not use slot 3 */
    p.dz = fn_scratch(3, (size_t)(p.pixels * p.c) * 4);
    if (!p.dz) return FN_NOMEM;
  }
  int status = pool_act_run_all(&p, db);
  if (status || !s->H || !s->W) return status;
  if (p.dz) return depthwise_run_weights(s, j.x, p.dz, dw);
  j.pooled = &p;
  return run_weights(&j, dw);
}
