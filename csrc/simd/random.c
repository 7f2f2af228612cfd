/* Tuned float kernels: Philox in the lanes of a vector, evenly and normally distributed numbers, dropout. */
#include "level.h"
#include "../inverse_normal.h"
#include "../philox.h"

/* A product of 32-bit numbers has 64 bits, so a vector holds VL / 2 blocks, each in the lower half of its lane; what the
 * upper halves hold is never looked at. */
#if FN_LEVEL == 4
typedef __m512i philox_vector;
#define PHILOX_MUL(x, y) _mm512_mul_epu32(x, y)
#define PHILOX_HIGH(x) _mm512_srli_epi64(x, 32)
#define PHILOX_XOR(x, y, z) _mm512_ternarylogic_epi64(x, y, z, 0x96)
#define PHILOX_SET(x) _mm512_set1_epi64((int64_t)(x))
#elif FN_LEVEL == 3
typedef __m256i philox_vector;
#define PHILOX_MUL(x, y) _mm256_mul_epu32(x, y)
#define PHILOX_HIGH(x) _mm256_srli_epi64(x, 32)
#define PHILOX_XOR(x, y, z) _mm256_xor_si256(_mm256_xor_si256(x, y), z)
#define PHILOX_SET(x) _mm256_set1_epi64x((int64_t)(x))
#elif FN_LEVEL == 2
typedef __m128i philox_vector;
#define PHILOX_MUL(x, y) _mm_mul_epu32(x, y)
#define PHILOX_HIGH(x) _mm_srli_epi64(x, 32)
#define PHILOX_XOR(x, y, z) _mm_xor_si128(_mm_xor_si128(x, y), z)
#define PHILOX_SET(x) _mm_set1_epi64x((int64_t)(x))
#else
typedef uint64_t philox_vector __attribute__((vector_size(16)));
#define PHILOX_MUL(x, y) (((x) & 0xffffffff) * ((y) & 0xffffffff))
#define PHILOX_HIGH(x) ((x) >> 32)
#define PHILOX_XOR(x, y, z) ((x) ^ (y) ^ (z))
#define PHILOX_SET(x) ((philox_vector){(x), (x)})
#endif
typedef uint64_t philox_lanes __attribute__((vector_size(VL * 4)));

typedef struct {
  philox_vector round[FN_PHILOX_ROUNDS][2];
} philox_keys;

FN_INLINE philox_keys philox_schedule(uint64_t key) {
  philox_keys keys;
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int i = 0; i < FN_PHILOX_ROUNDS; i++, k0 += fn_philox_bump[0], k1 += fn_philox_bump[1])
    keys.round[i][0] = PHILOX_SET((uint64_t)k0), keys.round[i][1] = PHILOX_SET((uint64_t)k1);
  return keys;
}

/* Four words each of the blocks whose counters are in the lanes. */
FN_INLINE void philox_rounds(const philox_keys *keys, philox_vector counter, philox_vector c[4]) {
  const philox_vector m0 = PHILOX_SET((uint64_t)fn_philox_factor[0]), m1 = PHILOX_SET((uint64_t)fn_philox_factor[1]);
  c[0] = counter, c[1] = PHILOX_HIGH(counter), c[2] = c[3] = PHILOX_SET(0);
#pragma GCC unroll 10
  for (int i = 0; i < FN_PHILOX_ROUNDS; i++) {
    philox_vector p0 = PHILOX_MUL(c[0], m0), p1 = PHILOX_MUL(c[2], m1);
    c[0] = PHILOX_XOR(PHILOX_HIGH(p1), c[1], keys->round[i][0]);
    c[2] = PHILOX_XOR(PHILOX_HIGH(p0), c[3], keys->round[i][1]);
    c[1] = p1, c[3] = p0;
  }
}

