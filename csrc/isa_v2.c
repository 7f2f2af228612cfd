/* The tuned kernels for x86-64-v2 (SSE4.2). */
#if defined(__x86_64__)
#include "simd/target_v2.h"
#define FN_SUFFIX v2_f32
#define FN_LEVEL 2
#define FN_DTYPE 'f'
#include "simd/all.h"
#endif
