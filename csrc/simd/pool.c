/* Tuned float kernels: pooling over images (N, H, W, C), channels in the lanes of a vector. */
#include "level.h"

typedef struct {
  int32_t from, to; /* of a column or row of the image: the windows that cover it; of a window: the cells it covers */
} span;

typedef struct {
  int64_t n, h, w, c, oh, ow, kh, kw, sh, sw, top, left;
  const float *from;
  float *to;
  uint8_t *small;
  int32_t *large;
  span *columns; /* one for each column of what is written */
  float *across, *down; /* for the average's gradient, of each window: 1 / cells inside the image along the width, the height */
} pool;

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

/* best = max(best, v) and cell = its number; NaN wins over numbers, the earlier over its equals. */
FN_INLINE void take_greater(vf *best, vi *cell, vf v, int32_t number) {
#if FN_LEVEL == 4
  __m512 b = (__m512)*best;
  __mmask16 take = _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(b, b, _CMP_ORD_Q), (__m512)v, b, _CMP_NLE_UQ);
  *best = (vf)_mm512_mask_mov_ps(b, take, (__m512)v);
  *cell = (vi)_mm512_mask_mov_epi32((__m512i)*cell, take, _mm512_set1_epi32(number));
#else
  vi keep = (v <= *best) | (*best != *best);
  *best = vselect(keep, *best, v);
  *cell = (keep & *cell) | (~keep & (number - (vi){0}));
#endif
}

/* VL bytes as the lanes of a vector, and back.  (GCC 12 does __builtin_convertvector of bytes lane by lane.) */
FN_INLINE vi load_bytes(const uint8_t *p) {
#if FN_LEVEL == 4
  return (vi)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
#elif FN_LEVEL == 3
  return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
#else
  vi v;
  for (int i = 0; i < VL; i++) v[i] = p[i];
  return v;
#endif
}

FN_INLINE void store_bytes(uint8_t *p, vi v) {
#if FN_LEVEL == 4
  _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8((__m512i)v));
#elif FN_LEVEL == 3
  __m128i words = _mm_packus_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
  _mm_storel_epi64((__m128i *)p, _mm_packus_epi16(words, words));
#else
  for (int i = 0; i < VL; i++) p[i] = (uint8_t)v[i];
#endif
}

FN_INLINE void store_cells(const pool *p, int64_t at, vi cell, int64_t n) {
  if (p->small && n == VL) store_bytes(p->small + at, cell);
  else if (p->small)
    for (int64_t i = 0; i < n; i++) p->small[at + i] = (uint8_t)cell[i];
  else if (p->large) memcpy(p->large + at, &cell, (size_t)n * 4);
}

FN_INLINE vi load_cells(const pool *p, int64_t at, int64_t n) {
  vi cell = {0};
  if (p->small && n == VL) return load_bytes(p->small + at);
  if (p->small)
    for (int64_t i = 0; i < n; i++) cell[i] = p->small[at + i];
  else if (p->large) memcpy(&cell, p->large + at, (size_t)n * 4);
  return cell;
}

/* One window of h x w cells; `number` is that of its first cell, `line` what a row of the window adds to it. */
FN_INLINE void max_window(const pool *p, const float *x, int64_t out, int64_t h, int64_t w, int64_t number, int64_t line) {
  for (int64_t c = 0; c < p->c; c += VL) {
    int64_t lanes = FN_MIN(p->c - c, VL);
    vf best = load_lanes(x + c, lanes);
    vi cell = (int32_t)number - (vi){0};
    for (int64_t i = 0; i < h; i++)
      for (int64_t j = 0; j < w; j++)
        if (i + j) take_greater(&best, &cell, load_lanes(x + (i * p->w + j) * p->c + c, lanes), (int32_t)(number + i * line + j));
    store_lanes(p->to + out + c, best, lanes);
    store_cells(p, out + c, cell, lanes);
  }
}

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
      if (p->kw == 2 && height == 2 && width == 2 && !line) max_window(p, corner, out, 2, 2, 0, 2);
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

/* dy where the window chose the cell of that number, else 0. */
FN_INLINE vf chosen(vf dy, vi cell, int32_t number) {
#if FN_LEVEL == 4
  return (vf)_mm512_maskz_mov_ps(_mm512_cmpeq_epi32_mask((__m512i)cell, _mm512_set1_epi32(number)), (__m512)dy);
#else
  return (vf)((vi)dy & (cell == number));
#endif
}

/* A row of windows two columns wide that do not overlap: writes `lines` rows of the image, `number` that of the first cell. */
FN_INLINE void max_pool_grad_pairs(const pool *p, int64_t out, float *dx, int32_t number, int lines) {
  for (int64_t ow = 0; ow < p->ow; ow++, out += p->c, dx += 2 * p->c)
    for (int64_t c = 0; c < p->c; c += VL) {
      int64_t lanes = FN_MIN(p->c - c, VL);
      vf dy = load_lanes(p->from + out + c, lanes);
      vi cell = load_cells(p, out + c, lanes);
      for (int i = 0; i < lines; i++)
        for (int j = 0; j < 2; j++) store_lanes(dx + (i * p->w + j) * p->c + c, chosen(dy, cell, number + 2 * i + j), lanes);
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
  fn_parallel(FN_CEIL(p.n * p.h, pool_rows((double)p.w * p.c)), max_pool_grad_rows, &p);
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
