/* The tuned kernels for x86-64-v4 (AVX-512). */
#if defined(__x86_64__)
#include "simd/target_v4.h"
#define FN_SUFFIX v4_f32
#define FN_LEVEL 4
#define FN_DTYPE 'f'
#include "simd/all.h"
#endif
