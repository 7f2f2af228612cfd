/* The tuned kernels for aarch64 (NEON, which every such processor has). */
#if defined(__aarch64__)
#define FN_SUFFIX neon_f32
#define FN_LEVEL 1
#define FN_DTYPE 'f'
#include "simd/all.h"
#endif
