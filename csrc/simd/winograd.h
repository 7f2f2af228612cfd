/* Winograd's convolution F(4x4, 3x3): 4x4 outputs of one filter and channel out of 36 products instead of 144.
 *
 *   Y = A' [(G g G') o (B' d B)] A      d: 6x6 inputs, g: the 3x3 kernel, o: element by element
 *
 * Summed over channels, each of the 36 positions is a matrix product of its own: (tiles, C) x (C, F).  The gradient of the
 * kernel is G' [(B' d B) o (A dy A')] G.  See A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks"
 * (2016); the matrices follow from interpolation at 0, +-a, +-b and infinity.  a = 5/8, b = 3/2 instead of the usual 1 and 2
 * halve the error, and are exact in binary with all their products. */
#include "transpose.h"

enum { WINO = 4, WINO_IN = 6, WINO_POINTS = 36 }; /* sides of a tile of outputs and of its inputs; positions */

#define WINO_A 0.625f
#define WINO_B 1.5f
#define WINO_A2 (WINO_A * WINO_A)
#define WINO_B2 (WINO_B * WINO_B)
#define WINO_N0 (WINO_A2 * WINO_B2) /* the product of the distances of point 0 to the others */
#define WINO_NA (1 / (2 * WINO_A2 * (WINO_A2 - WINO_B2))) /* one over that of point a, of point b */
#define WINO_NB (1 / (2 * WINO_B2 * (WINO_B2 - WINO_A2)))

/* ---- The transforms of one row or column: `step` vectors from one element to the next ---- */

/* B': 6 inputs. */
FN_INLINE void winograd_input(const vf *d, int step, vf *out, int out_step) {
  vf d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  vf even_a = d4 - WINO_B2 * d2, odd_a = d3 - WINO_B2 * d1, even_b = d4 - WINO_A2 * d2, odd_b = d3 - WINO_A2 * d1;
  out[0] = d4 - (WINO_A2 + WINO_B2) * d2 + WINO_N0 * d0;
  out[out_step] = even_a + WINO_A * odd_a;
  out[2 * out_step] = even_a - WINO_A * odd_a;
  out[3 * out_step] = even_b + WINO_B * odd_b;
  out[4 * out_step] = even_b - WINO_B * odd_b;
  out[5 * out_step] = d5 - (WINO_A2 + WINO_B2) * d3 + WINO_N0 * d1;
}

/* A': 6 products to 4 outputs. */
FN_INLINE void winograd_output(const vf *m, const int step, vf *out, const int out_step) {
  vf sum_a = m[step] + m[2 * step], less_a = m[step] - m[2 * step];
  vf sum_b = m[3 * step] + m[4 * step], less_b = m[3 * step] - m[4 * step];
  out[0] = m[0] + sum_a + sum_b;
  out[out_step] = WINO_A * less_a + WINO_B * less_b;
  out[2 * out_step] = WINO_A2 * sum_a + WINO_B2 * sum_b;
  out[3 * out_step] = WINO_A * WINO_A2 * less_a + WINO_B * WINO_B2 * less_b + m[5 * step];
}

/* A: 4 gradients of outputs to 6. */
FN_INLINE void winograd_spread(const vf *y, int step, vf *out, int out_step) {
  vf y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
  vf even_a = y0 + WINO_A2 * y2, odd_a = y1 + WINO_A2 * y3, even_b = y0 + WINO_B2 * y2, odd_b = y1 + WINO_B2 * y3;
  out[0] = y0;
  out[out_step] = even_a + WINO_A * odd_a;
  out[2 * out_step] = even_a - WINO_A * odd_a;
  out[3 * out_step] = even_b + WINO_B * odd_b;
  out[4 * out_step] = even_b - WINO_B * odd_b;
  out[5 * out_step] = y3;
}

/* G: 3 taps of the kernel to 6. */
FN_INLINE void winograd_kernel(const vf *g, const int step, vf *out, const int out_step) {
  vf g0 = g[0], g1 = g[step], g2 = g[2 * step];
  vf even_a = WINO_NA * g0 + WINO_NA * WINO_A2 * g2, odd_a = WINO_NA * WINO_A * g1;
  vf even_b = WINO_NB * g0 + WINO_NB * WINO_B2 * g2, odd_b = WINO_NB * WINO_B * g1;
  out[0] = 1 / WINO_N0 * g0;
  out[out_step] = even_a + odd_a;
  out[2 * out_step] = even_a - odd_a;
  out[3 * out_step] = even_b + odd_b;
  out[4 * out_step] = even_b - odd_b;
  out[5 * out_step] = g2;
}

/* G': 6 sums to the gradients of 3 taps. */
FN_INLINE void winograd_gather(const vf *m, const int step, vf *out, const int out_step) {
  vf sum_a = m[step] + m[2 * step], less_a = m[step] - m[2 * step];
  vf sum_b = m[3 * step] + m[4 * step], less_b = m[3 * step] - m[4 * step];
  out[0] = 1 / WINO_N0 * m[0] + WINO_NA * sum_a + WINO_NB * sum_b;
  out[out_step] = WINO_NA * WINO_A * less_a + WINO_NB * WINO_B * less_b;
  out[2 * out_step] = WINO_NA * WINO_A2 * sum_a + WINO_NB * WINO_B2 * sum_b + m[5 * step];
}

/* Keeps the compiler from giving each of 36 places a pointer of its own, which it would then have to advance. */
#define WINO_OPAQUE(p) __asm__("" : "+r"(p))

