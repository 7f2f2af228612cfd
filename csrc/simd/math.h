/* exp, log, tanh and their like on vectors, within 2 ulp (tanh 3); right for infinities, and NaN stays NaN.
 * Polynomials of the Cephes library (S. Moshier), Horner's scheme.  Denormals may be flushed to zero. */
#ifndef FN_SIMD_MATH_H
#define FN_SIMD_MATH_H
#include "vec.h"

/* x = n ln 2 + r with n whole and |r| <= ln 2 / 2; adding 1.5 * 2^23 leaves n in the low bits. */
FN_INLINE vi vreduce_exp(vf x, vf *r) {
  const vf magic = vset1(12582912.0f);
  vf t = x * 1.44269504088896341f + magic, n = t - magic;
  *r = x - n * 0.693359375f - n * -2.12194440e-4f;
  return (vi)t - (vi)magic;
}

/* exp(r) - 1 for |r| <= ln 2 / 2. */
FN_INLINE vf vexpm1_poly(vf r) {
  vf p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r;
}

FN_INLINE vf vpow2(vi n) { return (vf)((n + 127) << 23); } /* -126 <= n <= 127 */

/* Beyond lo ... hi the limit; a NaN passes. */
FN_INLINE vf vclip(vf x, float lo, float hi) {
  x = vselect(x > vset1(hi), vset1(hi), x);
  return vselect(x < vset1(lo), vset1(lo), x);
}

FN_INLINE vf vexp(vf x) {
  vf r;
  vi n = vreduce_exp(vclip(x, -104, 89), &r), half = n >> 1; /* 2^128 in two factors */
  return (vexpm1_poly(r) + 1) * vpow2(half) * vpow2(n - half);
}

/* exp(x) - 1, without cancellation near 0. */
FN_INLINE vf vexpm1(vf x) {
  vf r;
  vi n = vreduce_exp(vclip(x, -30, 89), &r);
  vf half = vpow2(n - 1); /* half of 2^n, which may be 2^128 */
  return 2 * (half * vexpm1_poly(r) + (half - 0.5f));
}

FN_INLINE vf vlog(vf x) {
  const vf zero = {0}, inf = vset1(__builtin_inff());
  vi tiny = x < vset1(1.17549435e-38f);
  vf scaled = vselect(tiny, x * 8388608.0f, x); /* 2^23: a denormal becomes normal */
  vi bits = (vi)scaled, e = ((bits >> 23) & 255) - 126 - (tiny & 23);
  vf m = (vf)((bits & 0x007fffff) | 0x3f000000); /* in [1/2, 1) */
  vi low = m < vset1(0.707106781186547524f);
  e += low; /* a mask is -1 */
  m = m - 1 + vselect(low, m, zero);
  vf z = m * m, n = __builtin_convertvector(e, vf);
  vf p = m * 7.0376836292e-2f - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  vf y = m + (p * m * z + n * -2.12194440e-4f - 0.5f * z) + n * 0.693359375f;
  y = vselect(x == zero, -inf, y);
  y = vselect(x == inf, inf, y);
  return vselect(x >= zero, y, (x - x) / zero); /* below zero, and NaN: NaN */
}

FN_INLINE vf vabs(vf x) { return (vf)((vi)x & 0x7fffffff); }

/* -e / (e + 2) with e = exp(-2|x|) - 1, which is exact near 0 as well; the sign comes last. */
FN_INLINE vf vtanh(vf x) {
  vf a = vabs(x), r;
  vi n = vreduce_exp(-2 * vselect(a > vset1(10), vset1(10), a), &r);
  vf scale = vpow2(n), e = scale * vexpm1_poly(r) + (scale - 1);
  return (vf)((vi)(-e / (e + 2)) | ((vi)x & INT32_MIN));
}

FN_INLINE vf vsigmoid(vf x) { return 1 / (1 + vexp(-x)); }

FN_INLINE vf vrelu(vf v) { /* NaN stays NaN: max gives its second operand then */
#if FN_LEVEL == 4
  return (vf)_mm512_max_ps(_mm512_setzero_ps(), (__m512)v);
#elif FN_LEVEL == 3
  return (vf)_mm256_max_ps(_mm256_setzero_ps(), (__m256)v);
#elif FN_LEVEL == 2
  return (vf)_mm_max_ps(_mm_setzero_ps(), (__m128)v);
#else
  return vselect(v < (vf){0}, (vf){0}, v);
#endif
}

/* The activation of code act (fn.h); alpha: the slope of leaky_relu, the scale of elu. */
FN_INLINE vf vactivate(int act, vf z, float alpha) {
  const vf zero = {0};
  switch (act) {
    case FN_RELU: return vrelu(z);
    case FN_TANH: return vtanh(z);
    case FN_SIGMOID: return vsigmoid(z);
    case FN_RELU6: return vclip(z, 0, 6);
    case FN_ELU: return vselect(z > zero, z, alpha * vexpm1(z));
    case FN_SELU: return 1.0507009873554805f * vselect(z > zero, z, 1.6732632423543772f * vexpm1(z));
    case FN_LEAKY_RELU: return vselect(z > zero, z, alpha * z);
    default: return z;
  }
}

/* dy times the derivative of that activation, from its result y. */
FN_INLINE vf vactivate_grad(int act, vf dy, vf y, float alpha) {
  const vf zero = {0};
  switch (act) {
    case FN_RELU: return vselect(y <= zero, zero, dy);
    case FN_TANH: return dy * (1 - y * y);
    case FN_SIGMOID: return dy * (y * (1 - y));
    case FN_RELU6: return vselect((y <= zero) | (y >= vset1(6)), zero, dy);
    case FN_ELU: return vselect(y > zero, dy, dy * (y + alpha));
    case FN_SELU: return vselect(y > zero, dy * 1.0507009873554805f, dy * (y + 1.7580993408473766f));
    case FN_LEAKY_RELU: return vselect(y > zero, dy, dy * alpha);
    default: return dy;
  }
}
#endif
