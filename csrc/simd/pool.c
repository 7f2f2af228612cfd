/* Tuned float kernels: pooling over images (N, H, W, C), channels in the lanes of a vector. */
#include "level.h"
#include "pool_act.h"

static inline int pool_sizes(pool *p, const fn_arg *a) {
  int64_t *size = &p->n;
  for (int i = 0; i < 12; i++) {
    size[i] = a[i].i;
    if (size[i] >= INT32_MAX || size[i] <= -INT32_MAX) return 0;
  }
  return p->n && p->h && p->w && p->c && p->oh && p->ow;
}

static inline int64_t pool_rows(double work) { return (int64_t)FN_MAX(1., 65536 / FN_MAX(1., work)); }

/* The cells of an image of `size` cells that window `o` covers. */
FN_INLINE span pool_window(int64_t o, int64_t stride, int64_t pad, int64_t kernel, int64_t size) {
  int64_t first = o * stride - pad, last = first + kernel;
  int64_t from = FN_MIN(FN_MAX(first, 0), size), to = FN_MIN(last, size);
  return (span){(int32_t)from, (int32_t)FN_MAX(to, from)};
}

/* The windows of `outputs` that cover cell i. */
FN_INLINE span pool_windows_of(int64_t i, int64_t stride, int64_t pad, int64_t kernel, int64_t outputs) {
  int64_t first = i + pad - kernel + 1, last = i + pad;
  int64_t from = first <= 0 ? 0 : FN_CEIL(first, stride), to = last < 0 ? 0 : FN_MIN(last / stride + 1, outputs);
  return (span){(int32_t)FN_MIN(from, outputs), (int32_t)to};
}

/* ---- Maximum ---- */

static void max_pool_rows(void *ctx, int64_t chunk) {
  const pool local = *(const pool *)ctx, *p = &local; /* a copy that no store can change */
  int64_t rows = pool_rows((double)p->ow * p->c * p->kh * p->kw), last = FN_MIN((chunk + 1) * rows, p->n * p->oh);
  for (int64_t row = chunk * rows; row < last; row++) {
    int64_t oh = row % p->oh, out = row * p->ow * p->c;
    span v = pool_window(oh, p->sh, p->top, p->kh, p->h);
    const float *x = p->from + (row / p->oh * p->h + v.from) * p->w * p->c;
    int64_t line = (v.from - oh * p->sh + p->top) * p->kw;
    for (int64_t ow = 0; ow < p->ow; ow++, out += p->c) {
      span u = p->columns[ow];
      const float *corner = x + u.from * p->c;
      int64_t height = v.to - v.from, width = u.to - u.from;
      if (p->kw == 2 && height == 2 && width == 2 && !line) max_square(p, corner, out);
      else if (height && width) max_window(p, corner, out, height, width, line + u.from - ow * p->sw + p->left, p->kw);
      else
        for (int64_t c = 0; c < p->c; c++) {
          p->to[out + c] = -__builtin_inff();
          if (p->small) p->small[out + c] = 255;
          if (p->large) p->large[out + c] = -1;
        }
    }
  }
}

FN_TUNED(max_pool2d) {
  pool p = {.from = a[0].p, .to = a[1].p, .small = a[2].p, .large = a[3].p};
  if (!pool_sizes(&p, a + 4)) return FN_OK;
  if (!(p.columns = fn_scratch(0, (size_t)p.ow * sizeof(span)))) return FN_NOMEM;
  for (int64_t i = 0; i < p.ow; i++) p.columns[i] = pool_window(i, p.sw, p.left, p.kw, p.w);
  fn_parallel(FN_CEIL(p.n * p.oh, pool_rows((double)p.ow * p.c * p.kh * p.kw)), max_pool_rows, &p);
  return FN_OK;
}

/* A row of windows two columns wide that do not overlap: writes `lines` rows of the image, `number` that of the first cell. */
FN_INLINE void max_pool_grad_pair(const pool *p, int64_t out, float *dx, int32_t number, int lines, int64_t lanes) {
  vf dy = vloaded(load_lanes(p->from + out, lanes));
  vi cell = load_cells(p, out, lanes);
  for (int i = 0; i < lines; i++)
    for (int j = 0; j < 2; j++) stream_lanes(dx + (i * p->w + j) * p->c, chosen(dy, cell, number + 2 * i + j), lanes, p->stream);
}

FN_INLINE void max_pool_grad_pairs(const pool *p, int64_t out, float *dx, int32_t number, int lines) {
  for (int64_t ow = 0; ow < p->ow; ow++, out += p->c, dx += 2 * p->c) {
    int64_t c = 0;
    for (; c + VL <= p->c; c += VL) max_pool_grad_pair(p, out + c, dx + c, number, lines, VL);
    if (c < p->c) max_pool_grad_pair(p, out + c, dx + c, number, lines, p->c - c);
  }
}