/* The 64 words of a group; even blocks and odd ones apart, joined at the end. */
FN_INLINE void philox_words(const philox_keys *keys, uint64_t counter, uint32_t words[FN_GROUP]) {
  philox_lanes lane;
  for (int i = 0; i < VL / 2; i++) lane[i] = 2 * (uint64_t)i;
  for (int block = 0; block < FN_GROUP_BLOCKS; block += VL) {
    philox_vector even[4], odd[4];
    philox_lanes first = lane + (counter + (uint64_t)block);
    philox_rounds(keys, (philox_vector)first, even);
    philox_rounds(keys, (philox_vector)(first + 1), odd);
    for (int w = 0; w < 4; w++) {
      philox_lanes joined = ((philox_lanes)even[w] & 0xffffffff) | (philox_lanes)odd[w] << 32;
      memcpy(words + w * FN_GROUP_BLOCKS + block, &joined, sizeof joined);
    }
  }
}

typedef struct {
  const float *x;
  float *y;
  const uint8_t *kept;
  uint8_t *mask;
  uint64_t key, counter;
  int64_t n;
  float low, high, below, scale;
  double from, span, mean, stddev; /* of normally distributed numbers */
  uint32_t threshold;
} random_job;

/* ---- Uniform ---- */

enum { RANDOM_CHUNK = 256 * FN_GROUP };

/* Rounds a product before it is added to, as the reference does. */
FN_INLINE vf rounded(vf x) {
#if FN_LEVEL == 4
  __asm__("" : "+v"(x));
#elif defined(__x86_64__)
  __asm__("" : "+x"(x));
#else
  __asm__("" : "+w"(x));
#endif
  return x;
}

static void random_uniform_chunk(void *ctx, int64_t chunk) {
  const random_job *p = ctx;
  const philox_keys keys = philox_schedule(p->key);
  _Alignas(64) uint32_t words[FN_GROUP];
  int64_t last = FN_MIN((chunk + 1) * RANDOM_CHUNK, p->n);
  vf low = vset1(p->low), span = vset1(p->high - p->low), high = vset1(p->high), below = vset1(p->below);
  for (int64_t i = chunk * RANDOM_CHUNK; i < last; i += FN_GROUP) {
    philox_words(&keys, p->counter + (uint64_t)(i / FN_GROUP) * FN_GROUP_BLOCKS, words);
    for (int k = 0; k < FN_GROUP && i + k < p->n; k += VL) {
      vi bits = *(const vi *)(words + k);
      vf u = __builtin_convertvector((bits >> 8) & 0xffffff, vf) * 0x1p-24f;
      vf y = rounded(u * span) + low;
      y = vselect(y >= high, below, y);
      if (i + k + VL <= p->n) vstore(p->y + i + k, y);
      else vstore_n(p->y + i + k, y, p->n - i - k);
    }
  }
}

FN_TUNED(random_uniform) {
  uint64_t *state = a[0].p;
  random_job p = {.key = state[0], .counter = state[1], .y = a[1].p, .n = a[2].i, .low = (float)a[3].f, .high = (float)a[4].f};
  p.below = __builtin_nextafterf(p.high, p.low);
  fn_parallel(FN_CEIL(p.n, RANDOM_CHUNK), random_uniform_chunk, &p);
  fn_advance(state, p.n);
  return FN_OK;
}

/* ---- Normal: the same steps in double, in the same order and each rounded, as csrc/inverse_normal.h takes them ---- */

enum { DL = VL / 2 };
typedef double vd __attribute__((vector_size(VL * 4)));
typedef uint32_t vu_half __attribute__((vector_size(VL * 2), may_alias));

FN_INLINE vd rounded_doubles(vd x) { return (vd)rounded((vf)x); }

FN_INLINE vd polynomial7(const double *k, vd x) {
  vd y = k[7] - (vd){0};
  for (int i = 6; i >= 0; i--) y = rounded_doubles(y * x) + k[i];
  return y;
}

/* z[i] such that p[i] of the distribution lies below it: the middle for all at once; what lies in the tails is put side
 * by side, and so are its quotients. */
