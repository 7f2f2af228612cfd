/* Pooling windows that lie side by side inside an image, as the kernels read them that pool what they have just computed. */
#ifndef FN_WINDOWS_H
#define FN_WINDOWS_H
#include "fn.h"

#define FN_WINDOWS "oh:n ow:n kh:p kw:p sh:p sw:p"
enum { FN_WINDOWS_ARGS = 6 };

/* The number of a cell that relu has set to zero: so the way back need not look at the results. */
enum { FN_DEAD = 255 };

typedef struct {
  int64_t oh, ow, kh, kw, sh, sw; /* windows down and across, their sides, and the steps between them, from once to twice as large */
} fn_windows;

/* Reads them; 0 if they overlap, lie far apart, leave the image, or have more cells than a byte can number beside FN_DEAD. */
static inline int fn_windows_read(fn_windows *p, const fn_arg *a, int64_t height, int64_t width) {
  int64_t *field = &p->oh;
  for (int i = 0; i < FN_WINDOWS_ARGS; i++) {
    field[i] = a[i].i;
    if (a[i].i >= INT32_MAX) return 0;
  }
  if (p->sh < p->kh || p->sw < p->kw || p->sh > 2 * p->kh || p->sw > 2 * p->kw || p->kh * p->kw >= FN_DEAD) return 0;
  return !p->oh || !p->ow || ((p->oh - 1) * p->sh + p->kh <= height && (p->ow - 1) * p->sw + p->kw <= width);
}

/* Whether no further window would find room: then the image is not much larger than what the windows say. */
static inline int fn_windows_fill(const fn_windows *p, int64_t height, int64_t width) {
  return height < p->oh * p->sh + p->kh && width < p->ow * p->sw + p->kw;
}
#endif
