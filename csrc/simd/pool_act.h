/* Back through windows that do not overlap, and the activation before them: dz = act'(y) dy in the cell that each window
 * chose, else 0, and db, its sum over pixels. */
#ifndef FN_POOL_ACT_H
#define FN_POOL_ACT_H
#include "../chunks.h"
#include "../windows.h"
#include "max_window.h"

typedef struct {
  const float *dy, *y;
  const uint8_t *index;
  float *dz, *partial; /* dz NULL: only the sums are wanted */
  int64_t h, w, c, pixels, chunk, stream; /* chunk: pixels of one */
  fn_windows p;
  int act;
  float alpha;
} pool_act;

/* Pixels [from, to) of one row of an image to dz, V vectors of channels from c on; called with constants for pairs (windows
 * are two columns wide, two apart), V and act. */
FN_INLINE void pool_act_strip(const pool_act *j, int64_t row, int64_t from, int64_t to, int64_t c, const int V, int64_t lanes,
                              const int pairs, const int act, float *dz, vf *sum) {
  const fn_windows *p = &j->p;
  int64_t ih = row % j->h, oh = ih / p->sh, down = ih - oh * p->sh, step = pairs ? 2 : p->sw, width = pairs ? 2 : p->kw;
  int64_t ow = from / step, first = from - ow * step, outputs = oh < p->oh && down < p->kh ? p->ow : 0;
  int64_t at = ((row / j->h * p->oh + oh) * p->ow + ow) * j->c + c;
  for (; from < to && ow < outputs; ow++, at += j->c, first = 0) {
    vf d[4];
    vi cell[4];
    for (int v = 0; v < V; v++) {
      d[v] = vloaded(load_lanes(j->dy + at + v * VL, lanes));
      if (act > FN_RELU) d[v] = vactivate_grad(act, d[v], load_lanes(j->y + at + v * VL, lanes), j->alpha);
      cell[v] = load_byte_lanes(j->index + at + v * VL, lanes);
    }
    int64_t last = FN_MIN(step, first + to - from);
    from += last - first;
    for (int64_t across = first; across < last; across++) {
      for (int v = 0; v < V; v++) {
        vf one = across < width ? chosen(d[v], cell[v], (int32_t)(down * width + across)) : (vf){0};
        sum[v] += one;
        if (dz) stream_lanes(dz + v * VL, one, lanes, j->stream);
      }
      if (dz) dz += j->c;
    }
  }
  for (; dz && from < to; from++, dz += j->c)
    for (int v = 0; v < V; v++) stream_lanes(dz + v * VL, (vf){0}, lanes, j->stream);
}

FN_INLINE void pool_act_columns(const pool_act *j, int64_t chunk, int64_t c, const int V, int64_t lanes, const int pairs, const int act) {
  vf sum[4] = {{0}};
  int64_t pixel = chunk * j->chunk, end = FN_MIN(pixel + j->chunk, j->pixels);
  while (pixel < end) {
    int64_t row = pixel / j->w, from = pixel - row * j->w, to = FN_MIN(j->w, from + end - pixel);
    if (j->dz) pool_act_strip(j, row, from, to, c, V, lanes, pairs, act, j->dz + pixel * j->c + c, sum);
    else pool_act_strip(j, row, from, to, c, V, lanes, pairs, act, NULL, sum);
    pixel += to - from;
  }
  for (int v = 0; v < V; v++) store_lanes(j->partial + chunk * j->c + c + v * VL, sum[v], lanes);
}

FN_INLINE void pool_act_run(const pool_act *j, int64_t chunk, const int pairs, const int act) {
  int64_t c = 0;
  for (; c + 4 * VL <= j->c; c += 4 * VL) pool_act_columns(j, chunk, c, 4, VL, pairs, act);
  for (; c + 2 * VL <= j->c; c += 2 * VL) pool_act_columns(j, chunk, c, 2, VL, pairs, act);
  for (; c + VL <= j->c; c += VL) pool_act_columns(j, chunk, c, 1, VL, pairs, act);
  if (c < j->c) pool_act_columns(j, chunk, c, 1, j->c - c, pairs, act);
}

static void pool_act_chunk(void *ctx, int64_t chunk) {
  const pool_act *j = ctx;
  if (j->p.kw == 2 && j->p.sw == 2 && j->act == FN_RELU) pool_act_run(j, chunk, 1, FN_RELU);
  else pool_act_run(j, chunk, 0, j->act);
}

/* db, and dz where it is wanted. */
static int pool_act_run_all(pool_act *j, float *db) {
  j->stream = j->dz && worth_streaming(j->dz, j->pixels * j->c, j->c);
  j->chunk = fn_bias_rows(j->pixels, j->c);
  int64_t chunks = FN_CEIL(j->pixels, j->chunk);
  if (!(j->partial = fn_scratch(0, (size_t)(chunks * j->c) * 4))) return FN_NOMEM;
  fn_parallel(chunks, pool_act_chunk, j);
  vfence(j->stream);
  memset(db, 0, (size_t)j->c * 4);
  for (int64_t k = 0; k < chunks; k++)
    for (int64_t c = 0; c < j->c; c++) db[c] += j->partial[k * j->c + c];
  return FN_OK;
}
#endif
