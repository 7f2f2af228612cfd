/* exp, log, tanh and their like on vectors, within 2 ulp (tanh 3); right for infinities, and NaN stays NaN.
 * Polynomials of the Cephes library (S. Moshier); neighbouring terms
 * are taken together (Estrin), which halves the chain of operations that wait for each other: twice as fast as Horner's scheme.  Denormals may be flushed to zero. */
#ifndef FN_SIMD_MATH_H
#define FN_SIMD_MATH_H
#include "vec.h"

FN_INLINE vf vabs(vf x) { return (vf)((vi)x & 0x7fffffff); }

/* x = n ln 2 + r with n whole and |r| <= ln 2 / 2. */
FN_INLINE vf vreduce_exp(vf x, vf *r) {
  vf n = vround(x * 1.44269504088896341f);
  *r = x - n * 0.693359375f - n * -2.12194440e-4f;
  return n;
}

/* exp(r) - 1 for |r| <= ln 2 / 2. */
FN_INLINE vf vexpm1_poly(vf r) {
  vf s = r * r, low = r * 1.6666665459e-1f + 5.0000001201e-1f, middle = r * 8.3334519073e-3f + 4.1665795894e-2f;
  vf high = r * 1.9875691500e-4f + 1.3981999507e-3f;
  return ((high * s + middle) * s + low) * s + r;
}

/* x 2^n for whole n; 2^128 and the like in two factors. */
FN_INLINE vf vscale(vf x, vf n) {
#if FN_LEVEL == 4
  return (vf)_mm512_scalef_ps((__m512)x, (__m512)n);
#else
  vi whole = __builtin_convertvector(n, vi), half = whole >> 1;
  return x * (vf)((half + 127) << 23) * (vf)((whole - half + 127) << 23);
#endif
}

/* 2^n for whole -126 <= n <= 127 */
FN_INLINE vf vpow2(vf n) {
#if FN_LEVEL == 4
  return vscale(vset1(1), n);
#else
  return (vf)((__builtin_convertvector(n, vi) + 127) << 23);
#endif
}

/* Beyond lo ... hi the limit; a NaN passes. */
FN_INLINE vf vclip(vf x, float lo, float hi) { return vlarger(vset1(lo), vsmaller(vset1(hi), x)); }

FN_INLINE vf vexp(vf x) {
  vf r, n = vreduce_exp(vclip(x, -104, 89), &r);
  return vscale(vexpm1_poly(r) + 1, n);
}

/* exp(x) - 1, without cancellation near 0. */
FN_INLINE vf vexpm1(vf x) {
  vf r, n = vreduce_exp(vclip(x, -30, 89), &r), half = vpow2(n - 1); /* half of 2^n, which may be 2^128 */
  return 2 * (half * vexpm1_poly(r) + (half - 0.5f));
}

/* x = (1 + m) 2^n with sqrt(1/2) <= 1 + m < sqrt(2), for 0 < x < infinity. */
FN_INLINE vf vsplit(vf x, vf *n) {
#if FN_LEVEL == 4
  __m512 m = _mm512_getmant_ps((__m512)x, _MM_MANT_NORM_p5_1, _MM_MANT_SIGN_nan), e = _mm512_getexp_ps((__m512)x);
  __mmask16 low = _mm512_cmp_ps_mask(m, _mm512_set1_ps(0.707106781186547524f), _CMP_LT_OQ);
  *n = (vf)_mm512_mask_add_ps(e, ~low, e, _mm512_set1_ps(1));
  return (vf)_mm512_mask_add_ps(m, low, m, m) - 1;
#else
  const int32_t root = 0x3f3504f3; /* sqrt(1/2): taken off, it lets the exponent change there */
  vi tiny = x < vset1(1.17549435e-38f); /* 2^23 makes a denormal normal */
  vi bits = (vi)((vu)vselect(tiny, x * 8388608.0f, x) - root); /* unsigned, as a negative x may overflow */
  *n = __builtin_convertvector((bits >> 23) - (tiny & 23), vf);
  return (vf)((bits & 0x007fffff) + root) - 1;
#endif
}

/* log((1 + m) 2^n), m and n as vsplit gives them. */
FN_INLINE vf vlog_of(vf m, vf n) {
  vf z = m * m, a = m * 7.0376836292e-2f - 1.1514610310e-1f, b = m * 1.1676998740e-1f - 1.2420140846e-1f;
  vf c = m * 1.4249322787e-1f - 1.6668057665e-1f, d = m * 2.0000714765e-1f - 2.4999993993e-1f;
  vf p = ((a * z + b) * (z * z) + (c * z + d)) * m + 3.3333331174e-1f;
  return m + (p * m * z + n * -2.12194440e-4f - 0.5f * z) + n * 0.693359375f;
}

/* y, the logarithm of x > 0, or what belongs to infinity, to 0, and to what has no logarithm. */
FN_INLINE vf vlog_ends(vf x, vf y) {
#if FN_LEVEL == 4 /* a digit for each kind of x, from the right: NaN NaN, 0: -inf (4), 1: y (0), -inf, inf: inf (5), < 0: NaN, > 0 */
  return (vf)_mm512_fixupimm_ps((__m512)y, (__m512)x, _mm512_set1_epi32(0x03530422), 0);
#else
  const vf inf = vset1(__builtin_inff()), zero = {0};
  y = vselect(x == inf, inf, vselect(x == zero, -inf, y));
  return vselect(x >= zero, y, vset1(__builtin_nanf("")));
#endif
}

FN_INLINE vf vlog(vf x) {
  vf n, m = vsplit(x, &n);
  return vlog_ends(x, vlog_of(m, n));
}

/* log(1 + x), exact near 0 as well: what the rounding of the sum took away is added to its mantissa. */
FN_INLINE vf vlog1p(vf x) {
  vf sum = 1 + x, n, m = vsplit(sum, &n);
  return vlog_ends(sum, vlog_of(m + vscale(x - (sum - 1), -n), n));
}

/* e / (e + 2) with e = exp(2x) - 1, which is exact near 0 as well. */
FN_INLINE vf vtanh(vf x) {
  vf r, n = vreduce_exp(2 * vclip(x, -10, 10), &r), scale = vpow2(n), e = scale * vexpm1_poly(r) + (scale - 1);
  return e / (e + 2);
}

FN_INLINE vf vsigmoid(vf x) { return 1 / (1 + vexp(-x)); }

FN_INLINE vf vrelu(vf v) { return vlarger((vf){0}, v); } /* NaN stays NaN */

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
