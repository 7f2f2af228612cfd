/* Matrices with few entries that are not zero, row by row (CSR), as the reference and the tuned kernels read them.
 *
 * Row r of (m, k) has the entries indptr[r] ... indptr[r + 1] - 1: their columns in `indices`, in any order, their numbers in
 * `values`; entries of one place add up.  Nobody vouches for the contents of these arrays: each kernel checks both before it
 * follows them, and tells the position of what is wrong. */
#ifndef FN_CSR_H
#define FN_CSR_H
#include "fn.h"

#define FN_CSR "indptr:i64[m+1] indices:i32[nnz]"

/* Rows begin where the ones before them end, and lie within the entries. */
static inline int fn_csr_check_rows(const int64_t *indptr, int64_t m, int64_t nnz) {
  for (int64_t r = 0; r <= m; r++)
    if (indptr[r] < (r ? indptr[r - 1] : 0) || indptr[r] > nnz) return fn_bad_index(r, indptr[r], nnz + 1);
  return FN_OK;
}

/* The first of the entries from ... to - 1 whose column is none of k, -1 if all are. */
static inline int64_t fn_csr_bad_column(const int32_t *indices, int64_t from, int64_t to, int64_t k) {
  const uint32_t limit = (uint32_t)FN_MIN(k, (int64_t)1 << 31); /* a negative column is a large unsigned number */
  uint32_t bad = 0;
  for (int64_t e = from; e < to; e++) bad |= (uint32_t)indices[e] >= limit;
  if (bad)
    for (int64_t e = from; e < to; e++)
      if ((uint32_t)indices[e] >= limit) return e;
  return -1;
}
#endif