FN_INLINE void inverse_normals(const double *p, double *z) {
  _Alignas(64) double side[FN_GROUP], r[FN_GROUP + DL]; /* side: how much of the distribution lies on the nearer side */
  int tails[FN_GROUP + 1], n = 0;
  for (int k = 0; k < FN_GROUP; k += DL) {
    vd q = *(const vd *)(p + k) - 0.5, x = 0.180625 - rounded_doubles(q * q);
    *(vd *)(z + k) = q * polynomial7(fn_as241_a, x) / polynomial7(fn_as241_b, x);
  }
  for (int k = 0; k < FN_GROUP; k++) side[k] = p[k] < 1 - p[k] ? p[k] : 1 - p[k];
  for (int k = 0; k < FN_GROUP; k++) tails[n] = k, n += fabs(p[k] - 0.5) > 0.425; /* no branch: it would be a guess */
  for (int i = 0; i < n; i++) r[i] = sqrt(-log(side[tails[i]]));
  for (int i = 0; i < n; i += DL) {
    _Alignas(64) double tail[DL];
    vd x = *(const vd *)(r + i) - 1.6;
    *(vd *)tail = polynomial7(fn_as241_c, x) / polynomial7(fn_as241_d, x);
    for (int j = i; j < FN_MIN(i + DL, n); j++)
      z[tails[j]] = __builtin_copysign(r[j] <= 5 ? tail[j - i] : fn_inverse_normal_tail(r[j]), p[tails[j]] - 0.5);
  }
}

static void random_normal_chunk(void *ctx, int64_t chunk) {
  const random_job *p = ctx;
  const philox_keys keys = philox_schedule(p->key);
  _Alignas(64) uint32_t words[FN_GROUP];
  _Alignas(64) double share[FN_GROUP], z[FN_GROUP];
  int64_t last = FN_MIN((chunk + 1) * RANDOM_CHUNK, p->n);
  for (int64_t i = chunk * RANDOM_CHUNK; i < last; i += FN_GROUP) {
    philox_words(&keys, p->counter + (uint64_t)(i / FN_GROUP) * FN_GROUP_BLOCKS, words);
    for (int k = 0; k < FN_GROUP; k += DL) {
      vd u = (__builtin_convertvector(*(const vu_half *)(words + k), vd) + 0.5) * 0x1p-32;
      *(vd *)(share + k) = p->from + rounded_doubles(u * p->span);
    }
    inverse_normals(share, z);
    for (int k = 0; k < FN_GROUP; k += DL) *(vd *)(z + k) = rounded_doubles(*(vd *)(z + k) * p->stddev) + p->mean;
    for (int64_t k = 0; k < FN_MIN(FN_GROUP, p->n - i); k++) p->y[i + k] = (float)z[k];
  }
}

FN_TUNED(random_normal) {
  uint64_t *state = a[0].p;
  random_job p = {.key = state[0], .counter = state[1], .y = a[1].p, .n = a[2].i,
                  .mean = a[3].f, .stddev = a[4].f, .from = a[5].f, .span = a[6].f - a[5].f};
  fn_parallel(FN_CEIL(p.n, RANDOM_CHUNK), random_normal_chunk, &p);
  fn_advance(state, p.n);
  return FN_OK;
}

/* ---- Dropout ---- */

enum { DROPOUT_GROUP = 2 * FN_GROUP, DROPOUT_CHUNK = 256 * DROPOUT_GROUP };