/* `lanes` channels of one cell of the image, in the `v` rows and `u` columns of windows. */
FN_INLINE vf max_pool_grad_lanes(const pool *p, int64_t image, span v, span u, int64_t ih, int64_t iw, int64_t c, int64_t lanes) {
  vf sum = {0};
  for (int64_t oh = v.from; oh < v.to; oh++) {
    int64_t number = (ih - oh * p->sh + p->top) * p->kw + iw - u.from * p->sw + p->left;
    int64_t out = ((image + oh) * p->ow + u.from) * p->c + c;
    for (int64_t ow = u.from; ow < u.to; ow++, out += p->c, number -= p->sw)
      sum += chosen(load_lanes(p->from + out, lanes), load_cells(p, out, lanes), (int32_t)number);
  }
  return sum;
}

FN_INLINE void max_pool_grad_cell(const pool *p, int64_t image, span v, span u, int64_t ih, int64_t iw, float *dx) {
  int64_t c = 0;
  for (; c + VL <= p->c; c += VL) vstore(dx + c, max_pool_grad_lanes(p, image, v, u, ih, iw, c, VL));
  if (c < p->c) vstore_n(dx + c, max_pool_grad_lanes(p, image, v, u, ih, iw, c, p->c - c), p->c - c);
}

static void max_pool_grad_rows(void *ctx, int64_t chunk) {
  const pool local = *(const pool *)ctx, *p = &local; /* a copy that no store can change */
  int64_t rows = pool_rows((double)p->w * p->c), last = FN_MIN((chunk + 1) * rows, p->n * p->h);
  int pairs = p->kw == 2 && p->sw == 2 && p->left == 0 && 2 * p->ow <= p->w;
  int squares = pairs && p->kh == 2 && p->sh == 2 && p->top == 0;
  for (int64_t row = chunk * rows; row < last; row++) {
    int64_t ih = row % p->h, image = row / p->h * p->oh, iw = pairs ? 2 * p->ow : 0;
    float *dx = p->to + row * p->w * p->c;
    span v = pool_windows_of(ih, p->sh, p->top, p->kh, p->oh);
    int64_t out = (image + v.from) * p->ow * p->c;
    if (squares && ih % 2 == 0 && ih + 1 < p->h && row + 1 < last && v.from < v.to) { /* both rows of the windows at once */
      max_pool_grad_pairs(p, out, dx, 0, 2);
      for (int64_t i = 0; i < 2; i++)
        for (int64_t j = iw; j < p->w; j++) max_pool_grad_cell(p, image, v, p->columns[j], ih + i, j, dx + (i * p->w + j) * p->c);
      row++;
      continue;
    }
    if (pairs && v.to - v.from == 1) max_pool_grad_pairs(p, out, dx, (int32_t)((ih - v.from * p->sh + p->top) * 2), 1);
    else iw = 0;
    for (; iw < p->w; iw++) max_pool_grad_cell(p, image, v, p->columns[iw], ih, iw, dx + iw * p->c);
  }
}

FN_TUNED(max_pool2d_grad) {
  pool p = {.from = a[0].p, .small = a[1].p, .large = a[2].p, .to = a[3].p};
  if (!pool_sizes(&p, a + 4)) return FN_OK;
  if (!p.small && !p.large) {
    memset(p.to, 0, (size_t)(p.n * p.h * p.w * p.c) * sizeof(float));
    return FN_OK;
  }
  if (!(p.columns = fn_scratch(0, (size_t)p.w * sizeof(span)))) return FN_NOMEM;
  for (int64_t i = 0; i < p.w; i++) p.columns[i] = pool_windows_of(i, p.sw, p.left, p.kw, p.ow);
  p.stream = worth_streaming(p.to, p.n * p.h * p.w * p.c, p.c);
  fn_parallel(FN_CEIL(p.n * p.h, pool_rows((double)p.w * p.c)), max_pool_grad_rows, &p);
  vfence(p.stream);
  return FN_OK;
}

/* ---- Average over the cells inside the image ---- */

FN_INLINE void average_window(const pool *p, const float *x, int64_t out, int64_t h, int64_t w) {
  float scale = 1.0f / (float)FN_MAX(1, h * w);
  for (int64_t c = 0; c < p->c; c += VL) {
    int64_t lanes = FN_MIN(p->c - c, VL);
    vf sum = {0};
    for (int64_t i = 0; i < h; i++)
      for (int64_t j = 0; j < w; j++) sum += load_lanes(x + (i * p->w + j) * p->c + c, lanes);
    store_lanes(p->to + out + c, sum * scale, lanes);
  }
}