/* Rows of 6 vectors (6 rows of inputs, 4 of gradients) transformed along columns too, and stored, each in its plane. */
FN_INLINE void winograd_store_points(const vf *half, const int rows, float *out, int64_t plane) {
#pragma GCC unroll 6
  for (int c = 0; c < WINO_IN; c++, out += plane) {
    vf v[WINO_IN];
    float *to = out;
    WINO_OPAQUE(to);
    if (rows == WINO_IN) winograd_input(half + c, WINO_IN, v, 1);
    else winograd_spread(half + c, WINO_IN, v, 1);
#pragma GCC unroll 6
    for (int r = 0; r < WINO_IN; r++) vstore(to + r * WINO_IN * plane, v[r]);
  }
}

/* ---- Tiles of images ---- */

/* How an array of 36 matrices lies: rows of `step` floats, matrices `plane` floats apart (an odd number of cache lines, so
 * that they do not share cache sets). */
typedef struct {
  float *at;
  int64_t step, plane;
} winograd_planes;

FN_INLINE int64_t winograd_plane(int64_t rows, int64_t step) { return (FN_CEIL(rows * step, 16) | 1) * 16; }

/* Of transformed inputs: never a multiple of 1 KB, for such rows share cache sets. */
FN_INLINE int64_t winograd_input_step(const fn_conv *s) { return padded(s->C) % 256 ? padded(s->C) : padded(s->C) + 16; }

/* Tile `tile` of all images: its image and its first output pixel. */
typedef struct {
  int64_t n, oh, ow;
} winograd_tile;

FN_INLINE winograd_tile winograd_tile_at(const fn_conv *s, int64_t tile) {
  int64_t down = FN_CEIL(s->OH, WINO), right = FN_CEIL(s->OW, WINO), in_image = tile % (down * right);
  return (winograd_tile){tile / (down * right), in_image / right * WINO, in_image % right * WINO};
}
static int64_t winograd_tiles(const fn_conv *s) { return s->N * FN_CEIL(s->OH, WINO) * FN_CEIL(s->OW, WINO); }

/* The rows and columns of a 6x6 window that lie inside the image: bit r of rows, bit c of columns. */
typedef struct {
  int rows, columns;
} winograd_inside;

FN_INLINE int winograd_bits(int64_t first, int64_t size) {
  int64_t lo = FN_MIN(FN_MAX(-first, 0), WINO_IN), hi = FN_MAX(FN_MIN(size - first, WINO_IN), lo);
  return (int)((1 << hi) - (1 << lo));
}

/* Zeros where there is nothing: from another place, as a branch for each of 36 would often be mispredicted. */
FN_INLINE vf winograd_load(const float *p, int there, int64_t lanes) {
  static const float zeros[VL];
  return load_lanes(there ? p : zeros, lanes);
}

/* B' d B over all channels of one tile; x: its first input.  What the tile to the right needs is fetched meanwhile. */
FN_INLINE void winograd_transform_input(const float *x, int64_t row, int64_t pixel, int64_t channels, winograd_inside inside,
                                        const int border, float *out, int64_t plane) {
  for (int64_t c = 0; c < channels; c += VL) {
    vf half[WINO_POINTS];
    int64_t lanes = FN_MIN(VL, channels - c);
    const float *from = x + c;
#pragma GCC unroll 6
    for (int i = 0; i < WINO_IN; i++, from += row) {
      vf d[WINO_IN];
      WINO_OPAQUE(from);
#pragma GCC unroll 6
      for (int k = 0; k < WINO_IN; k++) {
        d[k] = border ? winograd_load(from + k * pixel, inside.rows >> i & inside.columns >> k & 1, lanes)
                      : load_lanes(from + k * pixel, lanes);
        if (k >= 2) __builtin_prefetch(from + (k + WINO) * pixel);
      }
      winograd_input(d, 1, half + i * WINO_IN, 1);
    }
    winograd_store_points(half, WINO_IN, out + c, plane);
  }
}

/* Tiles [from, to) into rows 0, 1 ... of v. */
static void winograd_inputs(const fn_conv *s, const float *x, int64_t from, int64_t to, winograd_planes v) {
  for (int64_t tile = from; tile < to; tile++) {
    winograd_tile t = winograd_tile_at(s, tile);
    int64_t top = t.oh - s->PT, left = t.ow - s->PL, row = s->W * s->C;
    const float *at = x + t.n * s->H * row + top * row + left * s->C;
    float *out = v.at + (tile - from) * v.step;
    winograd_inside inside = {winograd_bits(top, s->H), winograd_bits(left, s->W)};
    int all = (1 << WINO_IN) - 1;
    if (inside.rows == all && inside.columns == all)
      winograd_transform_input(at, row, s->C, s->C, inside, 0, out, v.plane);
    else winograd_transform_input(at, row, s->C, s->C, inside, 1, out, v.plane);
  }
}

/* ---- When ---- */

/* Floats of a transformed kernel that are too many for scratch, and channels beyond which a chunk is. */
enum { WINO_SCRATCH = 1 << 24, WINO_CHANNELS = 2048 };

/* Whether tiles are filled well enough (`least`, of 1), and are enough for what it costs to transform and to fetch the kernel
 * (some, and one more for every so many products of a tap).  Both as measured against the direct ways. */
static int winograd_pays(const fn_conv *s, double least, double some, double products) {
  int fits = s->KH == 3 && s->KW == 3 && s->SH == 1 && s->SW == 1 && s->DH == 1 && s->DW == 1 && s->G == 1 && s->C >= 16 &&
             s->F >= 16 && s->C <= WINO_CHANNELS && (double)WINO_POINTS * s->C * padded(s->F) < WINO_SCRATCH;
  if (!fits) return 0;
  double tiles = (double)winograd_tiles(s), all = WINO * WINO * tiles / s->N;
  return (double)s->OH * s->OW >= least * all && (double)s->H * s->W >= 0.36 * all && tiles >= some + (double)s->C * s->F / products;
}
