/* What the reference and the tuned kernels of the losses share: their codes, and labels of any dtype. */
#ifndef FN_LOSS_H
#define FN_LOSS_H
#include "fn.h"

#include <math.h>

/* Losses of a row of targets and a row of predictions.  ops/loss.py has the same order. */
enum {
  FN_SQUARED, FN_ABSOLUTE, FN_PERCENTAGE, FN_LOGARITHMIC, FN_HUBER, FN_LOG_COSH, FN_HINGE, FN_SQUARED_HINGE,
  FN_POISSON, FN_KL_DIVERGENCE, FN_BINARY, FN_BINARY_LOGITS, FN_ELEMENTWISE /* these are means (kl: sums) over elements */,
  FN_CATEGORICAL_HINGE = FN_ELEMENTWISE, FN_COSINE, FN_LOSSES
};

static inline int64_t fn_dtype_size(int64_t dtype) {
  static const int8_t size[FN_TYPES] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
  return dtype >= 0 && dtype < FN_TYPES ? size[dtype] : INT64_MAX;
}

/* Element i of an array of labels as a class number; what is no integer becomes -1. */
static inline int64_t fn_label(const void *p, int64_t dtype, int64_t i) {
  double x;
  switch (dtype) {
    case FN_BOOL:
    case FN_U8: return ((const uint8_t *)p)[i];
    case FN_I8: return ((const int8_t *)p)[i];
    case FN_U16: return ((const uint16_t *)p)[i];
    case FN_I16: return ((const int16_t *)p)[i];
    case FN_U32: return ((const uint32_t *)p)[i];
    case FN_I32: return ((const int32_t *)p)[i];
    case FN_U64: return ((const uint64_t *)p)[i] > INT64_MAX ? INT64_MAX : (int64_t)((const uint64_t *)p)[i];
    case FN_I64: return ((const int64_t *)p)[i];
    case FN_F32: x = ((const float *)p)[i]; break;
    default: x = ((const double *)p)[i];
  }
  return x >= -9e15 && x <= 9e15 && x == (double)(int64_t)x ? (int64_t)x : -1;
}

/* The same element as a number. */
static inline double fn_value(const void *p, int64_t dtype, int64_t i) {
  if (dtype == FN_F32) return ((const float *)p)[i];
  if (dtype == FN_F64) return ((const double *)p)[i];
  return (double)fn_label(p, dtype, i);
}

static inline int fn_is_ignored(int64_t label, int64_t ignores, int64_t ignored) { return ignores && label == ignored; }

/* FN_OK if each of n labels is a class (or ignored). */
static inline int fn_check_labels(const void *p, int64_t dtype, int64_t n, int64_t classes, int64_t ignores, int64_t ignored) {
  for (int64_t i = 0; i < n; i++) {
    int64_t label = fn_label(p, dtype, i);
    if ((label < 0 || label >= classes) && !fn_is_ignored(label, ignores, ignored)) return fn_bad_index(i, label, classes);
  }
  return FN_OK;
}
#endif
