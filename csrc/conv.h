/* The shape of a 2-D convolution, as the reference and the tuned kernels read it from their arguments.
 *
 * x (N, H, W, C), w (KH, KW, CG, F), y (N, OH, OW, F), all with the last axis contiguous.  Output pixel (oh, ow) sees
 * input pixels (oh*SH - PT + kh*DH, ow*SW - PL + kw*DW); those outside the image are zero.  G groups: filters
 * [g*F/G, (g+1)*F/G) see channels [g*CG, (g+1)*CG), C = G*CG. */
#ifndef FN_CONV_H
#define FN_CONV_H
#include "fn.h"

#define FN_CONV_SHAPE \
  "N:n H:n W:n C:n OH:n OW:n F:n KH:p KW:p SH:p SW:p DH:p DW:p PT:i PL:i G:p CG:n"
enum { FN_CONV_SHAPE_ARGS = 17 };

typedef struct {
  int64_t N, H, W, C, OH, OW, F, KH, KW, SH, SW, DH, DW, PT, PL, G, CG;
} fn_conv;

/* Reads the shape; 0 if the numbers do not make a convolution (then a kernel writes zeros).  Every number stays under
 * 2^31, so that a product of two of them plus a third cannot overflow. */
static inline int fn_conv_read(fn_conv *s, const fn_arg *a) {
  int64_t *field = &s->N;
  int ok = 1;
  for (int i = 0; i < FN_CONV_SHAPE_ARGS; i++) {
    field[i] = a[i].i;
    ok &= a[i].i < INT32_MAX && a[i].i > -INT32_MAX;
  }
  if (!(ok && s->C == s->G * s->CG && s->F % s->G == 0)) return 0;
  if (!s->CG || !s->F) s->KH = s->KW = 1; /* an empty kernel or image: no loop may run over sides that hold nothing */
  if (!s->OH || !s->OW) s->OH = s->OW = 0;
  return 1;
}

/* The number of elements of an array; 0 as soon as one side is 0, whatever the others say. */
static inline int64_t fn_conv_size(int64_t a, int64_t b, int64_t c, int64_t d) {
  return a && b && c && d ? a * b * c * d : 0;
}

static inline int64_t fn_ceil_div(int64_t a, int64_t b) {
  return b == 1 ? a : a >= 0 ? (a + b - 1) / b : -(-a / b);
}

/* The positions o in [0, count) of a window with o*stride + offset in [0, limit): a range [*lo, *hi), empty if none. */
static inline void fn_conv_range(int64_t offset, int64_t stride, int64_t limit, int64_t count, int64_t *lo, int64_t *hi) {
  *lo = FN_MIN(FN_MAX(fn_ceil_div(-offset, stride), 0), count);
  *hi = FN_MAX(FN_MIN(fn_ceil_div(limit - offset, stride), count), *lo);
}
#endif
