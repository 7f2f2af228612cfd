/* Tuned float kernels: the optimizers' updates.  The reference's loops, compiled for this instruction set: they are
 * bound by memory and by divisions, and what the compiler makes of them is as fast as intrinsics. */
#include "level.h"
#include <math.h>
#define T float
#define FN_UPDATE(kernel, signature) FN_TUNED(kernel)
#include "../ref/update.inc"
#undef T
