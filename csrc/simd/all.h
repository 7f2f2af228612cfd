/* Every family of tuned kernels: a new family is a line here. */
#include "../fn.h"
#include "vec.h"
#include "math.h"

#include "matmul.c"
#include "conv.c"
#include "elementwise.c"
#include "reduce.c"
#include "pool.c"
#include "global_pool.c"
#include "norm.c"
#include "loss.c"
#include "random.c"
#include "update.c"
#include "penalty.c"

#if defined(__clang__) && !defined(__aarch64__)
#pragma clang attribute pop
#endif
