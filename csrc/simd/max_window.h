/* The maximum of a window of cells and its number, channels in the lanes of a vector. */
#ifndef FN_MAX_WINDOW_H
#define FN_MAX_WINDOW_H
#include "../windows.h"

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
  int stream; /* whether what is written goes past the caches */
  int relu; /* cells whose maximum is not positive are numbered FN_DEAD: relu passes nothing back to them */
  float *across, *down; /* for the average's gradient, of each window: 1 / cells inside the image along the width, the height */
} pool;

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

FN_INLINE void store_byte_lanes(uint8_t *p, vi v, int64_t n) {
  if (n == VL) store_bytes(p, v);
  else
    for (int64_t i = 0; i < n; i++) p[i] = (uint8_t)v[i];
}

FN_INLINE void store_cells(const pool *p, int64_t at, vi cell, int64_t n) {
  if (p->small) store_byte_lanes(p->small + at, cell, n);
  else if (p->large) memcpy(p->large + at, &cell, (size_t)n * 4);
}

FN_INLINE vi load_byte_lanes(const uint8_t *p, int64_t n) {
  vi v = {0};
  if (n == VL) return load_bytes(p);
  for (int64_t i = 0; i < n; i++) v[i] = p[i];
  return v;
}

FN_INLINE vi load_cells(const pool *p, int64_t at, int64_t n) {
  vi cell = {0};
  if (p->small) return load_byte_lanes(p->small + at, n);
  if (p->large) memcpy(&cell, p->large + at, (size_t)n * 4);
  return cell;
}

FN_INLINE vi mark_dead(vf best, vi cell) {
#if FN_LEVEL == 4
  __mmask16 dead = _mm512_cmp_ps_mask((__m512)best, _mm512_setzero_ps(), _CMP_LE_OQ);
  return (vi)_mm512_mask_mov_epi32((__m512i)cell, dead, _mm512_set1_epi32(FN_DEAD));
#else
  vi dead = best <= 0;
  return (cell & ~dead) | (dead & FN_DEAD);
#endif
}

/* One window of h x w cells; `number` is that of its first cell, `line` what a row of the window adds to it. */
FN_INLINE void max_window_lanes(const pool *p, const float *x, int64_t out, int64_t h, int64_t w, int64_t number, int64_t line, int64_t lanes) {
  vf best = load_lanes(x, lanes);
  vi cell = (int32_t)number - (vi){0};
  for (int64_t i = 0; i < h; i++)
    for (int64_t j = 0; j < w; j++)
      if (i + j) take_greater(&best, &cell, load_lanes(x + (i * p->w + j) * p->c, lanes), (int32_t)(number + i * line + j));
  store_lanes(p->to + out, best, lanes);
  store_cells(p, out, p->relu ? mark_dead(best, cell) : cell, lanes);
}

FN_INLINE void max_window(const pool *p, const float *x, int64_t out, int64_t h, int64_t w, int64_t number, int64_t line) {
  int64_t c = 0;
  for (; c + VL <= p->c; c += VL) max_window_lanes(p, x + c, out + c, h, w, number, line, VL);
  if (c < p->c) max_window_lanes(p, x + c, out + c, h, w, number, line, p->c - c);
}

/* The maximum of four cells in a square, and its number, as by take_greater: NaN is the exception. */
FN_INLINE vf max_of_square(vf a, vf b, vf c, vf d, vi *cell) {
#if FN_LEVEL == 4
  __m512 top = _mm512_max_ps((__m512)b, (__m512)a), low = _mm512_max_ps((__m512)d, (__m512)c); /* of equals the second operand */
  __mmask16 nan = _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_UNORD_Q) | _mm512_cmp_ps_mask((__m512)c, (__m512)d, _CMP_UNORD_Q);
  if (__builtin_expect(nan == 0, 1)) {
    __mmask16 right = _mm512_cmp_ps_mask((__m512)b, (__m512)a, _CMP_GT_OQ), low_right = _mm512_cmp_ps_mask((__m512)d, (__m512)c, _CMP_GT_OQ);
    __mmask16 below = _mm512_cmp_ps_mask(low, top, _CMP_GT_OQ);
    __m512i one = _mm512_set1_epi32(1), in_low = _mm512_mask_mov_epi32(_mm512_set1_epi32(2), low_right, _mm512_set1_epi32(3));
    *cell = (vi)_mm512_mask_mov_epi32(_mm512_maskz_mov_epi32(right, one), below, in_low);
    return (vf)_mm512_max_ps(low, top);
  }
#endif
  *cell = (vi){0};
  take_greater(&a, cell, b, 1);
  take_greater(&a, cell, c, 2);
  take_greater(&a, cell, d, 3);
  return a;
}

FN_INLINE void max_square_lanes(const pool *p, const float *x, int64_t out, int64_t lanes) {
  const float *below = x + p->w * p->c;
  vi cell;
  vf best = max_of_square(load_lanes(x, lanes), load_lanes(x + p->c, lanes), load_lanes(below, lanes), load_lanes(below + p->c, lanes), &cell);
  store_lanes(p->to + out, best, lanes);
  store_cells(p, out, p->relu ? mark_dead(best, cell) : cell, lanes);
}

/* A window of 2x2 cells. */
FN_INLINE void max_square(const pool *p, const float *x, int64_t out) {
  int64_t c = 0;
  for (; c + VL <= p->c; c += VL) max_square_lanes(p, x + c, out + c, VL);
  if (c < p->c) max_square_lanes(p, x + c, out + c, p->c - c);
}

/* dy where the window chose the cell of that number, else 0. */
FN_INLINE vf chosen(vf dy, vi cell, int32_t number) {
#if FN_LEVEL == 4
  return (vf)_mm512_maskz_mov_ps(_mm512_cmpeq_epi32_mask((__m512i)cell, _mm512_set1_epi32(number)), (__m512)dy);
#else
  return (vf)((vi)dy & (cell == number));
#endif
}
#endif
