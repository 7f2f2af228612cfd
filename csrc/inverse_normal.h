/* The quantile function of the normal distribution, to 16 digits.
 * Source: Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37, 1988. */
#ifndef FN_INVERSE_NORMAL_H
#define FN_INVERSE_NORMAL_H
#include <math.h>

static const double fn_as241_a[8] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
                                     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3};
static const double fn_as241_b[8] = {1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
                                     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3};
static const double fn_as241_c[8] = {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
                                     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4};
static const double fn_as241_d[8] = {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                                     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9};
static const double fn_as241_e[8] = {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
                                     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7};
static const double fn_as241_f[8] = {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                                     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15};

/* Hides a product from the compiler, so that it is rounded before it is added to: the same bits with and without fused
 * multiply-add. */
static inline double fn_rounded(double x) {
#if defined(__x86_64__)
  __asm__("" : "+x"(x));
#elif defined(__aarch64__)
  __asm__("" : "+w"(x));
#endif
  return x;
}

static inline double fn_polynomial7(const double *k, double x) {
  double y = k[7];
  for (int i = 6; i >= 0; i--) y = fn_rounded(y * x) + k[i];
  return y;
}

/* z such that p of the distribution lies below it, 0 < p < 1: first for the middle 85 %, then for the tails, where r is
 * sqrt(-log(min(p, 1 - p))). */
static inline double fn_inverse_normal_middle(double p) {
  double q = p - 0.5, r = 0.180625 - fn_rounded(q * q);
  return q * fn_polynomial7(fn_as241_a, r) / fn_polynomial7(fn_as241_b, r);
}
static inline double fn_inverse_normal_tail(double r) {
  return r <= 5 ? fn_polynomial7(fn_as241_c, r - 1.6) / fn_polynomial7(fn_as241_d, r - 1.6)
                : fn_polynomial7(fn_as241_e, r - 5) / fn_polynomial7(fn_as241_f, r - 5);
}

static inline double fn_inverse_normal(double p) {
  double q = p - 0.5;
  if (fabs(q) <= 0.425) return fn_inverse_normal_middle(p);
  double tail = fn_inverse_normal_tail(sqrt(-log(q < 0 ? p : 1 - p)));
  return q < 0 ? -tail : tail;
}
#endif
