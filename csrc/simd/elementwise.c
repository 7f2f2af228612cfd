/* Tuned float kernels: elementwise.  What needs exp, log or tanh goes through math.h; the rest are plain loops that the
 * compiler turns into vectors of this instruction set. */
#include "level.h"
#include "../map.h"

/* ---- y = f(x), a vector at a time ---- */

#define FN_VECTORS(kernel, grain, expr)                                                           \
  static void FN_NAME(map_##kernel)(const fn_arg *a, int64_t lo, int64_t hi) {                    \
    const float *px = a[0].p;                                                                     \
    float *py = a[1].p;                                                                           \
    int64_t i = lo;                                                                               \
    for (; i + VL <= hi; i += VL) { vf x = vload(px + i); vstore(py + i, expr); }                 \
    if (i < hi) { vf x = vload_n(px + i, hi - i); vstore_n(py + i, expr, hi - i); }               \
  }                                                                                               \
  FN_TUNED(kernel) { return fn_map(a, a[2].i, grain, FN_NAME(map_##kernel)); }

#define FN_VECTORS_ALPHA(kernel, grain, expr)                                                     \
  static void FN_NAME(map_##kernel)(const fn_arg *a, int64_t lo, int64_t hi) {                    \
    const float *px = a[0].p;                                                                     \
    float *py = a[1].p;                                                                           \
    const vf alpha = vset1((float)a[3].f);                                                        \
    int64_t i = lo;                                                                               \
    for (; i + VL <= hi; i += VL) { vf x = vload(px + i); vstore(py + i, expr); }                 \
    if (i < hi) { vf x = vload_n(px + i, hi - i); vstore_n(py + i, expr, hi - i); }               \
  }                                                                                               \
  FN_TUNED(kernel) { return fn_map(a, a[2].i, grain, FN_NAME(map_##kernel)); }

/* dx = g(dy, v, alpha) */
#define FN_VECTORS_GRAD(kernel, grain, expr)                                                      \
  static void FN_NAME(map_##kernel)(const fn_arg *a, int64_t lo, int64_t hi) {                    \
    const float *pd = a[0].p, *pv = a[1].p;                                                       \
    float *px = a[2].p;                                                                           \
    const vf alpha = vset1((float)a[4].f), zero = {0};                                            \
    (void)alpha, (void)zero;                                                                      \
    int64_t i = lo;                                                                               \
    for (; i + VL <= hi; i += VL) { vf dy = vload(pd + i), v = vload(pv + i); vstore(px + i, expr); } \
    if (i < hi) { vf dy = vload_n(pd + i, hi - i), v = vload_n(pv + i, hi - i); vstore_n(px + i, expr, hi - i); } \
  }                                                                                               \
  FN_TUNED(kernel) { return fn_map(a, a[3].i, grain, FN_NAME(map_##kernel)); }

/* max(x, 0) + log(1 + exp(-|x|)) */
FN_INLINE vf vsoftplus(vf x) { return vlarger((vf){0}, x) + vlog1p(vexp(-vabs(x))); }

/* The derivatives of x * s(x), and of gelu by tanh */
FN_INLINE vf vsilu_slope(vf x) {
  vf s = vsigmoid(x);
  return s * (1 + x * (1 - s));
}
FN_INLINE vf vgelu_tanh_of(vf x) { return vtanh(0.79788456080286535588f * (x + 0.044715f * x * x * x)); }
FN_INLINE vf vgelu_tanh_slope(vf x) {
  vf t = vgelu_tanh_of(x);
  return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.79788456080286535588f * (1 + 0.134145f * x * x);
}

/* erf within 2 ulp: x + x p(x^2) up to 1, then 1 - exp(q(|x|)), where q is log(erfc); fitted at Chebyshev nodes. */
FN_INLINE vf verf(vf x) {
  vf a = vabs(x), s = x * x, t = vsmaller(vset1(4), a);
  vf p = s * -9.673590865e-6f + 1.126825389e-4f;
  p = p * s - 8.484396547e-4f;
  p = p * s + 5.221053412e-3f;
  p = p * s - 2.686543831e-2f;
  p = p * s + 1.128378262e-1f;
  p = p * s - 3.761263848e-1f;
  p = p * s + 1.283791671e-1f;
  vf q = t * 1.614061634e-6f - 4.559062310e-5f;
  q = q * t + 5.927695437e-4f;
  q = q * t - 4.740222371e-3f;
  q = q * t + 2.636471745e-2f;
  q = q * t - 1.099782453e-1f;
  q = q * t - 6.319370935e-1f;
  q = q * t - 1.130166676f;
  q = q * t + 3.032130031e-4f;
  vf outer = (vf)((vi)(1 - vexp(q)) | ((vi)x & INT32_MIN));
  return vselect(a < vset1(1), p * x + x, outer);
}
FN_INLINE vf vnormal_cdf(vf x) { return 0.5f * (1 + verf(x * 0.70710678118654752440f)); }
FN_INLINE vf vgelu_slope(vf x) { return vnormal_cdf(x) + x * 0.39894228040143267794f * vexp(-0.5f * x * x); }

FN_VECTORS(erf, FN_GRAIN_MATHS, verf(x))
FN_VECTORS(gelu, FN_GRAIN_MATHS, x *vnormal_cdf(x))
FN_VECTORS_GRAD(gelu_grad, FN_GRAIN_MATHS, dy *vgelu_slope(v))
FN_VECTORS(exp, FN_GRAIN_MATHS, vexp(x))
FN_VECTORS(log1p, FN_GRAIN_MATHS, vlog1p(x))
FN_VECTORS(expm1, FN_GRAIN_MATHS, vexpm1(x))
FN_VECTORS(log, FN_GRAIN_MATHS, vlog(x))
FN_VECTORS(tanh, FN_GRAIN_MATHS, vtanh(x))
FN_VECTORS(sigmoid, FN_GRAIN_MATHS, vsigmoid(x))
FN_VECTORS(softplus, FN_GRAIN_MATHS, vsoftplus(x))
FN_VECTORS(silu, FN_GRAIN_MATHS, x *vsigmoid(x))
FN_VECTORS(gelu_tanh, FN_GRAIN_MATHS, 0.5f * x * (1 + vgelu_tanh_of(x)))
FN_VECTORS(relu, FN_GRAIN, vrelu(x))
FN_VECTORS(relu6, FN_GRAIN, vclip(x, 0, 6))
FN_VECTORS(square, FN_GRAIN, x *x)
FN_VECTORS(negative, FN_GRAIN, -x)
FN_VECTORS(abs, FN_GRAIN, vabs(x))
FN_VECTORS_ALPHA(leaky_relu, FN_GRAIN, vselect(x > (vf){0}, x, alpha * x))
FN_VECTORS_ALPHA(elu, FN_GRAIN_MATHS, vselect(x > (vf){0}, x, alpha * vexpm1(x)))

FN_VECTORS_GRAD(square_grad, FN_GRAIN, 2 * v * dy)
FN_VECTORS_GRAD(relu_grad, FN_GRAIN, vselect(v <= zero, zero, dy))
FN_VECTORS_GRAD(relu6_grad, FN_GRAIN, vselect((v <= zero) | (v >= vset1(6)), zero, dy))
FN_VECTORS_GRAD(leaky_relu_grad, FN_GRAIN, vselect(v > zero, dy, alpha * dy))
FN_VECTORS_GRAD(elu_grad, FN_GRAIN, vselect(v > zero, dy, dy * (v + alpha)))
FN_VECTORS_GRAD(sigmoid_grad, FN_GRAIN, dy * v * (1 - v))
FN_VECTORS_GRAD(tanh_grad, FN_GRAIN, dy * (1 - v * v))
FN_VECTORS_GRAD(softplus_grad, FN_GRAIN_MATHS, dy *vsigmoid(v))
FN_VECTORS_GRAD(silu_grad, FN_GRAIN_MATHS, dy *vsilu_slope(v))
FN_VECTORS_GRAD(gelu_tanh_grad, FN_GRAIN_MATHS, dy *vgelu_tanh_slope(v))

/* ---- Loops that the compiler vectorises ---- */

static void FN_NAME(map_sqrt)(const fn_arg *a, int64_t lo, int64_t hi) {
  const float *x = a[0].p;
  float *y = a[1].p;
  for (int64_t i = lo; i < hi; i++) y[i] = __builtin_sqrtf(x[i]);
}
FN_TUNED(sqrt) { return fn_map(a, a[2].i, FN_GRAIN, FN_NAME(map_sqrt)); }

static void FN_NAME(map_clip)(const fn_arg *a, int64_t lo, int64_t hi) {
  const float *px = a[0].p, low = (float)a[3].f, high = (float)a[4].f;
  float *py = a[1].p;
#pragma GCC ivdep
  for (int64_t i = lo; i < hi; i++) {
    float x = px[i];
    x = x < low ? low : x;
    py[i] = x > high ? high : x;
  }
}
FN_TUNED(clip) { return fn_map(a, a[2].i, FN_GRAIN, FN_NAME(map_clip)); }

#define FN_LOOPS(kernel, expr)                       \
  FN_RUN(FN_NAME(run_##kernel), float, float, expr)  \
  FN_TUNED(kernel) { return fn_broadcast(a, count, sizeof(float), sizeof(float), FN_NAME(run_##kernel)); }

FN_LOOPS(add, x + z)
FN_LOOPS(subtract, x - z)
FN_LOOPS(multiply, x *z)
FN_LOOPS(divide, x / z)
FN_LOOPS(squared_difference, (x - z) * (x - z))
FN_LOOPS(maximum, x > z || x != x ? x : z)
FN_LOOPS(minimum, x < z || x != x ? x : z)
FN_LOOPS(prelu, x > 0 ? x : z *x)
FN_LOOPS(prelu_slope, x > 0 ? 1 : x < 0 ? z : x * 0)
