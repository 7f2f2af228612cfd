/* The tuned kernels for x86-64-v3 (AVX2, FMA). */
#if defined(__x86_64__)
#include "simd/target_v3.h"
#define FN_SUFFIX v3_f32
#define FN_LEVEL 3
#define FN_DTYPE 'f'
#include "simd/all.h"
#endif
