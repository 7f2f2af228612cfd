/* The micro-kernel of matrix products: a tile of C, some rows x one or two vectors, in registers.
 *
 * Each element of A is broadcast, from row-major or column-major memory; rows of B are loaded as whole vectors, so that
 * B must be readable, and zero or unwanted, up to the end of the last vector.  C is masked. */
#include "tile.h"

typedef struct {
  const float *a, *b, *bias; /* bias: of the tile's columns, or NULL */
  float *c;
  int64_t a_step, b_step, c_step; /* from one row to the next; of A in column order, from one column to the next */
  int64_t k, lanes;               /* lanes: columns in the last vector, 1 ... VL */
  int resume, relu;               /* resume: go on from what C holds */
} gemm_tile;

FN_INLINE vf gemm_load(const float *p, int64_t lanes) { return lanes < VL ? vload_n(p, lanes) : vload(p); }

/* Called with constant rows, vectors and turned (A in column order) only.  Named accumulators stay in registers. */
FN_INLINE void gemm_tile_run(const gemm_tile *t, const int rows, const int vectors, const int turned) {
#define DECLARE(i) vf x##i, y##i;
  EACH_ROW(DECLARE)
  float *c = t->c;
  const int64_t as = t->a_step, cs = t->c_step, lanes = t->lanes;
  if (t->resume) {
#define RESUME(i)                                                                                              \
  if (i < rows) {                                                                                              \
    x##i = vectors > 1 ? vload(c + i * cs) : gemm_load(c + i * cs, lanes);                                     \
    y##i = vectors > 1 ? gemm_load(c + i * cs + VL, lanes) : x##i;                                             \
  }
    EACH_ROW(RESUME)
  } else {
    vf x = {0}, y = {0};
    if (t->bias) {
      x = vectors > 1 ? vload(t->bias) : gemm_load(t->bias, lanes);
      if (vectors > 1) y = gemm_load(t->bias + VL, lanes);
    }
#define BEGIN(i) x##i = x, y##i = y;
    EACH_ROW(BEGIN)
  }
  const float *a = t->a, *b = t->b;
  for (int64_t p = t->k; p > 0; p--, a += turned ? as : 1, b += t->b_step) {
    vf b0 = vload(b), b1 = vectors > 1 ? vload(b + VL) : b0;
#define FMA(i)                                  \
  if (i < rows) {                               \
    vf v = vset1(a[turned ? i : i * as]);       \
    x##i += v * b0;                             \
    if (vectors > 1) y##i += v * b1;            \
  }
    EACH_ROW(FMA)
  }
  if (t->relu) {
#define RELU(i) x##i = vrelu(x##i), y##i = vrelu(y##i);
    EACH_ROW(RELU)
  }
  if (lanes < VL) {
#define STORE_N(i)                                                                                  \
  if (i < rows && vectors > 1) vstore(c + i * cs, x##i), vstore_n(c + i * cs + VL, y##i, lanes);    \
  else if (i < rows) vstore_n(c + i * cs, x##i, lanes);
    EACH_ROW(STORE_N)
  } else {
#define STORE(i)                                        \
  if (i < rows) vstore(c + i * cs, x##i);               \
  if (i < rows && vectors > 1) vstore(c + i * cs + VL, y##i);
    EACH_ROW(STORE)
  }
}
#undef DECLARE
#undef RESUME
#undef BEGIN
#undef FMA
#undef RELU
#undef STORE_N
#undef STORE

#define DEFINE(rows, vectors, turned) \
  static void gemm_tile_##rows##x##vectors##_##turned(const gemm_tile *t) { gemm_tile_run(t, rows, vectors, turned); }
#define NAME(rows, vectors, turned) gemm_tile_##rows##x##vectors##_##turned,
EACH_TILE(DEFINE, 1, 0)
EACH_TILE(DEFINE, 2, 0)
EACH_TILE(DEFINE, 1, 1)
EACH_TILE(DEFINE, 2, 1)
static void (*const gemm_tiles[2][2][TILE_ROWS])(const gemm_tile *) = {{{EACH_TILE(NAME, 1, 0)}, {EACH_TILE(NAME, 2, 0)}},
                                                                       {{EACH_TILE(NAME, 1, 1)}, {EACH_TILE(NAME, 2, 1)}}};
#undef DEFINE
#undef NAME
