/* What the reference and the tuned kernels of attention share: sizes, and which queries see which keys. */
#ifndef FN_ATTENTION_H
#define FN_ATTENTION_H
#include "fn.h"

#include <math.h>
#include <string.h>

/* q (b, t, n, h), k (b, s, g, h), v (b, s, g, c): n / g heads of queries share one of keys. */
typedef struct {
  int64_t b, t, s, n, g, h, c;
  double scale;
  int64_t causal, mb, mn, mt, ms; /* m: steps of the mask along batch, heads, queries and keys, 0 where it is repeated */
  const uint8_t *mask;            /* NULL: all keys are seen */
} fn_attention;

#define FN_ATTENTION_SIZES "b:n t:n s:n n:n g:p h:n c:n scale:f causal:i mb:n mn:n mt:n ms:n"
#define FN_ATTENTION_MASK "mask:u8[(b-1)*mb+(n-1)*mn+(t-1)*mt+(s-1)*ms+1]?"

static inline fn_attention fn_attention_of(const fn_arg *a, const void *mask) {
  return (fn_attention){a[0].i, a[1].i, a[2].i, a[3].i, a[4].i, a[5].i, a[6].i, a[7].f,
                        a[8].i, a[9].i, a[10].i, a[11].i, a[12].i, mask};
}

static inline int fn_attention_is_empty(const fn_attention *s) {
  return s->b <= 0 || s->t <= 0 || s->n < s->g || s->n % s->g || s->s <= 0;
}

/* How many keys the queries before `end` see at most: with a causal mask alone, none behind them. */
static inline int64_t fn_attention_keys(const fn_attention *s, int64_t end) {
  return s->causal && !s->mask ? FN_MIN(s->s, end) : s->s;
}

/* Whether query i of head n sees key j. */
static inline int fn_attention_sees(const fn_attention *s, int64_t b, int64_t n, int64_t i, int64_t j) {
  if (s->causal && j > i) return 0;
  return !s->mask || s->mask[b * s->mb + n * s->mn + i * s->mt + j * s->ms];
}
#endif