static void average_pool_rows(void *ctx, int64_t chunk) {
  const pool local = *(const pool *)ctx, *p = &local; /* a copy that no store can change */
  int64_t rows = pool_rows((double)p->ow * p->c * p->kh * p->kw), last = FN_MIN((chunk + 1) * rows, p->n * p->oh);
  for (int64_t row = chunk * rows; row < last; row++) {
    int64_t out = row * p->ow * p->c;
    span v = pool_window(row % p->oh, p->sh, p->top, p->kh, p->h);
    const float *x = p->from + (row / p->oh * p->h + v.from) * p->w * p->c;
    for (int64_t ow = 0; ow < p->ow; ow++, out += p->c) {
      span u = p->columns[ow];
      int64_t height = v.to - v.from, width = u.to - u.from;
      if (height == 2 && width == 2) average_window(p, x + u.from * p->c, out, 2, 2);
      else average_window(p, x + u.from * p->c, out, height, width);
    }
  }
}

FN_TUNED(average_pool2d) {
  pool p = {.from = a[0].p, .to = a[1].p};
  if (!pool_sizes(&p, a + 2)) return FN_OK;
  if (!(p.columns = fn_scratch(0, (size_t)p.ow * sizeof(span)))) return FN_NOMEM;
  for (int64_t i = 0; i < p.ow; i++) p.columns[i] = pool_window(i, p.sw, p.left, p.kw, p.w);
  fn_parallel(FN_CEIL(p.n * p.oh, pool_rows((double)p.ow * p.c * p.kh * p.kw)), average_pool_rows, &p);
  return FN_OK;
}

static void average_pool_grad_rows(void *ctx, int64_t chunk) {
  const pool local = *(const pool *)ctx, *p = &local; /* a copy that no store can change */
  int64_t rows = pool_rows((double)p->w * p->c), last = FN_MIN((chunk + 1) * rows, p->n * p->h);
  for (int64_t row = chunk * rows; row < last; row++) {
    int64_t image = row / p->h * p->oh;
    span v = pool_windows_of(row % p->h, p->sh, p->top, p->kh, p->oh);
    for (int64_t iw = 0; iw < p->w; iw++) {
      float *dx = p->to + (row * p->w + iw) * p->c;
      span u = p->columns[iw];
      for (int64_t c = 0; c < p->c; c += VL) {
        int64_t lanes = FN_MIN(p->c - c, VL);
        vf sum = {0};
        for (int64_t oh = v.from; oh < v.to; oh++)
          for (int64_t ow = u.from; ow < u.to; ow++)
            sum += load_lanes(p->from + ((image + oh) * p->ow + ow) * p->c + c, lanes) * (p->down[oh] * p->across[ow]);
        store_lanes(dx + c, sum, lanes);
      }
    }
  }
}

/* 1 / the cells inside the image, for each window along one side of it. */
static inline void average_scales(float *scale, int64_t outputs, int64_t stride, int64_t pad, int64_t kernel, int64_t size) {
  for (int64_t i = 0; i < outputs; i++) {
    span cells = pool_window(i, stride, pad, kernel, size);
    scale[i] = 1.0f / (float)FN_MAX(1, cells.to - cells.from);
  }
}

FN_TUNED(average_pool2d_grad) {
  pool p = {.from = a[0].p, .to = a[1].p};
  if (!pool_sizes(&p, a + 2)) return FN_OK;
  if (!(p.columns = fn_scratch(0, (size_t)p.w * sizeof(span) + (size_t)(p.ow + p.oh) * sizeof(float)))) return FN_NOMEM;
  for (int64_t i = 0; i < p.w; i++) p.columns[i] = pool_windows_of(i, p.sw, p.left, p.kw, p.ow);
  p.across = (float *)(p.columns + p.w);
  p.down = p.across + p.ow;
  average_scales(p.across, p.ow, p.sw, p.left, p.kw, p.w);
  average_scales(p.down, p.oh, p.sh, p.top, p.kh, p.h);
  fn_parallel(FN_CEIL(p.n * p.h, pool_rows((double)p.w * p.c)), average_pool_grad_rows, &p);
  return FN_OK;
}

FN_TUNED(max_pool2d_act_grad) {
  pool_act j = {.dy = a[0].p, .y = a[1].p, .index = a[2].p, .dz = a[3].p, .h = a[6].i, .w = a[7].i, .c = a[8].i, .alpha = (float)a[16].f};
  float *db = a[4].p;
  j.act = a[15].i >= FN_LINEAR && a[15].i <= FN_LEAKY_RELU ? (int)a[15].i : FN_LINEAR;
  if (j.c) memset(db, 0, (size_t)j.c * 4);
  j.pixels = j.c && a[5].i && j.h && j.w ? a[5].i * j.h * j.w : 0;
  if (!j.pixels) return FN_OK;
  if (!fn_windows_read(&j.p, a + 9, j.h, j.w)) j.p = (fn_windows){0, 0, 1, 1, 1, 1};
  return pool_act_run_all(&j, db);
}
