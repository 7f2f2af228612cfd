/* Vectors of floats as wide as the instruction set of this translation unit: VL floats to a vector.
 * GCC vector extensions: `a + b`, `a * b + c` (contracted to one fused multiply-add where there is one), comparisons
 * that give a mask of ints.  Loads and stores are unaligned unless the name says otherwise. */
#ifndef FN_VEC_H
#define FN_VEC_H
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if FN_LEVEL == 4
#define VL 16
#elif FN_LEVEL == 3
#define VL 8
#else
#define VL 4
#endif

typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef uint32_t vu __attribute__((vector_size(VL * 4)));
typedef float vf_u __attribute__((vector_size(VL * 4), aligned(4), may_alias));
typedef int32_t vi_u __attribute__((vector_size(VL * 4), aligned(4), may_alias));

#define FN_INLINE static inline __attribute__((always_inline))

/* Lanes of x (0 ... VL - 1) and of y (VL ... 2 VL - 1), by constants. */
#ifdef __clang__
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, (vi){__VA_ARGS__})
#endif

FN_INLINE vf vload(const float *p) { return *(const vf_u *)p; }
FN_INLINE void vstore(float *p, vf v) { *(vf_u *)p = v; }
FN_INLINE vf vset1(float x) { return x - (vf){0}; } /* a broadcast: exact for every x, -0.0 included */