/* One bit for each of the 128 halves of a group: whether it reaches the threshold. */
FN_INLINE void dropout_bits(const uint32_t words[FN_GROUP], uint32_t threshold, uint32_t bits[4]) {
  if (threshold >= 65536) {
    memset(bits, 0, 16);
    return;
  }
#if FN_LEVEL == 4
  __m512i least = _mm512_set1_epi16((int16_t)threshold);
  for (int i = 0; i < 4; i++) bits[i] = _mm512_cmpge_epu16_mask(_mm512_load_si512(words + 16 * i), least);
#elif defined(__x86_64__)
  __m128i least = _mm_set1_epi16((int16_t)threshold), zero = _mm_setzero_si128();
  for (int i = 0; i < 8; i++) { /* least - half, cut off at 0, is 0 where the half is large enough */
    const __m128i *halves = (const __m128i *)(words + 8 * i);
    __m128i a = _mm_cmpeq_epi16(_mm_subs_epu16(least, halves[0]), zero), b = _mm_cmpeq_epi16(_mm_subs_epu16(least, halves[1]), zero);
    ((uint16_t *)bits)[i] = (uint16_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
  }
#else
  memset(bits, 0, 16);
  for (int i = 0; i < DROPOUT_GROUP; i++) bits[i / 32] |= (uint32_t)((words[i / 2] >> (i % 2 * 16) & 0xffff) >= threshold) << (i % 32);
#endif
}

/* x scale where the bit is set, else 0; the lowest bit belongs to the first lane. */
FN_INLINE vf keep_scaled(vf x, vf scale, uint32_t bits) {
#if FN_LEVEL == 4
  return (vf)_mm512_maskz_mul_ps((__mmask16)bits, (__m512)x, (__m512)scale);
#else
  vi lane;
  for (int i = 0; i < VL; i++) lane[i] = 1 << i;
  return (vf)((vi)(x * scale) & (((int32_t)bits & lane) != 0));
#endif
}

/* The elements of one group, `n` of them. */
FN_INLINE void dropout_apply(const float *x, float *y, const uint32_t bits[4], vf scale, int64_t n) {
  int64_t i = 0;
  for (; i + VL <= n; i += VL) vstore(y + i, keep_scaled(vload(x + i), scale, bits[i / 32] >> (i % 32)));
  if (i < n) vstore_n(y + i, keep_scaled(vload_n(x + i, n - i), scale, bits[i / 32] >> (i % 32)), n - i);
}

static void dropout_chunk(void *ctx, int64_t chunk) {
  const random_job *p = ctx;
  const philox_keys keys = philox_schedule(p->key);
  _Alignas(64) uint32_t words[FN_GROUP];
  int64_t last = FN_MIN((chunk + 1) * DROPOUT_CHUNK, p->n);
  for (int64_t i = chunk * DROPOUT_CHUNK; i < last; i += DROPOUT_GROUP) {
    uint32_t bits[4];
    int64_t n = FN_MIN(p->n - i, DROPOUT_GROUP);
    philox_words(&keys, p->counter + (uint64_t)(i / DROPOUT_GROUP) * FN_GROUP_BLOCKS, words);
    dropout_bits(words, p->threshold, bits);
    if (n == DROPOUT_GROUP) {
      dropout_apply(p->x + i, p->y + i, bits, vset1(p->scale), DROPOUT_GROUP);
      memcpy(p->mask + i / 8, bits, 16);
    } else {
      dropout_apply(p->x + i, p->y + i, bits, vset1(p->scale), n);
      bits[n / 32] &= (1u << (n % 32)) - 1; /* no bits after the last element */
      memcpy(p->mask + i / 8, bits, (size_t)FN_CEIL(n, 8));
    }
  }
}

FN_TUNED(dropout) {
  uint64_t *state = a[1].p;
  random_job p = {.x = a[0].p, .key = state[0], .counter = state[1], .y = a[2].p, .mask = a[3].p, .n = a[4].i,
                  .threshold = fn_dropout_threshold(a[6].f), .scale = (float)fn_dropout_scale(a[6].f)};
  if (a[5].i < FN_CEIL(p.n, 8)) return FN_OK;
  fn_parallel(FN_CEIL(p.n, DROPOUT_CHUNK), dropout_chunk, &p);
  fn_advance(state, FN_CEIL(p.n, 2));
  return FN_OK;
}

static void dropout_grad_chunk(void *ctx, int64_t chunk) {
  const random_job *p = ctx;
  int64_t last = FN_MIN((chunk + 1) * DROPOUT_CHUNK, p->n);
  for (int64_t i = chunk * DROPOUT_CHUNK; i < last; i += DROPOUT_GROUP) {
    uint32_t bits[4];
    int64_t n = FN_MIN(p->n - i, DROPOUT_GROUP);
    memcpy(bits, p->kept + i / 8, (size_t)FN_CEIL(n, 8));
    dropout_apply(p->x + i, p->y + i, bits, vset1(p->scale), n);
  }
}

FN_TUNED(dropout_grad) {
  random_job p = {.x = a[0].p, .kept = a[1].p, .y = a[2].p, .n = a[3].i, .scale = (float)fn_dropout_scale(a[5].f)};
  if (a[4].i < FN_CEIL(p.n, 8)) return FN_OK;
  fn_parallel(FN_CEIL(p.n, DROPOUT_CHUNK), dropout_grad_chunk, &p);
  return FN_OK;
}
