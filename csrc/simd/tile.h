/* What the tiles of matrix products and of convolutions share: their height, and how to write something once per row.
 *
 * Of a tile's accumulators each has a name of its own: an array of them would not stay in registers. */
#ifndef FN_TILE_H
#define FN_TILE_H

/* M(0) ... M(13): every row that a tile may have; the bodies ask `i < rows`, which the compiler settles. */
#define EACH_ROW(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13)

/* M(1, ...) ... M(TILE_ROWS, ...): every height of tile.  The height is what the registers hold beside two vectors. */
#define EACH_6(M, ...) M(1, __VA_ARGS__) M(2, __VA_ARGS__) M(3, __VA_ARGS__) M(4, __VA_ARGS__) M(5, __VA_ARGS__) M(6, __VA_ARGS__)
#define EACH_12(M, ...) \
  EACH_6(M, __VA_ARGS__) M(7, __VA_ARGS__) M(8, __VA_ARGS__) M(9, __VA_ARGS__) M(10, __VA_ARGS__) M(11, __VA_ARGS__) M(12, __VA_ARGS__)
#if FN_LEVEL == 4
enum { TILE_ROWS = 14 }; /* x 2 vectors = 28 accumulators of 32 registers */
#define EACH_TILE(M, ...) EACH_12(M, __VA_ARGS__) M(13, __VA_ARGS__) M(14, __VA_ARGS__)
#elif FN_LEVEL == 1
enum { TILE_ROWS = 12 };
#define EACH_TILE EACH_12
#else
enum { TILE_ROWS = 6 }; /* 12 accumulators of 16 registers */
#define EACH_TILE EACH_6
#endif
enum { PANEL = 2 * VL }; /* columns of a tile */
#endif