#if FN_LEVEL == 3
FN_INLINE __m256i vlanes(int64_t n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
#endif

/* The first n (0 < n <= VL) floats; the rest reads as zero and is not touched in memory. */
FN_INLINE vf vload_n(const float *p, int64_t n) {
#if FN_LEVEL == 4
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif FN_LEVEL == 3
  return (vf)_mm256_maskload_ps(p, vlanes(n));
#else
  vf v = {0};
  memcpy(&v, p, (size_t)n * 4);
  return v;
#endif
}
FN_INLINE void vstore_n(float *p, vf v, int64_t n) {
#if FN_LEVEL == 4
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif FN_LEVEL == 3
  _mm256_maskstore_ps(p, vlanes(n), (__m256)v);
#else
  memcpy(p, &v, (size_t)n * 4);
#endif
}

/* The same for n <= VL, whole vectors too; n is mostly a constant. */
FN_INLINE vf load_lanes(const float *p, int64_t n) { return n == VL ? vload(p) : vload_n(p, n); }
FN_INLINE void store_lanes(float *p, vf v, int64_t n) { n == VL ? vstore(p, v) : vstore_n(p, v, n); }

/* v, loaded as it stands: not under a mask that has to be computed first, for which the load would wait. */
FN_INLINE vf vloaded(vf v) {
#if FN_LEVEL == 4
  __asm__("" : "+v"(v));
#endif
  return v;
}

/* Writes past the caches, what will not be read soon: p aligned to vectors; once all is written, vfence.  (Who called
 * fn_parallel does that, for itself; to the workers' writes the locked count of complete chunks has done the same.) */
FN_INLINE void vstream(float *p, vf v) {
#if FN_LEVEL == 4
  _mm512_stream_ps(p, (__m512)v);
#else
  vstore(p, v);
#endif
}
/* The same for n lanes of a vector, where `stream` says so and it is a whole one. */
FN_INLINE void stream_lanes(float *p, vf v, int64_t n, int64_t stream) {
  if (n < VL) vstore_n(p, v, n);
  else if (stream) vstream(p, v);
  else vstore(p, v);
}
/* Whether that is worth it for n floats in rows of c: above 8 MB little would be left in the caches for who reads them next. */
FN_INLINE int worth_streaming(const float *p, int64_t n, int64_t c) {
  return FN_LEVEL == 4 && n > (1 << 21) && c % VL == 0 && (uintptr_t)p % (VL * 4) == 0;
}
FN_INLINE void vfence(int64_t streamed) {
#if FN_LEVEL == 4
  if (streamed) _mm_sfence();
#endif
  (void)streamed;
}

/* mask ? a : b, lane by lane; a mask is what a comparison of two vf gives (all ones or zero). */
FN_INLINE vf vselect(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

/* The larger and the smaller of two, in one instruction; b if one of them is NaN. */
FN_INLINE vf vlarger(vf a, vf b) {
#if FN_LEVEL == 4
  return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif FN_LEVEL == 3
  return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif FN_LEVEL == 2
  return (vf)_mm_max_ps((__m128)a, (__m128)b);
#else
  return vselect(a > b, a, b);
#endif
}
FN_INLINE vf vsmaller(vf a, vf b) {
#if FN_LEVEL == 4
  return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif FN_LEVEL == 3
  return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#elif FN_LEVEL == 2
  return (vf)_mm_min_ps((__m128)a, (__m128)b);
#else
  return vselect(a < b, a, b);
#endif
}

/* The nearest integer, of |x| < 2^22. */
FN_INLINE vf vround(vf x) {
#if FN_LEVEL == 4
  return (vf)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif FN_LEVEL == 3
  return (vf)_mm256_round_ps((__m256)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif FN_LEVEL == 2
  return (vf)_mm_round_ps((__m128)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  return (x + 12582912.0f) - 12582912.0f; /* 1.5 * 2^23 */
#endif
}

/* A bit for each lane of a mask, the first lane the lowest. */
FN_INLINE uint32_t vbits(vi mask) {
#if FN_LEVEL == 4
  return _mm512_movepi32_mask((__m512i)mask);
#elif FN_LEVEL == 3
  return (uint32_t)_mm256_movemask_ps((__m256)mask);
#elif FN_LEVEL == 2
  return (uint32_t)_mm_movemask_ps((__m128)mask);
#else
  uint32_t bits = 0;
  for (int i = 0; i < VL; i++) bits |= (uint32_t)(mask[i] & 1) << i;
  return bits;
#endif
}

/* Where a or b is NaN. */
FN_INLINE vi vunordered(vf a, vf b) {
#if FN_LEVEL == 4
  return (vi)_mm512_movm_epi32(_mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_UNORD_Q));
#elif FN_LEVEL == 3
  return (vi)_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_UNORD_Q);
#elif FN_LEVEL == 2
  return (vi)_mm_cmpunord_ps((__m128)a, (__m128)b);
#else
  return (a != a) | (b != b);
#endif
}

/* Sum of the lanes, in a fixed order. */
FN_INLINE float vsum(vf v) {
  for (int w = VL / 2; w; w /= 2)
    for (int i = 0; i < w; i++) v[i] += v[i + w];
  return v[0];
}

/* The lanes of v turned around by half, a quarter ... of them: four (three, two) steps fold a vector in a fixed order,
 * and leave the result in every lane. */
#if VL == 16
#define TURN(v, k) SHUFFLE(v, v, k ^ 0, k ^ 1, k ^ 2, k ^ 3, k ^ 4, k ^ 5, k ^ 6, k ^ 7, k ^ 8, k ^ 9, k ^ 10, k ^ 11, k ^ 12, \
                           k ^ 13, k ^ 14, k ^ 15)
#define FN_ACROSS(v, f) (v = f(v, TURN(v, 8)), v = f(v, TURN(v, 4)), v = f(v, TURN(v, 2)), f(v, TURN(v, 1)))
#elif VL == 8
#define TURN(v, k) SHUFFLE(v, v, k ^ 0, k ^ 1, k ^ 2, k ^ 3, k ^ 4, k ^ 5, k ^ 6, k ^ 7)
#define FN_ACROSS(v, f) (v = f(v, TURN(v, 4)), v = f(v, TURN(v, 2)), f(v, TURN(v, 1)))
#else
#define TURN(v, k) SHUFFLE(v, v, k ^ 0, k ^ 1, k ^ 2, k ^ 3)
#define FN_ACROSS(v, f) (v = f(v, TURN(v, 2)), f(v, TURN(v, 1)))
#endif
FN_INLINE vf vplus(vf a, vf b) { return a + b; }
FN_INLINE vf vall_sum(vf v) { return FN_ACROSS(v, vplus); }
FN_INLINE vf vall_larger(vf v) { return FN_ACROSS(v, vlarger); }
FN_INLINE vf vall_smaller(vf v) { return FN_ACROSS(v, vsmaller); }

/* All ones in the first n lanes. */
FN_INLINE vi vfirst(int64_t n) {
#if VL == 16
  const vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif VL == 8
  const vi lane = {0, 1, 2, 3, 4, 5, 6, 7};
#else
  const vi lane = {0, 1, 2, 3};
#endif
  return lane < (vi){0} + (int32_t)n;
}

/* Lanes beyond n hold `other`. */
FN_INLINE vf vload_or(const float *p, int64_t n, float other) {
#if FN_LEVEL == 4
  return (vf)_mm512_mask_loadu_ps(_mm512_set1_ps(other), (__mmask16)((1u << n) - 1), p);
#else
  return vselect(vfirst(n), vload_n(p, n), vset1(other));
#endif
}
#endif
