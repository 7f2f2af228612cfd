/* The reference kernels: portable C, complete, for float and for double.  What right means. */
#include "fn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FN_LEVEL FN_REF

/* Kernels that compute on no float: copies, gathers, casts between fixed types. */
#define FN_SUFFIX ref
#define FN_DTYPE 0
#include "ref/untyped.inc"
#include "ref/take.inc"
#include "ref/bits.inc"
#include "ref/sort.inc"
#include "ref/gather.inc"
#include "ref/random_words.inc"
#include "ref/confusion_matrix.inc"
#undef FN_SUFFIX
#undef FN_DTYPE

#define T float
#define FN_SUFFIX ref_f32
#define FN_DTYPE 'f'
#include "ref/all.h"
#undef T
#undef FN_SUFFIX
#undef FN_DTYPE

#define T double
#define FN_SUFFIX ref_f64
#define FN_DTYPE 'd'
#include "ref/all.h"
