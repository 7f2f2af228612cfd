/* What every file of tuned kernels begins with.  setup.py compiles each of them once for every instruction set, with its flags
 * and FN_LEVEL; all that the file defines is static, so that no two sets can be mixed up when they are linked. */
#ifndef FN_LEVEL_H
#define FN_LEVEL_H
#include "../fn.h"

#if FN_LEVEL == 4
#define FN_SUFFIX v4_f32
#elif FN_LEVEL == 3
#define FN_SUFFIX v3_f32
#elif FN_LEVEL == 2
#define FN_SUFFIX v2_f32
#elif FN_LEVEL == 1
#define FN_SUFFIX neon_f32
#else
#error "FN_LEVEL says for which instruction set this is compiled: see setup.py"
#endif
#define FN_DTYPE 'f'

#include "vec.h"
#include "math.h"
#endif
