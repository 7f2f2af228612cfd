/* The limits of the machine. */
#include "level.h"
#include "../map.h"

/* ---- Twelve chains of multiply-adds that stay in registers: two units with a latency of four or five need eight to ten ---- */

enum { LIMIT_ROUNDS = 4096, LIMIT_WIDTH = 192, LIMIT_CHAINS = 12 };

static void fma_limit_chunk(void *ctx, int64_t chunk) {
  float *y = (float *)ctx + chunk * LIMIT_WIDTH;
  const vf half = vset1(0.5f);
  for (int i = 0; i < LIMIT_WIDTH; i += LIMIT_CHAINS * VL) {
    vf v[LIMIT_CHAINS];
    for (int k = 0; k < LIMIT_CHAINS; k++) v[k] = vload(y + i + k * VL);
    for (int round = 0; round < LIMIT_ROUNDS; round++)
      for (int k = 0; k < LIMIT_CHAINS; k++) v[k] = v[k] * half + half;
    for (int k = 0; k < LIMIT_CHAINS; k++) vstore(y + i + k * VL, v[k]);
  }
}

FN_TUNED(fma_limit) {
  fn_parallel(a[1].i, fma_limit_chunk, a[0].p);
  return FN_OK;
}

/* ---- A copy whose stores go around the caches ---- */

FN_INLINE void store_past_caches(float *p, vf v) { /* p is aligned to a vector */
#if FN_LEVEL == 4
  _mm512_stream_ps(p, (__m512)v);
#elif FN_LEVEL == 3
  _mm256_stream_ps(p, (__m256)v);
#elif FN_LEVEL == 2
  _mm_stream_ps(p, (__m128)v);
#else
  vstore(p, v);
#endif
}

static void stream_limit_run(const fn_arg *a, int64_t lo, int64_t hi) {
  const float *x = a[0].p;
  float *y = a[1].p;
  for (; lo < hi && (uintptr_t)(y + lo) % sizeof(vf); lo++) y[lo] = x[lo];
  for (; lo + VL <= hi; lo += VL) store_past_caches(y + lo, vload(x + lo));
  for (; lo < hi; lo++) y[lo] = x[lo];
#if FN_LEVEL >= 2
  _mm_sfence();
#endif
}

FN_TUNED(stream_limit) { return fn_map(a, a[2].i, FN_GRAIN, stream_limit_run); }
